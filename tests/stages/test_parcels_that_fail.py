"""Every word of a carrier, at every shop, however the goods are paid: where the order then stands, what its customer hears, who counts it
and what a person is asked (TRK-04, RET-07, RET-08, PAY-09, B.4.3); and what settling the goods does to money and stock."""

from __future__ import annotations

import pytest

from models.states import TrackingState
from pipelines.engine.facts import Facts, LineFacts
from pipelines.orders.actions.return_lines import ACTION as SETTLE
from pipelines.rules.money.pricing import price
from pipelines.stages.notify import STAGE as NOTIFY
from pipelines.stages.returns import STAGE as RETURNS
from tests.rules.build import SHOPS, a_line, an_order
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
    ("status", "fault", "is_free", "marks"),
    [
        ("returned", "shop", True, []),
        ("returned", "customer", True, ["customer_returns"]),
        ("lost", "shop", False, []),
        ("damaged", "shop", False, []),
    ],
)
def test_settling_what_never_arrived(shop: str, status: str, fault: str, is_free: bool, marks: list[str]) -> None:
    """RET-07: all money goes back, and what is lost is nobody's to sell; RET-08: what came back is for sale again, and where its
    customer bears the cost he pays the shop's fee (TAX-05) and is counted (INT-14)."""
    asked = event(SETTLE.wakes, lines=[{"line": "1", "quantity": 1}], fault=fault, reason="", operator=True)
    known = on_its_way(shop, "card", status=status, events=(asked,))
    decision = decide(RETURNS, known)
    (change,) = decision.adjustments
    fee = SHOPS[shop].returns.customer_fee if fault == "customer" else 0
    everything = known.grand_total
    if fault == "shop":
        assert change.change.money == everything
    else:
        assert everything - change.change.money >= fee + fee // 10
    assert change.change.return_fee == fee
    assert bool(decision.frees_items) == is_free
    assert [kind for kind, _ in decision.marks] == marks


@pytest.mark.parametrize("shop", FOUR)
@pytest.mark.parametrize("status", ["returned", "lost"])
def test_settling_what_nobody_paid_for(shop: str, status: str) -> None:
    """PAY-09: nothing was collected, so nothing goes back; what was to be collected is over."""
    asked = event(SETTLE.wakes, lines=[{"line": "1", "quantity": 1}], fault="shop", reason="", operator=True)
    decision = decide(RETURNS, on_its_way(shop, "cod", status=status, events=(asked,)))
    assert [one for one in moves(decision) if one.startswith("payment")] == ["payment: pending -> voided"]
    assert [effect.kind for effect in decision.effects] == []
    assert bool(decision.frees_items) == (status == "returned")
