"""Authorizations (仮売上) that end before the goods leave: told of in time, and never relied on afterwards (SPL-04, B.6.2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from models.states import ALL_LEFT, HoldReason, OrderState, PaymentState, ShipmentState
from models.subject import PAYMENT, Subject, order_subject
from pipelines.changes.money import (
    HELD_OR_TAKEN,
    capture_asked,
    capture_early,
    has_gained_nothing,
    held,
    is_renewing,
    not_renewed,
    renew,
)
from pipelines.engine.draft import OrderDraft
from pipelines.gateway import Capability
from pipelines.methods import METHODS, Capture, Secured
from pipelines.rules.holds import Hold
from pipelines.shops import Shop
from pipelines.suppliers.instructions import INSTRUCT
from pipelines.values.calendar import in_japan

_DAY: Final = timedelta(days=1)
_LOST: Final = frozenset({PaymentState.VOIDED, PaymentState.EXPIRED, PaymentState.FAILED})
#: Where goods are to leave because the money is secured.
_GOES_OUT: Final = (OrderState.AUTHORIZED, OrderState.RELEASED, OrderState.PARTLY_SHIPPED)
#: Where the lender's money is waited for once all goods have left, and for how long.
_PAYOUT_WAITS_AT: Final = "notify"
_PAID_OUT_WITHIN: Final = timedelta(days=45)


def watch_authorization(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Warn, then capture, renew or hold as the profile says, both at once where that is due by now; until then wake up in time. For
    ``dispatch`` alone."""
    money, ends = draft.money, _ends(draft, shop)
    if ends is None or is_renewing(draft):
        return
    rules = shop.payment
    act_at = ends - rules.authorization_act_days * _DAY
    warn_at = ends - _warned(shop)
    if warn_at <= now < ends:
        draft.announce(
            "payment.expiring",
            ends.isoformat(),
            cause="authorization_ends",
            amount=money.authorized,
            expires_at=ends.isoformat(),
            method=money.method,
        )
    if now >= act_at:
        _before_it_ends(draft, shop, ends, now)
        return
    acts = {"hold": "operator"}.get(rules.authorization_ends, rules.authorization_ends)
    due, then = (warn_at, "warn") if now < warn_at else (act_at, acts)
    if not draft.is_due_before(due, INSTRUCT):
        draft.await_for("shipment.left", "suppliers", due, then, _subject(draft))


def watched_from(draft: OrderDraft, shop: Shop, instruct_at: datetime, now: datetime) -> datetime:
    """When ``dispatch`` is to look first at goods that are told of at ``instruct_at``: at once where the authorization wants it sooner."""
    ends = held_until(draft, shop)
    return instruct_at if ends is None or instruct_at <= ends - _warned(shop) else now


def held_until(draft: OrderDraft, shop: Shop) -> datetime | None:
    """When the authorization ends that goods of an order may be to leave on, or what is left of it where each parcel captures its part;
    None where there is none. Whether they do ``dispatch`` finds out, which knows what was asked of the gateway."""
    if METHODS[draft.money.method].secured_by is not Secured.AUTHORIZATION:
        return None
    states = HELD_OR_TAKEN if shop.payment.capture_policy == "per_shipment" else (PaymentState.AUTHORIZED,)
    return draft.money.expires_at if draft.money.state in states else None


def goods_may_leave(draft: OrderDraft) -> bool:
    """Whether goods of it are still to leave: they are not even planned, a supplier has not sent them, or refused and another may."""
    return not draft.shipments or any(
        one.is_before_shipped or one.state == ShipmentState.REFUSED for one in draft.shipments
    )


def _warned(shop: Shop) -> timedelta:
    """How long before its end the first thing is done about an authorization."""
    return max(shop.payment.authorization_warning_days, shop.payment.authorization_act_days) * _DAY


def _before_it_ends(draft: OrderDraft, shop: Shop, ends: datetime, now: datetime) -> None:
    does, gateway = shop.payment.authorization_ends, shop.gateway(draft.money.gateway)
    if now >= ends:
        hold_for_authorization(draft, ends)
    elif does == "capture" and METHODS[draft.money.method].capture is Capture.ON_DISPATCH:
        capture_early(draft, shop)
    elif (
        does == "renew"
        and not capture_asked(draft)
        and not (not_renewed(draft) or has_gained_nothing(draft, ends))  # it is a person's by now
        and gateway is not None
        and Capability.RENEWS in gateway.capabilities
    ):
        renew(draft, ends)
    else:
        hold_for_authorization(draft, ends)


