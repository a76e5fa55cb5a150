"""Every word of a carrier, at every shop, however the goods are paid: where the order then stands, what its customer hears, who counts it
and what a person is asked (TRK-04, RET-07, RET-08, PAY-09, B.4.3); and what settling the goods does to money and stock."""

from __future__ import annotations

from typing import Any

import pytest

from models.states import TrackingState
from pipelines.engine.facts import EventFacts, Facts, LineFacts
from pipelines.orders.actions.return_lines import ACTION as SETTLE
from pipelines.rules.money.adjustments import adjust
from pipelines.rules.money.pricing import price
from pipelines.rules.order import Coupon
from pipelines.shops import Shop
from pipelines.stages.notify import STAGE as NOTIFY
from pipelines.stages.returns import STAGE as RETURNS
from tests.rules.build import SHOPS, a_line, an_order, shop_with
from tests.stages.build import decide, event, facts, mails, moves, parcel, payment, reasons, shipment
from tests.stages.news import NUMBER, news

FOUR = ("clinic", "apparel", "reuse", "salon")
#: By the carrier's word: the order's state, what holds it, the mail.
WORDS = {
    "accepted": ("shipped", [], []),
    "in_transit": ("shipped", [], []),
    "out_for_delivery": ("shipped", [], []),
    "attempt_failed": ("shipped", [], []),
    "held": ("shipped", [], []),
    "address_problem": ("shipped", ["parcel_problem"], []),
    "refused": ("shipped", ["parcel_problem"], []),
    "returning": ("shipped", ["parcel_problem"], []),
    "damaged": ("shipped", ["transit_accident"], ["transit_accident"]),
    "at_store": ("shipped", [], []),
    "delivered": ("delivered", [], ["order_delivered"]),
    "returned": ("undelivered", ["returned_undelivered"], ["parcel_returned"]),
    "lost": ("undelivered", ["transit_accident"], ["transit_accident"]),
}
#: What reuse alone tells of a parcel that waits for its customer (`delivery.tells`).
WAITING = ("attempt_failed", "held")
#: Words that are news of their own.
NEWS = ("delivered", "returned", "lost")
#: What counts against a customer who does not receive a parcel: paid on delivery it is a cancel too (INT-14, INT-15, PAY-09).
COUNTED = {"card": ["undelivered_returns"], "cod": ["undelivered_returns", "customer_cancels"]}


def on_its_way(
    shop: str, method: str, *, word: str | None = None, status: str | None = None, **changes: object
) -> Facts:
    """An order of one piece, one of a kind, that left: paid by card, or to be paid on delivery; ``word`` is the carrier's."""
    order = an_order(shop, a_line(unit_price=10_000, availability="unique"), method=method)
    due = price(order, SHOPS[shop]).grand_total
    paid = payment("captured", due) if method == "card" else payment("pending", due, method="cod")
    told = {"status": word, "tracking_number": NUMBER}
    said = () if word is None else (news(word) if word in NEWS else news("tracking_updated", **told),)
    known = {
        "state": "undelivered" if status in ("returned", "lost") else "shipped",
        "shipments": (shipment(state="shipped", lines={"1": LineFacts(1, 0, 1)}),),
        "parcels": (parcel(key=NUMBER, tracking_number=NUMBER, tracking_status=status),),
        "payment": paid,
        "events": said,
    }
    return facts(order, shop=SHOPS[shop], **{**known, **changes})


@pytest.mark.parametrize("shop", FOUR)
@pytest.mark.parametrize("method", ["card", "cod"])
@pytest.mark.parametrize("word", [one.value for one in TrackingState])
def test_what_a_carriers_word_does(shop: str, method: str, word: str) -> None:
    """TRK-04, RET-07, RET-08, PAY-09: no word moves money, but that of the hand that received cash; none frees what is one of a kind before
    the goods are settled."""
    decision = decide(NOTIFY, on_its_way(shop, method, word=word))
    state, held, told = WORDS[word]
    assert (decision.state, reasons(decision)) == (state, held)
    assert mails(decision) == (["parcel_waiting"] if shop == "reuse" and word in WAITING else told)
    assert [kind for kind, _ in decision.marks] == (COUNTED[method] if word == "returned" else [])
    is_collected = method == "cod" and word == "delivered"
    paid = [one for one in moves(decision) if one.startswith("payment")]
    assert paid == (["payment: pending -> captured"] if is_collected else [])
    assert decision.frees_items == []
    ((_, became, _),) = decision.events
    assert became == ("quarantined" if word == "at_store" else "applied"), "nobody called it to a store (STO-01)"


@pytest.mark.parametrize("shop", FOUR)
@pytest.mark.parametrize(
    ("status", "is_free", "marks"),
    [
        ("returned", True, ["undelivered_returns"]),
        ("returning", False, ["undelivered_returns"]),
        ("refused", False, ["undelivered_returns"]),
        ("lost", False, []),
        ("damaged", False, []),
    ],
)
@pytest.mark.parametrize("fault", ["shop", "customer"])
def test_settling_what_never_arrived(shop: str, status: str, is_free: bool, marks: list[str], fault: str) -> None:
    """RET-07, RET-08: all money goes back, shipping with it, whatever the form says of whose doing it was: nobody received it, so that
    it is no return at the customer's cost (TAX-05), and counted as undelivered alone (INT-14). What came back is for sale again."""
    known = on_its_way(shop, "card", status=status, events=(settled("1", fault=fault),))
    decision = decide(RETURNS, known)
    (change,) = decision.adjustments
    assert (change.change.money, change.change.return_fee) == (known.grand_total, 0)
    assert bool(decision.frees_items) == is_free
    assert [kind for kind, _ in decision.marks] == (marks if fault == "customer" else [])


