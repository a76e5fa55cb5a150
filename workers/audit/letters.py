"""Which mails an order's history asks for: of every template at least and at most how many, read from its moves, holds, changes
and news, and never from the mails themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from models.states import GIVEN_ANEW, HoldReason
from pipelines.engine.decision import RECEIPT_STORED
from pipelines.methods import METHODS
from pipelines.rules.parcels import ENDED
from pipelines.shops import Shop
from workers.audit.books import News, OrderBook
from workers.audit.judge import Evidence
from workers.sandbox.contradictions import is_contradiction

#: How a parcel fares of which its customer is not reminded.
_ON_ITS_WAY_BACK: Final = frozenset({"refused", "returning", "returned"})
#: Time of the Clock in which one decision follows the other, and no deadline of a payment lies.
_AT_ONCE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Letter:
    """``template`` is due ``least`` times and ``most`` times by an order's history; None: nothing bounds it. Shops of which
    ``spares`` says so need not write it."""

    template: str
    least: Callable[[OrderBook], int]
    most: Callable[[OrderBook], int | None]
    spares: Callable[[Shop], bool] = lambda shop: False

    def least_of(self, order: OrderBook, shop: Shop | None) -> int:
        """How often it is due by the profile of the order's ``shop``; None: it is not known."""
        return 0 if shop is not None and self.spares(shop) else self.least(order)


def told(evidence: Evidence) -> Counter[tuple[str, str]]:
    """(<shop>/<number>, template) -> different mails that arrived; those that an operator sent again are not counted."""
    mails = {
        (record["order"], record["template"], record["message_id"])
        for record in evidence.journals.mails
        if record["message_id"] not in evidence.books.copies
    }
    return Counter((order or "", template) for order, template, _ in mails)


def _cancels(order: OrderBook) -> list[str]:
    return [move.cause for move in order.moved("order", "cancelled")]


def _failures(order: OrderBook) -> int:
    return sum(cause.startswith("payment failed: ") for cause in _cancels(order))


def _confirmed(order: OrderBook) -> int:
    """Once, and once for each new price; not who cancelled before anybody had looked at the order."""
    ways = [move.new for move in order.moves if move.entity == "order"]
    was_looked_at = ways[1:] not in ([], ["cancelled"]) or order.held_at_once
    return int(was_looked_at) + order.repriced


def _deposits(order: OrderBook) -> int:
    return sum(move.cause == "deposit received" for move in order.moved("order", "authorized"))


def _applied(order: OrderBook, kind: str) -> int:
    """Shipments of which a supplier said ``kind``, and it came to something; nobody tells more of a cancelled order."""
    return len({_shipment_of(one) for one in _taken(order, kind)})


def _taken(order: OrderBook, kind: str) -> Sequence[News]:
    if _cancels(order):
        return ()
    told_of = (one for one in order.news if (one.type, one.state) == (kind, "applied"))
    return [one for one in told_of if not is_contradiction(one.event_id)]


def _shipment_of(one: News) -> str:
    return one.event_id.split(":")[0]


def _unpaid(order: OrderBook) -> int:
    """Who is cancelled for not having paid was reminded before (PAY-07)."""
    return int(order.method == "bank_transfer" and "not paid in time (PAY-07)" in _cancels(order))


def _instructed(order: OrderBook) -> int:
    """Who is to pay is told how."""
    return int(order.money.was_instructed and bool(order.moved("order", "awaiting_payment")))


def _was_over(order: OrderBook) -> int:
    """Whose time was over before it was known that there is something to pay is told of the end alone."""
    waits = [move.at for move in order.moved("order", "awaiting_payment")]
    ends = [move.at for move in order.moved("order", "cancelled") if move.cause.startswith("not paid in time (")]
    return int(_instructed(order) and any(timedelta() <= end - wait <= _AT_ONCE for wait in waits for end in ends))


def _planned(order: OrderBook) -> int:
    """Whoever was confirmed before a day could be named hears of it once the goods are planned: where money was waited for, or
    a human looked first. A card's issuer who wants to see its holder changes nothing of the day that was told. Not where the
    day misses a wish: that is told by another mail."""
    was_planned = any(move.old is None and move.cause == "split" for move in order.moves if move.entity == "shipment")
    was_awaited = METHODS[order.method].secured_by.is_awaited and bool(order.moved("order", "awaiting_payment"))
    was_open = order.held_at_once or was_awaited
    return int(was_planned and was_open and not order.repriced and not order.held[HoldReason.REQUEST_NOT_MET])


