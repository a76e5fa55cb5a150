"""An order as the interface shows it (contract: ``GET /v1/orders/{shop}/{number}``)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from models.states import Condition, OrderState, PaymentState
from models.store import (
    adjustments,
    bounces,
    effects,
    holds,
    mails,
    orders,
    readdressings,
    refund_accounts,
    repricings,
    transitions,
    visits,
    work,
)
from models.store.adjustments import AdjustmentRow
from models.store.bounces import OrderBounceRow
from models.store.holds import HoldRow
from models.store.refund_accounts import RefundAccountRow
from models.store.transitions import TransitionRow
from models.store.work import WaitRow
from models.subject import RETURN, SHIPMENT
from pipelines.carriers import carrier
from pipelines.changes.money import HAS_MONEY
from pipelines.engine.facts import Facts, Need, ParcelFacts, ReturnFacts, ShipmentFacts
from pipelines.engine.gather import facts_of, hold_of
from pipelines.engine.stage import Stage
from pipelines.methods import METHODS, Capture
from pipelines.orders.instructions import instructions_json
from pipelines.orders.mails import bill_of
from pipelines.orders.pay_by import pay_by
from pipelines.orders.story import attempts, story, with_acts
from pipelines.rules.money.adjustments import GOODWILL
from pipelines.rules.money.tax import needs_return_invoice
from pipelines.rules.warnings import warnings_json
from pipelines.shops import Shop

_TOKYO = ZoneInfo("Asia/Tokyo")
#: Everything an answer shows, gathered by the same code as for stages.
_SHOWN = Stage(
    "show", lambda draft, shop, now: None, Need.PAYMENT | Need.SHIPMENTS | Need.PARCELS | Need.LOTS | Need.RETURNS
)


def show_order(
    connection: Connection,
    shop: str,
    number: str,
    now: datetime,
    locale: str | None = None,
    *,
    profile: Shop | None = None,
    inside: bool = False,
) -> dict[str, Any] | None:
    """The whole order as JSON, or None if there is none; sentences in ``locale`` (None: the order's). ``profile`` is its shop's,
    None where there is none any more. ``inside``: to an operator of it, with people, goods, remarks and what they ask for."""
    row = orders.by_number(connection, shop, number)
    if row is None:
        return None
    (facts,) = facts_of(connection, _SHOWN, [row], now)
    locale = locale or facts.locale
    money, asked = facts.payment, effects.trail(connection, facts.id)
    history, changes = transitions.of_order(connection, facts.id), adjustments.of_orders(connection, [facts.id])
    repriced, readdressed = repricings.of_order(connection, facts.id), readdressings.of_order(connection, facts.id)
    put_off = visits.of_order(connection, facts.id)
    heard = bounces.of_order(connection, facts.id)
    reports = {one.mail_id: _report(one) for one in heard}
    shown: dict[str, Any] = {
        "shop": shop,
        "number": number,
        "state": facts.state,
        "condition": facts.condition,
        "hold": [{"reason": one.reason, "says": one.says(locale)} for one in facts.holds],
        "holds": [_hold(row, locale) for row in holds.open_of(connection, [facts.id])],
        "warnings": warnings_json(facts.order),
        "placed_at": _moment(facts.placed_at),
        "replaces": facts.document.get("replaces"),
        "currency": facts.currency,
        "payment": {
            "method": money.method,
            "state": money.state,
            "amount": money.amount,
            "authorized": money.authorized,
            "captured": money.captured,
            "refunded": money.refunded,
            "refunded_by_hand": money.refunded_by_hand,
            "gateway": money.gateway,
            "pay_by": _pay_by(facts, profile) if profile is not None else None,
            "expires_at": _moment(money.expires_at) if money.expires_at else None,
            "instructions": money.instructions,
            "attempts": list(attempts(asked)),
        },
        "shipments": [_shipment(facts, s) for s in facts.shipments],
        "points": {
            "used": facts.breakdown.points_used,
            "earned": facts.breakdown.points_earned,
            "state": next((lot.state for lot in reversed(facts.lots) if lot.kind == "purchase"), None),
        },
        "totals": facts.breakdown.totals_json(),
        "returns": [show_return(one) for one in facts.returns],
        **({"pickup": dict(facts.pickup)} if facts.pickup is not None else {}),
        "awaits": [_wait(one) for one in work.waits(connection, facts.id) if _still_matters(one, facts)],
        "adjustments": [_adjustment(facts, one, was_paid=_was_paid(facts, history, one.at)) for one in changes],
        "repricings": [
            {"reason": one.reason, "at": _moment(one.at), "grand_total_before": one.grand_total_before}
            for one in repriced
        ],
        "timeline": [_moved(one) for one in with_acts(history, changes, repriced, readdressed, put_off, heard)],
        "mails": [
            {
                "id": one.id,
                "template": one.template,
                "copy_of": one.copy_of,
                "to": one.envelope_to,
                "state": one.state,
                "at": _moment(one.at),
                "shipment": one.shipment_id,
                "report": reports.get(one.id),
            }
            for one in mails.of_order(connection, facts.id)
        ],
    }
    if profile is None or not inside:
        return shown
    account = refund_accounts.of_order(connection, facts.id)
    return {
        **shown,
        "payment": {**shown["payment"], "liability": money.liability},
        **_inside(facts, profile, shown["shipments"]),
        **story(connection, facts.id, asked),
        "refund_account": _account(account) if account else None,
    }


def _pay_by(facts: Facts, shop: Shop) -> str | None:
    last = pay_by(facts, shop)
    return last.isoformat() if last is not None else None


def _report(one: OrderBounceRow) -> dict[str, Any]:
    """What was heard of a mail after it was sent."""
    return {
        "kind": one.kind,
        "reason": one.reason,
        "status": one.status,
        "says": one.diagnostic,
        "at": _moment(one.at),
    }


def _account(row: RefundAccountRow) -> dict[str, Any]:
    """Where the customer wants money that no gateway gives back."""
    told = {name: value for name, value in row._asdict().items() if name not in ("order_id", "given_at")}
    return {**told, "given_at": _moment(row.given_at)}


def _inside(facts: Facts, shop: Shop, shipments: list[dict[str, Any]]) -> dict[str, Any]:
    """What only the house sees: who ordered, what, whereto, and what the remarks ask for."""
    document = facts.document
    goods = {line["line"]: {"sku": line["sku"], "name": line["name"]} for line in document["lines"]}
    return {
        "customer": document["customer"],
        "ship_to": document["ship_to"],
        "remarks": document["remarks"],
        "instructions": instructions_json(facts.order, shop),
        "lines": [
            {
                "line": line["line"],
                **goods[line["line"]],
                "quantity": line["quantity"],
                "unit_price": line["unit_price"],
                "supplier": line["supplier"],
            }
            for line in document["lines"]
        ],
        "shipments": [
            {**one, "lines": [{**line, **goods[line["line"]]} for line in one["lines"]]} for one in shipments
        ],
    }


def _hold(row: HoldRow, locale: str) -> dict[str, Any]:
    """Why the order waits for a human, since when, and what answers it."""
    hold = hold_of(row)
    return {
        "reason": hold.reason,
        "says": hold.says(locale),
        "about": hold.shipment,
        "lines": [{"line": line, "quantity": pieces} for line, pieces in hold.lines.items()],
        "amount": hold.amount,
        "opened_at": _moment(row.opened_at),
        "way_out": hold.kind.way_out.says(locale),
        "ways_out": list(hold.kind.answered_by),
    }


def _moved(one: TransitionRow) -> dict[str, Any]:
    return {
        "entity": one.entity,
        "id": one.entity_id,
        "from": one.from_state,
        "to": one.to_state,
        "cause": one.cause,
        "at": _moment(one.at),
    }


def _was_paid(facts: Facts, history: Sequence[TransitionRow], at: datetime) -> bool:
    """Whether money of the customer's could go back at that moment: what is collected on delivery comes late, or never (PAY-09)."""
    if METHODS[facts.method].capture is not Capture.ON_DELIVERY:
        return True
    paid = (one.to_state for one in reversed(history) if one.entity == "payment" and one.at <= at)
    return next(paid, None) in (*HAS_MONEY, PaymentState.REFUNDED)


def _adjustment(facts: Facts, change: AdjustmentRow, *, was_paid: bool) -> dict[str, Any]:
    """A change after the order: what went, and what came back for it; of what nobody had paid points alone. ``bill`` is the month on
    whose bill it is (PAY-12)."""
    bill = bill_of(facts, change.at)
    refund = change.amounts["refund"] - (0 if was_paid else change.amounts["money"])
    shown = (
        "money",
        "points_returned",
        "points_unearned",
        "coupon_recovered",
        "return_fee",
        "points_deducted",
        "tax",
    )
    return {
        "kind": change.kind,
        "reason": change.reason,
        "lines": change.amounts["lines"],
        "refund": refund,
        **{name: change.amounts.get(name, 0) for name in shown},
        "return_invoice": was_paid and change.kind != GOODWILL and needs_return_invoice(refund),
        "bill": f"{bill:%Y-%m}" if bill else None,
        "at": _moment(change.at),
    }


def _still_matters(wait: WaitRow, facts: Facts) -> bool:
    """An order that rests waits for nothing but the arrival of what left, and for what comes back; a cancelled one for what is to come back (PAY-09)."""
    if facts.state == OrderState.CANCELLED:
        return wait.stage in ("collect", "pull_in")
    return facts.condition != Condition.DONE or wait.stage in ("notify", "collect", "pull_in", "returns")


def _wait(wait: WaitRow) -> dict[str, Any]:
    """A fact that has not come, who owes it, until when it is waited for and what happens then."""
    return {
        "what": wait.what,
        "from": wait.counterparty,
        "until": _moment(wait.due_at),
        "then": wait.consequence,
        "shipment": wait.subject_id if wait.subject_kind == SHIPMENT else None,
        "return": wait.subject_id if wait.subject_kind == RETURN else None,
    }


def show_return(one: ReturnFacts) -> dict[str, Any]:
    """A return as the interface shows it (contract: Returns)."""
    return {
        "return": one.id,
        "state": one.state,
        "remedy": one.remedy,
        "asked_at": _moment(one.asked_at),
        "goods_by": one.goods_by.isoformat() if one.goods_by else None,
        "waits_until": _moment(one.waits_until) if one.waits_until else None,
        "lines": [{**line._asdict(), "condition": list(line.condition)} for line in one.lines],
        "because": list(one.because),
        "answer": one.answer,
        "replacement": one.replacement,
    }


def _shipment(facts: Facts, shipment: ShipmentFacts) -> dict[str, Any]:
    parcels = [p for p in facts.parcels if p.shipment == shipment.id]
    latest = parcels[-1] if parcels else None
    return {
        "id": shipment.id,
        "supplier": shipment.supplier,
        "state": shipment.state,
        "lines": [
            {"line": line, "quantity": p.quantity, "shipped": p.shipped, "cancelled": p.cancelled}
            for line, p in shipment.lines.items()
        ],
        "dispatch_on": shipment.dispatch_on.isoformat() if shipment.dispatch_on else None,
        "arrive_on": shipment.arrive_on.isoformat() if shipment.arrive_on else None,
        "because": list(shipment.because),
        **_parcel(latest),
        "parcels": [{**_parcel(p), "shipped_at": _moment(p.shipped_at), "lines": _pieces(p)} for p in parcels],
    }


def _parcel(parcel: ParcelFacts | None) -> dict[str, Any]:
    if parcel is None:
        return {"carrier": None, "tracking_number": None, "tracking_url": None, "tracking_status": None}
    number, known = parcel.tracking_number, carrier(parcel.carrier) if parcel.carrier else None
    return {
        "carrier": parcel.carrier,
        "tracking_number": number,
        "tracking_url": known.url(number) if known and number else None,
        "tracking_status": parcel.tracking_status,
    }


def _pieces(parcel: ParcelFacts) -> list[dict[str, Any]]:
    return [{"line": line, "quantity": quantity} for line, quantity in parcel.lines.items()]


def _moment(at: datetime) -> str:
    return at.astimezone(_TOKYO).isoformat()
