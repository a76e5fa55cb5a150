"""Every kind of news meets an order in every state: what becomes of it, and that nothing raises, moves wrongly or is told twice."""

from __future__ import annotations

from typing import Any

import pytest

from models.states import HoldReason
from pipelines.changes.parcels import KINDS
from pipelines.engine.facts import EventFacts, Facts, LineFacts
from pipelines.engine.run import enforce
from pipelines.rules.holds import Hold
from pipelines.rules.money.adjustments import FAULT, adjust
from pipelines.stages.notify import STAGE
from tests.rules.build import a_line, an_order
from tests.stages.build import NOW, decide, facts, mails, parcel, payment, shipment
from tests.stages.news import HOUR, NUMBER, OTHER, hear, news, shipped, standing, told_nothing
from tests.world import SHOPS

LEFT, HALF, OPEN = LineFacts(2, 0, 2), LineFacts(2, 0, 1), LineFacts(2, 0, 0)
PARCEL = parcel(key=NUMBER, tracking_number=NUMBER, claim={"1": 2}, lines={"1": 2})


def stood(state: str, goods: str, pieces: LineFacts = OPEN, money: str = "authorized", **changes: Any) -> Facts:
    """A card order of two pieces of one line."""
    fare = changes.pop("fare", None)
    there = PARCEL._replace(claim={"1": pieces.shipped}, lines={"1": pieces.shipped}, tracking_status=fare)
    if fare is not None:
        there = there._replace(status_as_of=NOW)
    known = {
        "state": state,
        "shipments": (shipment(state=goods, lines={"1": pieces}),),
        "parcels": (there,) if pieces.shipped else (),
        "payment": payment(money, 3_300),
    }
    return facts(an_order("salon", a_line(quantity=2)), **{**known, **changes})


#: An order as it may stand when news comes, by one word.
STANDS: dict[str, Facts] = {
    "planned": stood("authorized", "planned"),
    "backordered": stood("authorized", "backordered"),
    "instructed": stood("released", "instructed"),
    "acknowledged": stood("released", "acknowledged"),
    "refused": stood(
        "released",
        "refused",
        condition="held",
        holds=[Hold(HoldReason.SUPPLIER_REFUSED, "SH-1", facts={"supplier": "warehouse", "why": "sold out"}, id=1)],
    ),
    "held": stood("released", "instructed", condition="held", holds=[Hold(HoldReason.REQUEST_NOT_MET, id=1)]),
    "part shipped": stood("partly_shipped", "acknowledged", HALF, "captured"),
    "shipped": stood("shipped", "shipped", LEFT, "captured"),
    "delivered": stood("delivered", "shipped", LEFT, "captured", fare="delivered", condition="done"),
    "returned": stood(
        "undelivered",
        "shipped",
        LEFT,
        "captured",
        fare="returned",
        condition="held",
        holds=[Hold(HoldReason.RETURNED_UNDELIVERED, "SH-1", id=1)],
    ),
    "lost": stood(
        "undelivered",
        "shipped",
        LEFT,
        "captured",
        fare="lost",
        condition="held",
        holds=[Hold(HoldReason.TRANSIT_ACCIDENT, "SH-1", id=1)],
    ),
    "cancelled": stood("cancelled", "cancelled", LineFacts(2, 2, 0), "voided", condition="done"),
    "cancelled, told": stood("cancelled", "instructed", money="voided", condition="done"),
}
LATER = NOW + HOUR
NEWS: dict[str, EventFacts] = {
    "acknowledged": news("acknowledged", when=LATER),
    "refused": news("refused", when=LATER, reason="sold out"),
    "delayed": news("delayed", when=LATER, expected_on="2026-12-01"),
    "shipped": shipped(when=LATER, tracking=OTHER),
    "shipped one": shipped(when=LATER, tracking=OTHER, lines=[{"line": "1", "quantity": 1}]),
    "shipped again": shipped(when=LATER, lines=[{"line": "1", "quantity": 2}]),
    "corrected": news("tracking_corrected", when=LATER, previous_tracking_number=NUMBER, tracking_number=OTHER),
    "in transit": news("tracking_updated", when=LATER, status="in_transit"),
    "delivered": news("delivered", when=LATER),
    "returned": news("returned", when=LATER),
    "lost": news("lost", when=LATER),
    "damaged": news("tracking_updated", when=LATER, status="damaged"),
    "short": news("short", when=LATER, lines=[{"line": "1", "quantity": 1}]),
    "cancel accepted": news("cancel_accepted", when=LATER),
    "cancel refused": news("cancel_refused", when=LATER),
}