def _corrected(order: OrderBook) -> int:
    """One at least where a number was corrected after the shipment had left, and no parcel of it has come to an end."""
    left = {move.id: move.at for move in order.moved("shipment", "shipped")}
    ended = {one.shipment for one in order.parcels if one.status in ENDED}
    corrections = (one for one in order.news if (one.type, one.state) == ("shipment.tracking_corrected", "applied"))
    told_of = ((one.event_id.split(":")[0], one.at) for one in corrections if not is_contradiction(one.event_id))
    return int(any(at and id_ in left and left[id_] < at and id_ not in ended for id_, at in told_of))


def _unclaimed(order: OrderBook) -> int:
    """Who is cancelled for not having received a parcel was reminded before (PAY-09), unless it was on its way back."""
    is_back = any(one.status in _ON_ITS_WAY_BACK for one in order.parcels)
    return int(not is_back and any(cause.startswith("not received in ") for cause in _cancels(order)))


def _delayed(order: OrderBook) -> int:
    """One at least where goods missed their day, and for each shipment whose supplier named another one before it was heard that
    they have left: both may come at once, and be decided at once."""
    left = {_shipment_of(one): one.heard_at for one in _taken(order, "shipment.shipped")}
    late = [one for one in _taken(order, "shipment.delayed") if not _is_overtaken(one, left.get(_shipment_of(one)))]
    return max(len({_shipment_of(one) for one in late}), int(order.held[HoldReason.DISPATCH_LATE] > 0))


def _is_overtaken(one: News, by: datetime | None) -> bool:
    return by is not None and one.heard_at is not None and by <= one.heard_at


def _parcels(order: OrderBook) -> int:
    return len(order.parcels)


def _departures(order: OrderBook) -> int:
    return sum(not one.is_kept for one in order.parcels)


def _delivered(order: OrderBook) -> int:
    """One at least for each shipment whose supplier said that it arrived, unless that was at a store."""
    return 0 if order.is_pickup else _applied(order, "shipment.delivered")


def _at_store(order: OrderBook) -> int:
    """Whoever was cancelled for not having come, or whose goods a store keeps, was asked to come (STO-01)."""
    alone = len(order.parcels) == 1 and order.parcels[0].status == "at_store"
    return int(order.is_pickup and (_not_visited(order) or alone))


def _not_visited(order: OrderBook) -> bool:
    return any(cause.startswith("no visit by ") for cause in _cancels(order))


def _pickups(order: OrderBook) -> int | None:
    """Once for each day of the visit: of those that called nothing to a store, none."""
    return None if order.is_pickup else 0


def _refunds(order: OrderBook) -> int:
    return sum(1 for move in order.moves if move.entity == "payment" and move.new in ("partly_refunded", "refunded"))


def _called_off(order: OrderBook) -> int:
    """Shipments that were told, and then were not to leave any more because the order ended."""
    return len(
        {
            move.id
            for move in order.moves
            if (move.entity, move.new) == ("shipment", "cancelled")
            and move.old in ("instructed", "acknowledged")
            and move.cause in _cancels(order)
        }
    )


def _taken_out(order: OrderBook) -> int:
    changed = sum(one.kind in ("cancel", "short") for one in order.changes)
    return max(0, changed - sum("every line taken out" in cause for cause in _cancels(order)))


def _activated(order: OrderBook) -> int:
    """One at least where points of it became valid by its goods."""
    return int(any(move.old == "pending" for move in order.moved("lot", "valid")))


def _sums_promised(order: OrderBook) -> int:
    """Holds of which the customer was told that a new sum follows; a release of one says that it stays."""
    return sum(order.held[reason] > 0 for reason in (HoldReason.QUOTE_NEEDED, HoldReason.COUPONS_IN_REMARKS))


def _nothing(order: OrderBook) -> int:
    return 0


def _unbounded(order: OrderBook) -> int | None:
    return None


def _reminds_of_no_transfer(shop: Shop) -> bool:
    """The day of the reminder is none, or not after the order's."""
    return shop.payment.bank_transfer_reminder_days in (0, *range(shop.payment.bank_transfer_days, 366))


def _reminds_of_no_parcel(shop: Shop) -> bool:
    """The day of the reminder is none, or not after the one on which the parcel left."""
    return shop.payment.cod_reminder_days in (0, *range(shop.payment.cod_unclaimed_days - 1, 366))


