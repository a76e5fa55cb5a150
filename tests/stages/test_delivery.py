"""Whatever left is waited for until it arrives: nothing stays on its way for ever (TRK-01, TRK-04, RET-07, RET-08)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from models.subject import SHIPMENT, Subject
from pipelines.engine.decision import Decision
from pipelines.engine.facts import LineFacts
from pipelines.rules.order import ShipTo
from pipelines.stages.notify import STAGE
from tests.rules.build import an_order, at
from tests.stages.build import NOW, decide, facts, mails, moves, parcel, payment, reasons, shipment
from tests.stages.news import HOUR, NUMBER, OTHER, instructed, news, on_its_way, shipped
from tests.world import World, document, tracking_number

SUNDAY_IS_OVER = at("2026-11-23 00:00:00")
OVERDUE = at("2026-12-05 00:00:00")
UNNUMBERED = parcel(key="unnumbered 2026-11-20T01:00:00Z", tracking_number=None, carrier="own_fleet")


def waits(decision: Decision) -> list[tuple[str, str, str]]:
    """(until, from whom, then what) of the deliveries that are waited for."""
    return [
        (f"{due.due_at:%m-%d}", str(due.from_), str(due.then))
        for due in decision.work
        if due.what == "carrier.delivery"
    ]


def test_what_left_is_waited_for() -> None:
    """Fourteen days after it should have arrived a human looks for it."""
    decision = decide(STAGE, instructed(shipped()))
    assert waits(decision) == [("12-05", "yamato", "operator")]
    (wait,) = [due for due in decision.work if due.what]
    assert wait.subject == Subject(SHIPMENT, "SH-1")


def test_news_of_a_parcel_puts_the_wait_off_and_its_arrival_ends_it() -> None:
    moved = decide(STAGE, on_its_way(news("tracking_updated", when=NOW + 72 * HOUR, status="in_transit")))
    assert waits(moved) == [("12-08", "yamato", "operator")]
    arrived = decide(STAGE, on_its_way(news("delivered")))
    assert (waits(arrived), arrived.ended_waits) == ([], [("notify", Subject(SHIPMENT, "SH-1"))])


def test_a_parcel_of_which_nothing_is_heard_goes_before_a_human() -> None:
    assert reasons(decide(STAGE, on_its_way(), now=OVERDUE - HOUR)) == []
    decision = decide(STAGE, on_its_way(), now=OVERDUE)
    assert (reasons(decision), decision.state, mails(decision)) == (["delivery_overdue"], "shipped", [])


def test_a_parcel_without_a_number_counts_as_delivered() -> None:
    """``delivered_after_days``; no mail tells the customer what nobody saw."""
    known = on_its_way(parcels=(UNNUMBERED,))
    assert waits(decide(STAGE, known)) == [("11-22", "own_fleet", "delivered")]
    decision = decide(STAGE, known, now=SUNDAY_IS_OVER)
    assert (moves(decision), mails(decision), waits(decision)) == (["order: shipped -> delivered"], [], [])


def test_a_parcel_that_left_without_a_plan_is_waited_for_by_the_days_of_its_way() -> None:
    """A.16.9, B.4.6: a back-order without a date, three days to 沖縄県 and one more."""
    order = an_order("salon", ship_to=ShipTo("organisation", "店", "900-0014", "沖縄県", "那覇市", "松尾1"))
    undated = shipment(state="shipped", lines={"1": LineFacts(1, 0, 1)}, dispatch_on=None, arrive_on=None)
    known = facts(order, state="shipped", shipments=(undated,), parcels=(UNNUMBERED,))
    assert waits(decide(STAGE, known)) == [("11-25", "own_fleet", "delivered")]


def test_a_parcel_that_left_before_its_day_is_waited_for_by_the_days_of_its_way() -> None:
    """A.16.9, B.4.6: a back-order of February that came in sooner was waited for until March; a day that was wished for stays."""
    sooner = shipment(state="instructed", dispatch_on=date(2027, 2, 22), arrive_on=date(2027, 2, 23))
    decision = decide(STAGE, instructed(shipped(), shipments=(sooner,)))
    assert waits(decision) == [("12-06", "yamato", "operator")]
    wished = an_order("salon", delivery_date=date(2026, 11, 30))
    planned = shipment(state="instructed", dispatch_on=date(2026, 11, 29), arrive_on=date(2026, 11, 30))
    known = facts(wished, state="released", shipments=(planned,), events=(shipped(),))
    assert waits(decide(STAGE, known)) == [("12-15", "yamato", "operator")]


def test_nobody_guesses_that_cash_was_collected() -> None:
    """PAY-09: that it was is news of its own."""
    known = on_its_way(parcels=(UNNUMBERED,), payment=payment("pending", 1_760, method="cod"))
    assert waits(decide(STAGE, known, now=SUNDAY_IS_OVER)) == [("12-05", "own_fleet", "operator")]
    assert reasons(decide(STAGE, known, now=OVERDUE)) == ["delivery_overdue"]


def test_no_customer_waits_for_what_was_cancelled() -> None:
    known = on_its_way(state="cancelled", condition="done", payment=payment("voided", 1_760))
    assert waits(decide(STAGE, known, now=OVERDUE)) == []


@pytest.mark.parametrize("status", ["refused", "address_problem", "returning"])
def test_what_the_carrier_cannot_hand_over_is_a_humans_matter_until_it_arrives(status: str) -> None:
    """B.4.3: a word that asks for a human holds the order; the parcel's arrival, or its way on, lets it go."""
    decision = decide(STAGE, on_its_way(news("tracking_updated", status=status)))
    assert (reasons(decision), decision.state) == (["parcel_problem"], "shipped")
    after = news("tracking_updated", 2, NOW + HOUR, status="out_for_delivery")
    assert reasons(decide(STAGE, on_its_way(news("tracking_updated", status=status), after))) == []