def watch_for_loss(draft: OrderDraft) -> None:
    """What a gateway holds no longer pays for nothing: goods that wait for it do not leave on it, and those that left are a
    human's to get the money for (SPL-04)."""
    money, method = draft.money, METHODS[draft.money.method]
    relied_on = method.capture is Capture.ON_DISPATCH or method.secured_by is Secured.APPROVAL
    lost = relied_on and money.state in _LOST and draft.state in (*_GOES_OUT, *ALL_LEFT) and draft.due > 0
    if lost:
        hold = Hold(HoldReason.AUTHORIZATION_LOST, amount=draft.due, facts={"state": str(money.state)})
        draft.hold(hold, "the gateway holds it no longer", anew=True)
    else:
        draft.lift(lambda hold: hold.reason == HoldReason.AUTHORIZATION_LOST, "nothing is missing any more")


def stop_watching(draft: OrderDraft) -> None:
    """The goods have left, or will not: how long the authorization lasts matters no more."""
    if draft.money.expires_at is not None and not goods_may_leave(draft):
        draft.end_wait("dispatch", _subject(draft))


def never_dispatch(draft: OrderDraft) -> None:
    """The order is cancelled: neither are its goods told of, nor is its authorization watched, on a day that was planned."""
    for subject in (order_subject(draft.facts.id), _subject(draft)):
        draft.end_wait("dispatch", subject, planned=True)


def watch_what_was_refused(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Nobody waits any more for a supplier that refused just now: from now on the money is watched by itself. For ``notify`` alone."""
    refused = any(one.was_owed and one.state == ShipmentState.REFUSED for one in draft.shipments)
    if refused and held_until(draft, shop) is not None:
        draft.next("dispatch", now)


def _subject(draft: OrderDraft) -> Subject:
    return Subject(PAYMENT, str(draft.facts.id))


def watch_payout(draft: OrderDraft, now: datetime) -> None:
    """Goods that a lender or a provider approved have left: his money is waited for (PAY-10, B.6.9), then a human asks him. For
    ``notify`` alone."""
    if draft.state not in ALL_LEFT or not _is_paid_out_later(draft):
        return
    until = max((one.shipped_at for one in draft.parcels.values()), default=now) + _PAID_OUT_WITHIN
    if until > now:
        draft.await_for("lender.payment", draft.money.gateway or "lender", until, "operator", _subject(draft))
    else:
        hold = Hold(HoldReason.CAPTURE_FAILED, amount=draft.money.authorized, facts={"code": "not_paid_out"})
        draft.hold(hold, "it was not paid out")


def stop_waiting_for_payout(draft: OrderDraft) -> None:
    """The lender, or the provider, has paid or will not."""
    if _is_of_another(draft) and not _is_paid_out_later(draft):
        draft.end_wait(_PAYOUT_WAITS_AT, _subject(draft))
        draft.lift(lambda hold: hold.reason == HoldReason.CAPTURE_FAILED, "it was paid out")


def _is_paid_out_later(draft: OrderDraft) -> bool:
    return _is_of_another(draft) and draft.money.state == PaymentState.AUTHORIZED


def _is_of_another(draft: OrderDraft) -> bool:
    """Whether somebody else than the customer pays, who agreed before the goods left."""
    method = METHODS[draft.money.method]
    return method.capture is Capture.BY_NOTICE and method.secured_by is not Secured.PAYMENT


def is_ending(draft: OrderDraft, shop: Shop, now: datetime) -> bool:
    """Whether the authorization ends within a day, or has: nobody is told to ship on it."""
    ends = _ends(draft, shop)
    return ends is not None and now >= ends - _DAY


def _ends(draft: OrderDraft, shop: Shop) -> datetime | None:
    """When the authorization ends that the goods are to leave on, of a provider the time to report them (B.6.9); None if there
    is none, nothing is due, it is being captured, or a lender pays it out: he says so himself (PAY-10). Where each parcel captures its
    part the goods that are left rely on the rest."""
    ends = held_until(draft, shop)
    if ends is None:
        return None
    if capture_asked(draft):
        relied_on = shop.payment.capture_policy == "per_shipment" and held(draft) > 0
    else:
        relied_on = draft.money.state == PaymentState.AUTHORIZED and draft.due > 0
    return ends if relied_on else None


def hold_for_authorization(draft: OrderDraft, ends: datetime) -> None:
    """A human decides whether the sum is captured before the goods leave."""
    until = in_japan(ends).date().isoformat()
    hold = Hold(HoldReason.AUTHORIZATION_ENDS, amount=max(held(draft), 0), facts={"until": until})
    draft.hold(hold, "the authorization ends", anew=True)