def became(known: Facts, event: EventFacts) -> str:
    """What became of the event, where shipment and order stand then, what holds it, and what the customer hears."""
    draft = told_nothing(known)
    hear(draft, [event], SHOPS["salon"])
    decision = draft.decision()
    enforce(decision)
    ended = next((state for _, state, _ in decision.events), "waits")
    goods = draft.shipment("SH-1").state
    held = " ".join(sorted(hold.reason for hold in draft.holds))
    return f"{ended}: {goods}, {draft.state} [{held}] {' '.join(mails(decision))}".strip()


def _unasked() -> dict[str, str]:
    """An answer to what nobody asked: all stays as it stood."""
    return {
        name: f"ignored: {known.shipments[0].state}, {known.state} [{' '.join(hold.reason for hold in known.holds)}]"
        for name, known in STANDS.items()
    }


#: By kind of news, and where the order stood.
BECOMES: dict[str, dict[str, str]] = {
    "acknowledged": {
        "planned": "applied: acknowledged, authorized []",
        "backordered": "applied: acknowledged, authorized []",
        "instructed": "applied: acknowledged, released []",
        "acknowledged": "ignored: acknowledged, released []",
        "refused": "ignored: refused, released [supplier_refused]",
        "held": "applied: acknowledged, released [request_not_met]",
        "part shipped": "ignored: acknowledged, partly_shipped []",
        "shipped": "ignored: shipped, shipped []",
        "delivered": "ignored: shipped, delivered []",
        "returned": "ignored: shipped, undelivered [returned_undelivered]",
        "lost": "ignored: shipped, undelivered [transit_accident]",
        "cancelled": "ignored: cancelled, cancelled []",
        "cancelled, told": "applied: acknowledged, cancelled []",
    },
    "refused": {
        "planned": "applied: refused, authorized [supplier_refused]",
        "backordered": "applied: refused, authorized [supplier_refused]",
        "instructed": "applied: refused, released [supplier_refused]",
        "acknowledged": "applied: refused, released [supplier_refused]",
        "refused": "ignored: refused, released [supplier_refused]",
        "held": "applied: refused, released [request_not_met supplier_refused]",
        "part shipped": "applied: refused, partly_shipped [supplier_refused]",
        "shipped": "ignored: shipped, shipped []",
        "delivered": "ignored: shipped, delivered []",
        "returned": "ignored: shipped, undelivered [returned_undelivered]",
        "lost": "ignored: shipped, undelivered [transit_accident]",
        "cancelled": "ignored: cancelled, cancelled []",
        "cancelled, told": "applied: refused, cancelled []",
    },
    "delayed": {
        "planned": "applied: planned, authorized [] dispatch_delayed",
        "backordered": "applied: backordered, authorized [] dispatch_delayed",
        "instructed": "applied: instructed, released [] dispatch_delayed",
        "acknowledged": "applied: acknowledged, released [] dispatch_delayed",
        "refused": "applied: refused, released [supplier_refused]",
        "held": "applied: instructed, released [request_not_met] dispatch_delayed",
        "part shipped": "applied: acknowledged, partly_shipped []",
        "shipped": "applied: shipped, shipped []",
        "delivered": "applied: shipped, delivered []",
        "returned": "applied: shipped, undelivered [returned_undelivered]",
        "lost": "applied: shipped, undelivered [transit_accident]",
        "cancelled": "ignored: cancelled, cancelled []",
        "cancelled, told": "ignored: instructed, cancelled []",
    },
    "shipped": {
        "planned": "applied: shipped, shipped [] shipment_shipped",
        "backordered": "applied: shipped, shipped [] shipment_shipped",
        "instructed": "applied: shipped, shipped [] shipment_shipped",
        "acknowledged": "applied: shipped, shipped [] shipment_shipped",
        "refused": "applied: shipped, shipped [] shipment_shipped",
        "held": "applied: shipped, shipped [request_not_met] shipment_shipped",
        "part shipped": "applied: shipped, shipped [] shipment_shipped",
        "shipped": "applied: shipped, shipped [] shipment_shipped",
        "delivered": "applied: shipped, shipped [] shipment_shipped",
        "returned": "applied: shipped, shipped [returned_undelivered] shipment_shipped",
        "lost": "applied: shipped, shipped [transit_accident] shipment_shipped",
        "cancelled": "applied: cancelled, cancelled [shipped_after_cancel] shipment_shipped",
        "cancelled, told": "applied: shipped, cancelled [shipped_after_cancel] shipment_shipped",
    },
    "shipped one": {
        "planned": "applied: acknowledged, partly_shipped [] shipment_shipped",
        "backordered": "applied: acknowledged, partly_shipped [] shipment_shipped",
        "instructed": "applied: acknowledged, partly_shipped [] shipment_shipped",
        "acknowledged": "applied: acknowledged, partly_shipped [] shipment_shipped",
        "refused": "applied: refused, partly_shipped [supplier_refused] shipment_shipped",
        "held": "applied: acknowledged, partly_shipped [request_not_met] shipment_shipped",
        "part shipped": "applied: shipped, shipped [] shipment_shipped",
        "shipped": "quarantined: shipped, shipped []",
        "delivered": "quarantined: shipped, delivered []",
        "returned": "applied: shipped, shipped [returned_undelivered] shipment_shipped",
        "lost": "applied: shipped, shipped [transit_accident] shipment_shipped",
        "cancelled": "applied: cancelled, cancelled [shipped_after_cancel] shipment_shipped",
        "cancelled, told": "applied: acknowledged, cancelled [shipped_after_cancel] shipment_shipped",
    },
    "shipped again": {
        "planned": "applied: shipped, shipped [] shipment_shipped",
        "backordered": "applied: shipped, shipped [] shipment_shipped",
        "instructed": "applied: shipped, shipped [] shipment_shipped",
        "acknowledged": "applied: shipped, shipped [] shipment_shipped",
        "refused": "applied: shipped, shipped [] shipment_shipped",
        "held": "applied: shipped, shipped [request_not_met] shipment_shipped",
        "part shipped": "quarantined: acknowledged, partly_shipped []",
        "shipped": "ignored: shipped, shipped []",
        "delivered": "ignored: shipped, delivered []",
        "returned": "ignored: shipped, undelivered [returned_undelivered]",
        "lost": "ignored: shipped, undelivered [transit_accident]",
        "cancelled": "applied: cancelled, cancelled [shipped_after_cancel] shipment_shipped",
        "cancelled, told": "applied: shipped, cancelled [shipped_after_cancel] shipment_shipped",
    },
    "corrected": {
        "planned": "waits: planned, authorized []",
        "backordered": "waits: backordered, authorized []",
        "instructed": "waits: instructed, released []",
        "acknowledged": "waits: acknowledged, released []",
        "refused": "waits: refused, released [supplier_refused]",
        "held": "waits: instructed, released [request_not_met]",
        "part shipped": "applied: acknowledged, partly_shipped [] tracking_corrected",
        "shipped": "applied: shipped, shipped [] tracking_corrected",
        "delivered": "applied: shipped, delivered []",
        "returned": "applied: shipped, undelivered [returned_undelivered]",
        "lost": "applied: shipped, undelivered [transit_accident]",
        "cancelled": "waits: cancelled, cancelled []",
        "cancelled, told": "waits: instructed, cancelled []",
    },
    "in transit": {
        "planned": "waits: planned, authorized []",
        "backordered": "waits: backordered, authorized []",
        "instructed": "waits: instructed, released []",
        "acknowledged": "waits: acknowledged, released []",
        "refused": "waits: refused, released [supplier_refused]",
        "held": "waits: instructed, released [request_not_met]",
        "part shipped": "applied: acknowledged, partly_shipped []",
        "shipped": "applied: shipped, shipped []",
        "delivered": "ignored: shipped, delivered []",
        "returned": "ignored: shipped, undelivered [returned_undelivered]",
        "lost": "applied: shipped, shipped []",
        "cancelled": "waits: cancelled, cancelled []",
        "cancelled, told": "waits: instructed, cancelled []",
    },
    "delivered": {
        "planned": "waits: planned, authorized []",
        "backordered": "waits: backordered, authorized []",
        "instructed": "waits: instructed, released []",
        "acknowledged": "waits: acknowledged, released []",
        "refused": "waits: refused, released [supplier_refused]",
        "held": "waits: instructed, released [request_not_met]",
        "part shipped": "waits: acknowledged, partly_shipped []",
        "shipped": "applied: shipped, delivered [] order_delivered",
        "delivered": "applied: shipped, delivered []",
        "returned": "ignored: shipped, undelivered [returned_undelivered]",
        "lost": "applied: shipped, delivered [] order_delivered",
        "cancelled": "waits: cancelled, cancelled []",
        "cancelled, told": "waits: instructed, cancelled []",
    },
    "returned": {
        "planned": "waits: planned, authorized []",
        "backordered": "waits: backordered, authorized []",
        "instructed": "waits: instructed, released []",
        "acknowledged": "waits: acknowledged, released []",
        "refused": "waits: refused, released [supplier_refused]",
        "held": "waits: instructed, released [request_not_met]",
        "part shipped": "applied: acknowledged, partly_shipped [returned_undelivered] parcel_returned",
        "shipped": "applied: shipped, undelivered [returned_undelivered] parcel_returned",
        "delivered": "applied: shipped, undelivered [returned_undelivered] parcel_returned",
        "returned": "applied: shipped, undelivered [returned_undelivered]",
        "lost": "applied: shipped, undelivered [returned_undelivered] parcel_returned",
        "cancelled": "waits: cancelled, cancelled []",
        "cancelled, told": "waits: instructed, cancelled []",
    },
    "lost": {
        "planned": "waits: planned, authorized []",
        "backordered": "waits: backordered, authorized []",
        "instructed": "waits: instructed, released []",
        "acknowledged": "waits: acknowledged, released []",
        "refused": "waits: refused, released [supplier_refused]",
        "held": "waits: instructed, released [request_not_met]",
        "part shipped": "applied: acknowledged, partly_shipped [transit_accident] transit_accident",
        "shipped": "applied: shipped, undelivered [transit_accident] transit_accident",
        "delivered": "ignored: shipped, delivered []",
        "returned": "ignored: shipped, undelivered [returned_undelivered]",
        "lost": "applied: shipped, undelivered [transit_accident]",
        "cancelled": "waits: cancelled, cancelled []",
        "cancelled, told": "waits: instructed, cancelled []",
    },
    "damaged": {
        "planned": "waits: planned, authorized []",
        "backordered": "waits: backordered, authorized []",
        "instructed": "waits: instructed, released []",
        "acknowledged": "waits: acknowledged, released []",
        "refused": "waits: refused, released [supplier_refused]",
        "held": "waits: instructed, released [request_not_met]",
        "part shipped": "applied: acknowledged, partly_shipped [transit_accident] transit_accident",
        "shipped": "applied: shipped, shipped [transit_accident] transit_accident",
        "delivered": "ignored: shipped, delivered []",
        "returned": "ignored: shipped, undelivered [returned_undelivered]",
        "lost": "applied: shipped, shipped [transit_accident] transit_accident",
        "cancelled": "waits: cancelled, cancelled []",
        "cancelled, told": "waits: instructed, cancelled []",
    },
    "short": {
        "planned": "applied: planned, authorized [supplier_short]",
        "backordered": "applied: backordered, authorized [supplier_short]",
        "instructed": "applied: instructed, released [supplier_short]",
        "acknowledged": "applied: acknowledged, released [supplier_short]",
        "refused": "applied: refused, released [supplier_refused supplier_short]",
        "held": "applied: instructed, released [request_not_met supplier_short]",
        "part shipped": "applied: acknowledged, partly_shipped [supplier_short]",
        "shipped": "ignored: shipped, shipped []",
        "delivered": "ignored: shipped, delivered []",
        "returned": "ignored: shipped, undelivered [returned_undelivered]",
        "lost": "ignored: shipped, undelivered [transit_accident]",
        "cancelled": "ignored: cancelled, cancelled []",
        "cancelled, told": "ignored: instructed, cancelled []",
    },
    **{kind: _unasked() for kind in ("cancel accepted", "cancel refused")},
}


