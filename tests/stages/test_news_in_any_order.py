"""Order, portions and repetitions of news do not matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.engine.facts import EventFacts, LineFacts
from pipelines.stages.notify import STAGE
from tests.examples import examples
from tests.rules.build import a_line, an_order
from tests.stages.build import (
    NOW,
    decide,
    effects,
    event,
    facts,
    moves,
    payment,
    shipment,
)
from tests.stages.news import HOUR, NUMBER, OTHER, THIRD, hear, news, on_its_way, standing, told_nothing
from tests.world import SHOPS


def portions(news: Sequence[EventFacts], cuts: Iterable[int]) -> list[list[EventFacts]]:
    """``news`` in sequence, taken apart after the positions ``cuts``."""
    marks = [0, *sorted(set(cuts)), len(news)]
    return [list(news[a:b]) for a, b in pairwise(marks) if a < b]


@pytest.mark.parametrize("first", ["returned", "delivered"])
@pytest.mark.parametrize(("method", "money"), [("card", "captured"), ("cod", "pending")])
def test_delivered_is_the_way_back_once_a_parcel_returned(first: str, method: str, money: str) -> None:
    """B.4.3: whichever came first, the parcel returned, nothing was collected and a human has the order."""
    draft = told_nothing(on_its_way(payment=payment(money, 1_760, method=method)))
    pair = [
        news("returned", 1, NOW + HOUR, tracking_number=NUMBER),
        news("delivered", 2, NOW + 2 * HOUR, tracking_number=NUMBER),
    ]
    for one in pair if first == "returned" else reversed(pair):
        hear(draft, [one], SHOPS["salon"])
    end = standing(draft)
    assert (end["parcels"][0][3], end["holds"]) == ("returned", [("returned_undelivered", "SH-1")])
    assert (draft.state, draft.money.state, draft.money.captured) == (
        "undelivered",
        money,
        1_760 if method == "card" else 0,
    )


def test_the_carrier_collects_cash_on_delivery() -> None:
    """PAY-09: the customer has the goods, so the shop has the money; what was taken out before was not collected."""
    known = on_its_way(
        news("delivered", tracking_number=NUMBER),
        payment=payment("pending", 1_760, method="cod"),
    )
    decision = decide(STAGE, known)
    assert "payment: pending -> captured" in moves(decision)
    assert decision.payment is not None
    assert (decision.payment.captured, decision.payment.authorized) == (known.grand_total, known.grand_total)


# Two shipments of three pieces each. The first leaves in two parcels, the second in one that claims all that was open.


def _of(shipment_id: str, type_: str, number: int, hours: int, **body: Any) -> EventFacts:
    return event(f"shipment.{type_}", number, NOW + hours * HOUR, shipment=shipment_id, **body)


def _line(shipment_id: str, pieces: int) -> list[dict[str, Any]]:
    return [{"line": shipment_id[-1], "quantity": pieces}]


FIRST = [
    _of("SH-1", "acknowledged", 1, 1),
    _of("SH-1", "delayed", 2, 2, expected_on="2026-12-01", reason="late"),
    _of("SH-1", "delayed", 3, 3, expected_on=None, reason="later"),
    _of("SH-1", "refused", 4, 4, reason="no"),
    _of("SH-1", "shipped", 5, 5, carrier="yamato", tracking_number=NUMBER, lines=_line("SH-1", 1)),
    _of("SH-1", "shipped", 6, 6, carrier="yamato", tracking_number=OTHER, lines=_line("SH-1", 2)),
    _of("SH-1", "tracking_updated", 7, 7, tracking_number=NUMBER, status="in_transit"),
    _of("SH-1", "lost", 8, 8, tracking_number=NUMBER),
    _of("SH-1", "tracking_updated", 12, 8, tracking_number=OTHER, status="refused"),
    _of("SH-1", "tracking_updated", 13, 9, tracking_number=OTHER, status="damaged"),
    _of("SH-1", "tracking_updated", 9, 9, tracking_number=NUMBER, status="out_for_delivery"),
    _of("SH-1", "delivered", 10, 9, tracking_number=NUMBER),
    _of("SH-1", "delivered", 11, 10, tracking_number=OTHER),
]
SECOND = [
    _of("SH-2", "short", 20, 1, lines=_line("SH-2", 1)),
    _of("SH-2", "shipped", 21, 2, carrier="yamato", tracking_number=THIRD),
    _of("SH-2", "tracking_corrected", 22, 3, tracking_number=NUMBER, previous_tracking_number=THIRD),
    _of("SH-2", "tracking_corrected", 23, 4, tracking_number=OTHER, previous_tracking_number=NUMBER),
    _of("SH-2", "tracking_updated", 24, 5, tracking_number=OTHER, status="attempt_failed"),
    _of("SH-2", "delivered", 25, 6, tracking_number=OTHER),
    _of("SH-2", "returned", 26, 7, tracking_number=OTHER),
]
ORDER = an_order("salon", a_line("1", quantity=3), a_line("2", quantity=3))
TWO_SHIPMENTS = facts(
    ORDER,
    state="released",
    shipments=(shipment(1, "instructed", pieces=3), shipment(2, "instructed", pieces=3)),
    payment=payment("authorized", 5_000),
)


@st.composite
def tellings(draw: st.DrawFn) -> tuple[list[EventFacts], list[list[EventFacts]]]:
    """Some of the news as it happened, and a telling of it: shuffled, in portions, some of it twice under new ids."""
    happened = [e for e in [*FIRST, *SECOND] if e.type == "shipment.shipped" or draw(st.booleans())]
    again = draw(st.lists(st.sampled_from(happened), max_size=4))
    repeated = [e._replace(id=100 + n, event_id=f"again-{n}") for n, e in enumerate(again)]
    told = draw(st.permutations([*happened, *repeated]))
    return happened, portions(told, draw(st.lists(st.integers(1, len(told)), max_size=6)))


@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(telling=tellings())
def test_the_end_is_the_same_however_the_news_comes(telling: tuple[list[EventFacts], list[list[EventFacts]]]) -> None:
    """Contract: late, twice and in any order. One mail a parcel (SPL-02), one capture (PAY-06)."""
    happened, told_in = telling
    straight, other = told_nothing(TWO_SHIPMENTS), told_nothing(TWO_SHIPMENTS)
    for one in happened:
        hear(straight, [one], SHOPS["salon"])
    for portion in told_in:
        hear(other, portion, SHOPS["salon"])
    assert standing(other) == standing(straight)
    assert effects(other.decision()) == [("payment.capture", "salon/N-1:capture")]
    for draft in (straight, other):
        parcels = [m.subject_key for m in draft.decision().mails if m.template == "shipment_shipped"]
        assert sorted(parcels) == [f"SH-1:{NUMBER}", f"SH-1:{OTHER}", f"SH-2:{THIRD}"]


# A cancel that came after the instruction: the supplier may say yes, no, or nothing and ship.

CALLED_OFF = facts(
    ORDER,
    state="cancelled",
    condition="done",
    shipments=(
        shipment(1, "cancelled", lines={"1": LineFacts(3, 3, 0)}, call_off="requested"),
        shipment(2, "cancelled", lines={"2": LineFacts(3, 3, 0)}),
    ),
    payment=payment("voided", 5_000),
)
ANSWERS = {
    "yes": ([_of("SH-1", "cancel_accepted", 30, 1)], "accepted", []),
    "no": ([_of("SH-1", "cancel_refused", 31, 1)], "refused", ["cancel_refused"]),
    "no, then yes": (
        [_of("SH-1", "cancel_refused", 31, 1), _of("SH-1", "cancel_accepted", 32, 2)],
        "accepted",
        [],
    ),
    "yes and no at one moment": (
        [_of("SH-1", "cancel_accepted", 30, 1), _of("SH-1", "cancel_refused", 31, 1)],
        "refused",
        ["cancel_refused"],
    ),
    "no, and it left": (
        [
            _of("SH-1", "cancel_refused", 31, 1),
            _of("SH-1", "shipped", 33, 2, carrier="yamato", tracking_number=NUMBER),
            _of("SH-1", "tracking_updated", 34, 3, tracking_number=NUMBER, status="in_transit"),
        ],
        "refused",
        ["shipped_after_cancel"],
    ),
    "yes, and it left all the same": (
        [
            _of("SH-1", "cancel_accepted", 30, 1),
            _of("SH-1", "shipped", 33, 2, carrier="yamato", tracking_number=NUMBER),
        ],
        "accepted",
        ["shipped_after_cancel"],
    ),
    "only that it left": (
        [_of("SH-1", "acknowledged", 35, 1), _of("SH-1", "shipped", 33, 2, carrier="yamato", tracking_number=NUMBER)],
        "requested",
        ["shipped_after_cancel"],
    ),
    "an answer that nobody asked for": ([_of("SH-2", "cancel_refused", 36, 1)], "requested", []),
}


@pytest.mark.parametrize("said", ANSWERS)
def test_a_cancel_is_settled_however_its_answers_come(said: str) -> None:
    """Each event five times, in twenty shuffled orders, ends as the one in which it happened."""
    happened, call_off, held = ANSWERS[said]
    told = [e._replace(id=e.id + 100 * n, event_id=f"{e.id}-{n}") for e in happened for n in range(5)]
    straight = told_nothing(CALLED_OFF)
    for one in happened:
        hear(straight, [one], SHOPS["salon"])
    assert (straight.shipment("SH-1").call_off, [hold.reason for hold in straight.holds]) == (call_off, held)
    for seed in range(20):
        other = told_nothing(CALLED_OFF)
        for one in Random(seed).sample(told, len(told)):
            hear(other, [one], SHOPS["salon"])
        assert standing(other) == standing(straight)
        assert other.shipment("SH-1").call_off == call_off


EVERY = [*FIRST, *SECOND]


@pytest.mark.parametrize("seed", range(20))
def test_every_kind_of_news_five_times_in_twenty_orders(seed: int) -> None:
    """Contract: events may come late, twice and in any order."""
    straight, other = told_nothing(TWO_SHIPMENTS), told_nothing(TWO_SHIPMENTS)
    for one in EVERY:
        hear(straight, [one], SHOPS["salon"])
    told = [e._replace(id=e.id + 100 * n, event_id=f"{e.id}-{n}") for e in EVERY for n in range(5)]
    for one in Random(seed).sample(told, len(told)):
        hear(other, [one], SHOPS["salon"])
    assert standing(other) == standing(straight)
