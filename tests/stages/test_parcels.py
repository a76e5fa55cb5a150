"""A parcel is what it holds, row by row; what contradicts itself or what is known goes to the operator, alone (TRK-05)."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from pipelines.engine.facts import EventFacts, Facts, LineFacts
from pipelines.stages.notify import STAGE
from tests.rules.build import a_line, an_order
from tests.stages.build import NOW, but, decide, endings, facts, mails, parcel, payment, reasons, shipment
from tests.stages.news import (
    HOUR,
    NUMBER,
    OTHER,
    hear,
    instructed,
    news,
    shipped,
    standing,
    told_nothing,
)
from tests.world import SHOPS

FOUR = LineFacts(4, 0, 0)


def of(**pieces: int) -> list[dict[str, Any]]:
    """Rows of a file: ``a=2`` are two pieces of line a."""
    return [{"line": line, "quantity": count} for line, count in pieces.items()]


def two_lines(*events: EventFacts, **changes: Any) -> Facts:
    """One shipment with four pieces of line a and four of line b."""
    order = an_order("salon", a_line("a", quantity=4), a_line("b", quantity=4))
    known = {
        "state": "released",
        "shipments": (shipment(state="instructed", lines={"a": FOUR, "b": FOUR}),),
        "payment": payment("authorized", 8_800),
        "events": events,
    }
    return facts(order, **{**known, **changes})


def shipped_of(known: Facts, *told: EventFacts) -> tuple[dict[str, int], list[str]]:
    """Pieces of each line that have left after each of ``told`` came alone, and the mails."""
    draft = told_nothing(known)
    for one in told:
        hear(draft, [one], SHOPS["salon"])
    return dict(draft.shipped), mails(draft.decision())


def test_a_row_of_another_line_adds_to_its_parcel() -> None:
    """One row a line: two mails, the second of what is new; the money is taken once."""
    rows = [shipped(1, lines=of(a=4)), shipped(2, NOW + HOUR, lines=of(b=4))]
    draft = told_nothing(two_lines())
    for one in rows:
        hear(draft, [one], SHOPS["salon"])
    decision = draft.decision()
    assert [dict(p.lines) for p in draft.parcels.values()] == [{"a": 4, "b": 4}]
    assert [[line["line"] for line in m.context["parcel"]["lines"]] for m in decision.mails] == [["a"], ["b"]]
    assert [line["line"] for line in decision.mails[1].context["shipped_before"]] == ["a"]
    assert len({m.subject_key for m in decision.mails}) == 2
    assert (draft.state, len(decision.effects)) == ("shipped", 1)


def test_rows_that_come_together_are_one_mail() -> None:
    decision = decide(STAGE, two_lines(shipped(1, lines=of(a=4)), shipped(2, lines=of(b=4))))
    assert mails(decision) == ["shipment_shipped"]
    assert [line["line"] for line in decision.mails[0].context["parcel"]["lines"]] == ["a", "b"]


def test_the_same_rows_again_are_nothing() -> None:
    first = [shipped(1, lines=of(a=4)), shipped(2, lines=of(b=4))]
    again = [shipped(3, lines=of(a=4)), shipped(4, lines=of(b=4)), shipped(5, lines=of(a=4, b=4)), shipped(6)]
    assert shipped_of(two_lines(), *first, *again) == shipped_of(two_lines(), *first)


def test_rows_make_one_parcel_in_any_sequence() -> None:
    """TRK-05: whichever row comes first, and whatever is said of the parcel in between."""
    left_at = {"shipped_at": NOW.isoformat()}
    rows = [
        shipped(1, lines=of(a=4), **left_at),
        shipped(2, NOW + HOUR, lines=of(b=4), **left_at),
        shipped(3, NOW + HOUR, lines=of(a=4, b=4), **left_at),
        news("tracking_corrected", 4, NOW + 2 * HOUR, previous_tracking_number=NUMBER, tracking_number=OTHER),
        news("delivered", 5, NOW + 3 * HOUR, tracking_number=OTHER),
    ]
    ends = []
    for told in permutations(rows):
        draft = told_nothing(two_lines())
        for one in told:
            hear(draft, [one], SHOPS["salon"])
        ends.append(standing(draft))
    assert all(end == ends[0] for end in ends)
    assert ends[0]["order"][0] == "delivered"


def test_rows_without_a_number_are_one_parcel_if_they_left_together() -> None:
    """TRK-01: and another one if they left later."""
    left = [(1, NOW, of(a=4)), (2, NOW, of(b=2)), (3, NOW, of(b=2)), (4, NOW + HOUR, of(b=1))]
    rows = [
        news("shipped", number, when, carrier="自社便", lines=lines, shipped_at=when.isoformat())
        for number, when, lines in left
    ]
    for told in permutations(rows):
        draft = told_nothing(two_lines())
        for one in told:
            hear(draft, [one], SHOPS["salon"])
        assert sorted(sorted(p.lines.items()) for p in draft.parcels.values()) == [[("a", 4), ("b", 2)], [("b", 1)]]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ([shipped(1, lines=of(a=3)), shipped(2, NOW + HOUR, OTHER, lines=of(a=3))], "line a has 4, and 6 are named"),
        ([shipped(1, lines=of(a=3)), shipped(2, NOW + HOUR, lines=of(a=4))], "has 3 of line a already, and 4 are told"),
        ([shipped(1), shipped(2, NOW + HOUR, OTHER, lines=of(c=1))], "line c is not in this shipment"),
        ([shipped(1), news("short", 2, NOW + HOUR, lines=of(a=10))], "line a has 4, and 10 are named"),
        ([shipped(1), news("short", 2, NOW + HOUR, lines=of(c=1))], "line c is not in this shipment"),
        ([shipped(1), news("delayed", 2, expected_on="2026-11-19")], "was over on 2026-11-20"),
        ([shipped(1), news("delayed", 2, expected_on="2027-12-19")], "more than a year"),
        (
            [shipped(1), shipped(2, tracking=OTHER, shipped_at="2001-01-01T00:00:00+09:00")],
            "before the order was placed",
        ),
        (
            [shipped(1), news("tracking_corrected", 2, NOW + HOUR, tracking_number=None, carrier="yamato")],
            "no_tracking is not set for warehouse",
        ),
    ],
    ids=[
        "3 and 3 of 4",
        "another count in the same parcel",
        "a line that is not there",
        "short of 10 of 4",
        "short of a line that is not there",
        "delayed to a day that is over",
        "delayed for more than a year",
        "left before it was ordered",
        "corrected to no number",
    ],
)
def test_what_contradicts_is_quarantined_alone(told: list[EventFacts], reason: str) -> None:
    draft = told_nothing(two_lines())
    hear(draft, told[:1], SHOPS["salon"])
    before = standing(draft)
    hear(draft, told[1:], SHOPS["salon"])
    ended = {number: (state, why) for number, state, why in draft.decision().events}
    assert ended[1] == ("applied", None)
    assert ended[2][0] == "quarantined"
    assert reason in str(ended[2][1])
    assert standing(draft) == before


def test_one_number_is_one_parcel() -> None:
    """Of somebody else's order it is a slip, for a shipment and for a correction."""
    known = instructed(shipped(1), taken_numbers={NUMBER: "SH-9"})
    decision = decide(STAGE, known)
    assert decision.events == [(1, "quarantined", f"tracking number {NUMBER} is that of SH-9")]
    assert (decision.mails, decision.parcels) == ([], {})