def settled(*lines: str, fault: str = "customer") -> EventFacts:
    """An operator settles a piece of each line, as the form suggests."""
    pieces = [{"line": line, "quantity": 1} for line in lines]
    return event(SETTLE.wakes, lines=pieces, fault=fault, reason="", operator=True)


def two_parcels(shop: Shop, *came_back: str, **changes: object) -> Facts:
    """Two lines of 2,000 yen, each in a parcel of its own: the first is with the customer, the second came back undelivered."""
    coupon = Coupon("C", "amount", 400)
    order = an_order(shop.key, a_line("1", unit_price=2_000), a_line("2", unit_price=2_000), coupons=(coupon,))
    due = price(order, shop).grand_total
    left = [shipment(n, state="shipped", lines={str(n): LineFacts(1, 0, 1)}) for n in (1, 2)]
    fare = [
        parcel(f"SH-{n}", key=f"p-{n}", tracking_status=status) for n, status in ((1, "delivered"), (2, "returned"))
    ]
    known = {
        "state": "undelivered",
        "shipments": tuple(left),
        "parcels": tuple(fare),
        "payment": payment("captured", due),
        "events": (settled(*came_back),),
    }
    return facts(order, shop=shop, **{**known, **changes})


def test_what_came_back_undelivered_is_settled_apart_from_a_return() -> None:
    """RET-08, TAX-05, CPN-04: of one request, the piece that nobody received gives back what it cost; the other one's return costs the fee
    and the coupon, and is counted."""
    decision = decide(RETURNS, two_parcels(SHOPS["salon"], "1", "2"))
    by_kind = {one.change.kind: one.change for one in decision.adjustments}
    assert (by_kind["fault"].lines, by_kind["return"].lines) == ((("2", 1),), (("1", 1),))
    assert (by_kind["fault"].money, by_kind["fault"].return_fee, by_kind["fault"].coupon_recovered) == (1_980, 0, 0)
    assert (by_kind["return"].return_fee, by_kind["return"].coupon_recovered) == (1_500, 200)
    assert [kind for kind, _ in decision.marks] == ["undelivered_returns", "customer_returns"]
    assert len({one.key for one in decision.adjustments}) == 2


def test_a_piece_that_came_back_is_settled_once() -> None:
    """RET-08: the same line of which another piece was delivered: the next one is the customer's return."""
    shop = SHOPS["salon"]
    order = an_order("salon", a_line("1", quantity=2, unit_price=2_000))
    known = two_parcels(shop, "1")
    both = LineFacts(2, 0, 2)
    first = adjust(price(order, shop), [], "fault", [("1", 1)])
    fare = [parcel("SH-1", key=f"p-{n}", tracking_status=status) for n, status in ((1, "delivered"), (2, "returned"))]
    changes: dict[str, Any] = {
        "state": "undelivered",
        "shipments": (shipment(1, state="shipped", lines={"1": both}),),
        "parcels": tuple(fare),
        "payment": payment("captured", price(order, shop).grand_total),
        "events": known.events,
    }
    kinds = [
        [one.change.kind for one in decide(RETURNS, facts(order, shop=shop, **changes, adjustments=before)).adjustments]
        for before in ((), (first,))
    ]
    assert kinds == [["fault"], ["return"]]


def test_a_shop_may_keep_something_back_of_what_came_back_undelivered() -> None:
    """RET-08: refund minus costs; none by default, and none of what was lost (RET-07) or never paid for (PAY-09)."""
    shop = shop_with("salon", **{"customer_fee = 1_500": "customer_fee = 1_500\nundelivered_fee = 800"})

    def kept(method: str, status: str) -> tuple[int, int]:
        known = on_its_way("salon", method, status=status, events=(settled("1"),))
        (one,) = decide(RETURNS, known, shop=shop).adjustments
        return one.change.return_fee, known.grand_total - one.change.money

    assert kept("card", "returned") == (800, 880)
    assert kept("card", "lost") == (0, 0)
    assert kept("cod", "returned") == (0, 0)


@pytest.mark.parametrize("shop", FOUR)
@pytest.mark.parametrize("status", ["returned", "lost"])
def test_settling_what_nobody_paid_for(shop: str, status: str) -> None:
    """PAY-09: nothing was collected, so nothing goes back; what was to be collected is over."""
    asked = event(SETTLE.wakes, lines=[{"line": "1", "quantity": 1}], fault="shop", reason="", operator=True)
    decision = decide(RETURNS, on_its_way(shop, "cod", status=status, events=(asked,)))
    assert [one for one in moves(decision) if one.startswith("payment")] == ["payment: pending -> voided"]
    assert [effect.kind for effect in decision.effects] == []
    assert bool(decision.frees_items) == (status == "returned")
