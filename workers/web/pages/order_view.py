"""What a customer sees of one order: plain values for the template, and of nobody else's anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection

from models.states import OrderState, ReturnState, ShipmentState
from pipelines.carriers import carrier
from pipelines.documents import issue
from pipelines.documents.kinds import Kind
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Facts, ParcelFacts, ReturnFacts, ShipmentFacts
from pipelines.methods import METHODS, Capture, Receipt
from pipelines.orders.act import possible
from pipelines.orders.actions import cancel, open_return, withdraw_return
from pipelines.orders.mails import lines_of, of_the_day, what_is_left
from pipelines.orders.pay_by import pay_by
from pipelines.rules.billing import is_billed
from pipelines.rules.dates.periods import last_day
from pipelines.shops import Shop
from pipelines.values.calendar import in_japan
from pipelines.values.place import shown_place

ROLE: Final = "storefront"
"""A customer asks as through the storefront: bound by the shop's rules."""
_SENT: Final = frozenset({ShipmentState.SHIPPED, ShipmentState.CANCELLED, ShipmentState.REFUSED})


@dataclass(frozen=True, slots=True)
class OrderView:
    """One order as its customer sees it, in ``language``."""

    facts: Facts
    shop: Shop
    language: str
    now: datetime
    documents: Sequence[Mapping[str, Any]]

    def values(self) -> dict[str, Any]:
        """What the template is told."""
        facts, draft = self.facts, OrderDraft(self.facts)
        ways = {(one.action.name, one.about): one for one in possible(facts, self.shop, self.now, role=ROLE)}
        stop = ways[cancel.ACTION.name, None]
        back = ways[open_return.ACTION.name, None]
        return {
            "number": facts.number,
            "placed_on": in_japan(facts.placed_at).date(),
            "state": facts.state,
            "is_held": bool(facts.holds) and facts.state != OrderState.CANCELLED,
            "told_language": facts.locale,
            **self._goods(draft),
            "ship_to": None if facts.pickup else self._destination(),
            "pickup": self._pickup(),
            "pay_by": self._pay_by(),
            "plans": [self._plan(one) for one in facts.shipments if one.state not in _SENT],
            "parcels": [self._parcel(one) for one in facts.parcels],
            "method": METHODS[facts.method].names[self.language],
            "is_billed": is_billed(facts.method),
            "refunded": facts.payment.refunded,
            "points": self._points(),
            "papers": list(self._papers()),
            "receipt": self._receipt(),
            "cancel": None if facts.state == OrderState.CANCELLED else _why_not(stop.refusals, self.language),
            "may_return": not back.refusals,
            "returns": [self._return(one, ways) for one in facts.returns],
        }

    def _goods(self, draft: OrderDraft) -> dict[str, Any]:
        """The goods that the totals are of, and those that were taken out or given back; of a cancelled order all of them."""
        facts, left = self.facts, what_is_left(draft, self.shop)
        if facts.state == OrderState.CANCELLED:
            every = [(line["line"], line["quantity"]) for line in facts.document["lines"]]
            return {**left, "lines": lines_of(facts, every), "gone": []}
        return {**left, "gone": lines_of(facts, draft.gone.items())}

    def _pickup(self) -> dict[str, Any] | None:
        """The store that the goods are called to, and the day of the visit (STO-01)."""
        if (pickup := self.facts.pickup) is None:
            return None
        store = self.shop.stores[pickup["store"]]
        return {
            "store": store.called(self.language),
            "phone": store.phone,
            "visit_on": date.fromisoformat(pickup["visit_on"]),
        }

    def _pay_by(self) -> date | None:
        """Until when money is waited for, as the mail says it; None where it is in, or none is."""
        facts = self.facts
        if facts.state not in (OrderState.ACCEPTED, OrderState.AWAITING_PAYMENT):
            return None
        return pay_by(facts, self.shop)

    def _destination(self) -> dict[str, str]:
        """Where it goes, so that a customer sees whether it is right: nothing that a mail of the order does not say."""
        to = shown_place(self.facts.document["ship_to"])
        return {
            name: to.get(name) or "" for name in ("kind", "postal_code", "region", "city", "line1", "line2", "name")
        }

    def _plan(self, shipment: ShipmentFacts) -> dict[str, Any]:
        pieces = {line: one.quantity - one.shipped - one.cancelled for line, one in shipment.lines.items()}
        return {
            "lines": lines_of(self.facts, pieces.items()),
            "dispatch_on": shipment.dispatch_on,
            "arrive_on": shipment.arrive_on,
            "because": [one["says"] for one in of_the_day(shipment.because, shipment.dispatch_on, self.facts.locale)],
        }

    def _parcel(self, parcel: ParcelFacts) -> dict[str, Any]:
        number, known = parcel.tracking_number, carrier(parcel.carrier) if parcel.carrier else None
        return {
            "lines": lines_of(self.facts, parcel.lines.items()),
            "shipped_on": in_japan(parcel.shipped_at).date(),
            "carrier": known.called(self.language) if known else "",
            "number": number,
            "url": known.url(number) if known and number else None,
            "status": parcel.tracking_status or "",
        }

    def _points(self) -> dict[str, Any]:
        """What the order earns after its changes, and how most of what is left of it stands."""
        facts = self.facts
        lots = [one for one in facts.lots if one.kind == "purchase" and one.gone < one.amount]
        earned = facts.breakdown.points_earned - sum(one.points_unearned for one in facts.adjustments)
        return {
            "earned": 0 if facts.has_withdrawn else earned,
            "state": max(lots, key=lambda one: one.amount - one.gone).state if lots else "",
        }

    def _papers(self) -> Iterator[dict[str, Any]]:
        """What may be had, each once: a document that was issued is there to be loaded, not to be issued again."""
        for one in self.documents:
            is_fetched = one["kind"] != Kind.RECEIPT or self._fetches_receipt()
            if one["issued"] or (one["allowed"] and is_fetched):
                yield {
                    "kind": one["kind"],
                    "subject": one["subject"] or "",
                    "issued": [{"id": had["id"], "number": had["number"]} for had in one["issued"]],
                    "until": one["until"],
                }

    def _fetches_receipt(self) -> bool:
        """Whether the receipt is fetched; a transfer's goes on paper (DOC-02)."""
        return METHODS[self.facts.method].capture is Capture.ON_DISPATCH

    def _receipt(self) -> str:
        """Why no receipt is to be had here, as a word of the page; empty where one is, and of an order that was cancelled."""
        if self.facts.state == OrderState.CANCELLED or any(one["kind"] == Kind.RECEIPT for one in self._papers()):
            return ""
        method = METHODS[self.facts.method]
        if method.receipt is not Receipt.SHOP or self.facts.method not in self.shop.documents.receipt_methods:
            return f"receipt_{method.receipt}" if method.receipt is not Receipt.SHOP else "receipt_none"
        if not self._fetches_receipt():
            return "receipt_paper"
        until = next((one["until"] for one in self.documents if one["kind"] == Kind.RECEIPT), None)
        is_over = until is not None and in_japan(self.now).date() > date.fromisoformat(until)
        return "receipt_over" if is_over else "receipt_later"

    def _return(self, one: ReturnFacts, ways: Mapping[tuple[str, str | None], Any]) -> dict[str, Any]:
        withdraw = ways.get((withdraw_return.ACTION.name, one.id))
        return {
            "id": one.id,
            "state": one.state,
            "remedy": one.remedy,
            "lines": lines_of(self.facts, one.pieces.items()),
            "because": [reason["says"] for reason in one.because] if one.state == ReturnState.REFUSED else [],
            "goods_by": one.goods_by if one.state == ReturnState.AWAITING_GOODS else None,
            "answer_by": last_day(one.waits_until) if one.waits_until and one.state == ReturnState.REQUESTED else None,
            "address": self.shop.returns.address,
            "cost_on": "shop" if all(line.cost_on == "shop" for line in one.lines) else "customer",
            "answer": one.answer,
            "replacement": one.brings,
            "may_withdraw": withdraw is not None and not withdraw.refusals,
        }


def view(connection: Connection, facts: Facts, shop: Shop, language: str, now: datetime) -> OrderView:
    """The order of ``facts`` (those of `pipelines.orders.act.standing`) with its documents."""
    return OrderView(facts, shop, language, now, issue.listed(connection, shop, facts.number, now))


def _why_not(refusals: Sequence[Any], language: str) -> dict[str, Any]:
    return {"possible": not refusals, "says": [one.says(language) for one in refusals]}