def test_one_parcel_lost_of_two_is_no_order_lost() -> None:
    two = (parcel(key=NUMBER, tracking_number=NUMBER), parcel(key=OTHER, tracking_number=OTHER, lines={}))
    decision = decide(STAGE, on_its_way(news("lost", tracking_number=OTHER), parcels=two))
    assert (reasons(decision), decision.state) == (["transit_accident"], "shipped")


@pytest.mark.parametrize(
    ("type_", "told", "hold"),
    [("lost", "transit_accident", "transit_accident"), ("returned", "parcel_returned", "returned_undelivered")],
)
def test_an_order_that_never_arrives_says_so_everywhere(world: World, type_: str, told: str, hold: str) -> None:
    """RET-07, RET-08, CAN-05: its state, the customer's mail, the hold; then the money, and the piece if it came back."""
    unique = {**document()["lines"][0], "availability": "unique"}
    world.take(document("S-1", unique))
    world.settle()
    number = tracking_number(44_441_375_870)
    shipment = world.shipments()[0]
    world.tell(world.shipped(shipment, tracking_number=number), world.news(f"shipment.{type_}", shipment))
    world.settle()
    shown = world.show()
    assert (shown["state"], shown["condition"], [one["reason"] for one in shown["holds"]]) == (
        "undelivered",
        "held",
        [hold],
    )
    assert told in [mail["template"] for mail in shown["mails"]]
    world.tell(
        world.ask(
            "order.return_lines", "S-1", lines=[{"line": "1", "quantity": 1}], fault="shop", reason="", operator="a"
        )
    )
    world.settle()
    after = world.show()
    assert (after["state"], after["condition"], after["payment"]["state"]) == ("undelivered", "done", "refunded")
    assert world.value("SELECT count(*) FROM unique_allocation") == (0 if type_ == "returned" else 1)
    assert world.broken() == {}


def test_an_order_is_watched_to_its_end(world: World) -> None:
    """It comes to rest once it is paid and shipped, and is looked for all the same."""
    world.take(document("S-1"))
    world.settle()
    world.ship_all("S-1")
    assert world.states() == {"S-1": ("shipped", "done")}
    (wait,) = world.show()["awaits"]
    assert (wait["what"], wait["from"], wait["then"]) == ("carrier.delivery", "yamato", "operator")
    world.at(world.clock.now() + timedelta(days=30))
    assert world.states() == {"S-1": ("shipped", "held")}
    world.tell(world.news("shipment.delivered", world.shipments()[0]))
    world.settle()
    assert world.states() == {"S-1": ("delivered", "done")}