def _held(reason: HoldReason) -> Callable[[OrderBook], int]:
    """One at least where the order was ever held for ``reason``."""
    return lambda order: int(order.held[reason] > 0)


def _letter(template: str, exactly: Callable[[OrderBook], int]) -> Letter:
    return Letter(template, exactly, exactly)


#: Where a return is over and its customer hears how; of a refusal a mail of its own tells.
_ENDS_OF_RETURNS: Final = ("expired", "sent_back", "refunded", "replaced", "exchanged", "closed")

LETTERS: tuple[Letter, ...] = (
    Letter("order_accepted", _confirmed, lambda o: 1 + o.repriced + _sums_promised(o)),
    _letter("order_held", lambda o: int(o.held_at_once)),
    Letter("not_offered", _nothing, lambda o: 1),
    Letter("payment_instructions", lambda o: _instructed(o) - _was_over(o), _instructed),
    Letter(
        "payment_reminder", _unpaid, lambda o: len(o.moved("order", "awaiting_payment")), spares=_reminds_of_no_transfer
    ),
    Letter("payment_received", _deposits, lambda o: len(o.moved("order", "authorized"))),
    _letter("order_reopened", lambda o: len([m for m in o.moved("order", "authorized") if m.old == "cancelled"])),
    Letter(
        "deposit_differs", _held(HoldReason.DEPOSIT_MISMATCH), lambda o: 3 * min(1, o.held[HoldReason.DEPOSIT_MISMATCH])
    ),
    Letter("refund_account_needed", _held(HoldReason.REFUND_DUE), lambda o: min(1, o.held[HoldReason.REFUND_DUE])),
    _letter("payment_failed", _failures),
    Letter("authorization_not_renewed", lambda o: 0, lambda o: o.held[HoldReason.AUTHORIZATION_ENDS]),
    Letter("order_cancelled", lambda o: len(_cancels(o)) - _failures(o), lambda o: len(_cancels(o)) - _failures(o)),
    Letter("dispatch_planned", _planned, lambda o: 1),
    Letter("request_not_met", _held(HoldReason.REQUEST_NOT_MET), lambda o: 1),
    Letter("dispatch_delayed", _delayed, _unbounded),
    Letter("shipment_shipped", _departures, _unbounded),
    Letter("tracking_corrected", _corrected, _unbounded),
    Letter("order_delivered", _delivered, _parcels),
    Letter("parcel_returned", lambda o: _applied(o, "shipment.returned"), _parcels),
    Letter("transit_accident", lambda o: _applied(o, "shipment.lost"), lambda o: 2 * _parcels(o)),
    Letter(
        "cod_unclaimed", _unclaimed, lambda o: _parcels(o) if o.method == "cod" else 0, spares=_reminds_of_no_parcel
    ),
    Letter("parcel_waiting", _nothing, lambda o: 3 * _parcels(o)),
    Letter("pickup_ready", _at_store, _pickups),
    Letter("pickup_reminder", _nothing, _pickups),
    Letter("store_notice", lambda o: int(o.is_pickup and _not_visited(o)), _pickups),
    Letter("order_short", _taken_out, lambda o: sum(one.kind in ("cancel", "short") for one in o.changes)),
    Letter("refund_done", _refunds, _unbounded),
    _letter("receipt_ready", lambda o: sum(one.type == RECEIPT_STORED for one in o.news)),
    _letter("address_changed", lambda o: o.readdressed),
    Letter("return_accepted", lambda o: 0, lambda o: len(o.moved("return", "requested"))),
    _letter("return_refused", lambda o: len(o.moved("return", "refused"))),
    _letter("return_goods_awaited", lambda o: len(o.moved("return", "awaiting_goods"))),
    _letter("return_received", lambda o: len(o.moved("return", "received"))),
    _letter("return_finished", lambda o: sum(len(o.moved("return", state)) for state in _ENDS_OF_RETURNS)),
    _letter("return_open_again", lambda o: sum(move.old in GIVEN_ANEW for move in o.moved("return", "inspected"))),
    Letter("points_activated", _activated, lambda o: len(o.moved("lot", "valid"))),
    Letter("supplier_instruction", lambda o: o.mailed_instructions, lambda o: o.mailed_instructions),
    Letter("supplier_cancel", _called_off, _unbounded),
    Letter("supplier_return", _nothing, lambda o: len(o.moved("return", "inspected")) * max(1, _parcels(o))),
    Letter("supplier_overdue", _held(HoldReason.SUPPLIER_SILENT), _unbounded),
)
