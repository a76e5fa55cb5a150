"""Authorizations (仮売上) that end before the goods leave: told of in time, and never relied on afterwards (SPL-04, B.6.2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from models.states import HoldReason, PaymentState
from models.subject import PAYMENT, Subject
from pipelines.changes.money import capture_asked, capture_early
from pipelines.engine.draft import OrderDraft
from pipelines.rules.holds import Hold
from pipelines.shops import Shop
from pipelines.values.calendar import in_japan

_DAY: Final = timedelta(days=1)


def watch_authorization(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Warn, then capture or hold as the profile says; until then wake up in time. For ``dispatch`` alone."""
    money, ends = draft.money, _ends(draft)
    if ends is None:
        return
    warn_at, act_at = ends - shop.payment.authorization_warning_days * _DAY, ends - _DAY
    if now >= act_at:
        if shop.payment.authorization_ends == "capture" and now < ends:
            capture_early(draft)
        else:
            hold_for_authorization(draft, ends)
        return
    if now >= warn_at:
        draft.announce(
            "payment.expiring",
            ends.isoformat(),
            amount=money.authorized,
            expires_at=ends.isoformat(),
            method=money.method,
        )
    due, then = (warn_at, "warn") if now < warn_at else (act_at, "operator")
    if then == "operator" and shop.payment.authorization_ends == "capture":
        then = "capture"
    if not draft.is_due_before(due):
        draft.await_for("shipment.left", "suppliers", due, then, _subject(draft))


def stop_watching(draft: OrderDraft) -> None:
    """The goods have left, or will not: how long the authorization lasts matters no more."""
    if draft.money.expires_at is not None and not any(one.is_before_shipped for one in draft.shipments):
        draft.end_wait("dispatch", _subject(draft))


def _subject(draft: OrderDraft) -> Subject:
    return Subject(PAYMENT, str(draft.facts.id))


def is_ending(draft: OrderDraft, now: datetime) -> bool:
    """Whether the authorization ends within a day, or has: nobody is told to ship on it."""
    ends = _ends(draft)
    return ends is not None and now >= ends - _DAY


def _ends(draft: OrderDraft) -> datetime | None:
    """When the authorization ends that the goods are to leave on; None if there is none, or it is being captured."""
    relied_on = draft.money.state == PaymentState.AUTHORIZED and not capture_asked(draft)
    return draft.money.expires_at if relied_on else None


def hold_for_authorization(draft: OrderDraft, ends: datetime) -> None:
    """A human decides whether the sum is captured before the goods leave."""
    until = in_japan(ends).date().isoformat()
    hold = Hold(HoldReason.AUTHORIZATION_ENDS, amount=draft.money.authorized, facts={"until": until})
    draft.hold(hold, "the authorization ends", anew=True)