def test_two_suppliers_cannot_share_a_parcel() -> None:
    """One supplier may pack two shipments of an order together."""
    own = (shipment(1, "shipped", lines={"1": LineFacts(1, 0, 1)}), shipment(2, "instructed"))
    order = facts(an_order("salon", a_line("1"), a_line("2")), state="partly_shipped", shipments=own)
    both = but(order, parcels=(parcel(key=NUMBER),), events=[shipped(1, shipment="SH-2")])
    assert endings(decide(STAGE, both)) == {1: "applied"}
    others = but(both, shipments=(own[0], own[1]._replace(supplier="maker-a")))
    assert endings(decide(STAGE, others)) == {1: "quarantined"}


def test_cancelled_pieces_that_left_are_a_humans_matter() -> None:
    """CAN-03: they are in the box, whatever was taken out before."""
    taken_out = shipment(state="acknowledged", lines={"1": LineFacts(4, 2, 0)})
    decision = decide(STAGE, instructed(shipped(lines=[{"line": "1", "quantity": 3}]), shipments=(taken_out,)))
    assert (endings(decision), reasons(decision)) == ({1: "applied"}, ["shipped_after_cancel"])
    assert decision.line_shipped == {"1": 2}


def test_a_date_is_told_once_and_again_when_it_changes_back() -> None:
    """A later date is an apology, an earlier one a plan, and a day that is over by now is not told at all."""
    days = ["2026-12-01", "2026-12-01", "2026-12-05", "2026-12-01"]
    draft = told_nothing(instructed())
    for hour, day in enumerate(days):
        hear(
            draft,
            [news("delayed", hour + 1, NOW + hour * HOUR, expected_on=day, reason="\u7bb1\u304c\u306a\u3044")],
            SHOPS["salon"],
        )
    sent = draft.decision().mails
    assert [m.template for m in sent] == ["dispatch_delayed", "dispatch_delayed", "dispatch_delayed"]
    assert [m.context["change"] for m in sent] == ["later", "later", "sooner"]
    assert len({m.subject_key for m in sent}) == 3
    assert all("箱がない" not in str(m.context) for m in sent), "the supplier's own words are the operator's to read"
    late = news("delayed", 1, NOW - 48 * HOUR, expected_on="2026-11-19")
    assert mails(decide(STAGE, instructed(late))) == []


def test_a_new_date_brings_a_new_arrival() -> None:
    decision = decide(STAGE, instructed(news("delayed", expected_on="2026-12-01")))
    change = decision.shipments["SH-1"]
    assert (str(change.dispatch_on), str(change.arrive_on)) == ("2026-12-01", "2026-12-02")


def test_a_first_date_is_no_delay() -> None:
    undated = shipment(state="instructed", backorder=True, dispatch_on=None, arrive_on=None)
    (mail,) = decide(STAGE, instructed(news("delayed", expected_on="2026-12-01"), shipments=(undated,))).mails
    assert (mail.template, mail.context["change"], mail.context["reason"]) == ("dispatch_delayed", "dated", "")
    assert mails(decide(STAGE, instructed(news("delayed"), shipments=(undated,)))) == []
