"""An order as the interface shows it (contract: ``GET /v1/orders/{shop}/{number}``)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from models.store import views
from pipelines.engine.gather import facts_of
from pipelines.engine.stage import Decision, Facts, Need, ParcelFacts, ShipmentFacts, Stage
from pipelines.orders.instructions import instructions_json
from pipelines.rules import tracking
from pipelines.rules.money.tax import needs_return_invoice
from pipelines.shops import Shop

_TOKYO = ZoneInfo("Asia/Tokyo")
#: Everything an answer shows, gathered by the same code as for stages.
_SHOWN = Stage(
    "show", lambda facts, shop, now: Decision(facts), Need.PAYMENT | Need.SHIPMENTS | Need.PARCELS | Need.LOTS
)


def show_order(
    connection: Connection, shop: str, number: str, now: datetime, *, to_operator_of: Shop | None = None
) -> dict[str, Any] | None:
    """The whole order as JSON, or None if there is none; to an operator of its shop with people, goods and remarks."""
    row = views.order(connection, shop, number)
    if row is None:
        return None
    facts = facts_of(connection, _SHOWN, [row], now)[0]
    money = facts.money
    shown: dict[str, Any] = {
        "shop": shop,
        "number": number,
        "state": facts.state,
        "condition": facts.condition,
        "hold": [{"reason": h["reason"], "says": h["says"]} for h in facts.hold],
        "placed_at": _moment(facts.placed_at),
        "payment": {
            "method": money.method,
            "state": money.state,
            "amount": money.amount,
            "authorized": money.authorized,
            "captured": money.captured,
            "refunded": money.refunded,
            "refunded_by_hand": money.refunded_by_hand,
        },
        "shipments": [_shipment(facts, s) for s in facts.shipments],
        "points": {
            "used": facts.breakdown.points_used,
            "earned": facts.breakdown.points_earned,
            "state": next((lot.state for lot in reversed(facts.lots) if lot.kind == "purchase"), None),
        },
        "totals": facts.breakdown.totals_json(),
        "adjustments": [_adjustment(*row) for row in views.adjustments(connection, facts.id)],
        "repricings": [
            {"reason": r[0], "at": _moment(r[1]), "grand_total_before": r[2]}
            for r in views.repricings(connection, facts.id)
        ],
        "timeline": [
            {"entity": t[0], "id": t[1], "from": t[2], "to": t[3], "cause": t[4], "at": _moment(t[5])}
            for t in views.timeline(connection, facts.id)
        ],
        "mails": [
            {"template": m[0], "to": m[1], "state": m[2], "at": _moment(m[3]), "shipment": m[5]}
            for m in views.mails(connection, facts.id)
        ],
    }
    return shown if to_operator_of is None else {**shown, **_inside(facts, to_operator_of, shown["shipments"])}


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
            {"line": key, **told, "quantity": line["quantity"]}
            for (key, told), line in zip(goods.items(), document["lines"], strict=True)
        ],
        "shipments": [
            {**one, "lines": [{**line, **goods[line["line"]]} for line in one["lines"]]} for one in shipments
        ],
    }


def _adjustment(kind: str, reason: str, amounts: dict[str, Any], at: datetime) -> dict[str, Any]:
    """A change after the order: what went, and what came back for it."""
    shown = (
        "refund",
        "money",
        "points_returned",
        "points_unearned",
        "coupon_recovered",
        "return_fee",
        "points_deducted",
        "tax",
    )
    return {
        "kind": kind,
        "reason": reason,
        "lines": amounts["lines"],
        **{name: amounts.get(name, 0) for name in shown},
        "return_invoice": needs_return_invoice(amounts["refund"]),
        "at": _moment(at),
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
    number, carrier = parcel.tracking_number, parcel.carrier
    return {
        "carrier": carrier,
        "tracking_number": number,
        "tracking_url": tracking.url(carrier, number) if carrier and number else None,
        "tracking_status": parcel.tracking_status,
    }


def _pieces(parcel: ParcelFacts) -> list[dict[str, Any]]:
    return [{"line": line, "quantity": quantity} for line, quantity in parcel.lines.items()]


def _moment(at: datetime) -> str:
    return at.astimezone(_TOKYO).isoformat()