@pytest.mark.parametrize("state", STANDS)
@pytest.mark.parametrize("kind", NEWS)
def test_what_becomes_of_news(kind: str, state: str) -> None:
    """TRK-05, INT-13, RET-07, RET-08, CAN-03."""
    assert became(STANDS[state], NEWS[kind]) == BECOMES[kind][state]


@pytest.mark.parametrize("state", STANDS)
@pytest.mark.parametrize("kind", NEWS)
def test_news_that_comes_again_does_nothing_more(kind: str, state: str) -> None:
    """Under another id: no money, no mail and no hold beyond those of the first time."""
    draft = told_nothing(STANDS[state])
    hear(draft, [NEWS[kind]], SHOPS["salon"])
    once, sent = standing(draft), {(m.template, m.subject_key) for m in draft.decision().mails}
    asked = list(draft.decision().effects)
    hear(draft, [NEWS[kind]._replace(id=2, event_id="again")], SHOPS["salon"])
    assert standing(draft) == once
    assert {(m.template, m.subject_key) for m in draft.decision().mails} == sent, "a mail is known by its subject"
    assert list(draft.decision().effects) == asked


def test_every_kind_is_here() -> None:
    assert {event.type for event in NEWS.values()} == set(KINDS)


def test_a_hold_that_was_answered_is_not_opened_again_by_the_same_word() -> None:
    """RET-08: the operator sent it again and let the order go on; the carrier's page still says what it said."""
    known = STANDS["returned"]
    draft = told_nothing(known)
    draft.lift(lambda hold: True, "operator")
    hear(draft, [NEWS["returned"]], SHOPS["salon"])
    assert draft.holds == []


def test_what_was_lost_and_settled_counts_no_more_beside_what_arrived() -> None:
    """RET-07: one of two parcels is lost and given back; with the other one the order is delivered."""
    two = {"1": LineFacts(1, 0, 1), "2": LineFacts(1, 0, 1)}
    base = facts(an_order("salon", a_line("1"), a_line("2")))
    lost = PARCEL._replace(claim={"1": 1}, lines={"1": 1}, tracking_status="lost", status_as_of=NOW)
    other = PARCEL._replace(key=OTHER, tracking_number=OTHER, claim={"2": 1}, lines={"2": 1})
    known = facts(
        an_order("salon", a_line("1"), a_line("2")),
        state="shipped",
        shipments=(shipment(state="shipped", lines=two),),
        parcels=(lost, other),
        payment=payment("captured", base.grand_total),
        adjustments=(adjust(base.breakdown, [], FAULT, [("1", 1)]),),
        events=(news("delivered", when=LATER, tracking_number=OTHER),),
    )
    assert decide(STAGE, known).state == "delivered"
