"""Money that the carrier collects: reminded of, waited for, and given up when nobody receives the parcel (PAY-09)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from models.subject import SHIPMENT, Subject
from pipelines.engine.decision import Decision
from pipelines.engine.facts import EventFacts, Facts, LineFacts, ParcelFacts
from pipelines.rules.money.adjustments import goodwill
from pipelines.stages.collect import STAGE
from tests.rules.build import a_line, an_order, at, shop_with
from tests.stages.able import able_shop
from tests.stages.build import but, decide, effect, event, facts, lot, mails, moves, parcel, payment, reasons, shipment
from tests.stages.news import NUMBER, OTHER
from workers.installation import INSTALLATION

LEFT = at("2026-11-01 15:00:00")
TOTAL = 1_430


def left(number: int = 1, **changes: Any) -> ParcelFacts:
    """A parcel that left on 2026-11-01."""
    key = (NUMBER, OTHER)[number - 1]
    return parcel(f"SH-{number}", key, tracking_number=key, shipped_at=LEFT, **changes)


def sent(*parcels: ParcelFacts, state: str = "shipped", **changes: Any) -> Facts:
    """A COD order of which each shipment has left in one parcel; the first collects."""
    count = max(len(parcels), 1)
    known = {
        "state": state,
        "condition": "running",
        "shipments": tuple(
            shipment(n, "shipped", lines={str(n): LineFacts(1, 0, 1)}, collects=n == 1) for n in range(1, count + 1)
        ),
        "parcels": parcels,
    }
    order = an_order("salon", *(a_line(str(n)) for n in range(1, count + 1)), method="cod")
    return facts(order, **{**known, **changes})


def waits(decision: Decision) -> list[tuple[str, datetime, str]]:
    """(what, until, then) of what is waited for."""
    return [(str(one.what), one.due_at, str(one.then)) for one in decision.work if one.what]


def captured_by(left_pieces: int, *before: int, state: str = "partly_shipped") -> list[tuple[str, Any]]:
    """(key, payload) of what is captured once so many of three pieces have left, after captures of ``before`` yen."""
    shop = able_shop("salon", **{"[payment]": '[payment]\ncapture_policy = "per_shipment"\ngateways.card = "able"'})
    keys = [f"salon/N-1:capture{n}" for n in ("", ":2")]
    done = {
        key: effect("payment.capture", key, "done", amount=amount) for key, amount in zip(keys, before, strict=False)
    }
    order = an_order("salon", a_line(quantity=3))
    money = payment("authorized", facts(order).grand_total, gateway="able")
    if before:
        money = money._replace(state="captured", captured=sum(before))
    standing = shipment(1, "instructed", lines={"1": LineFacts(3, 0, left_pieces)})
    decision = decide(STAGE, facts(order, state=state, shipments=(standing,), payment=money, effects=done), shop=shop)
    return [(one.key, one.payload) for one in decision.effects]


def test_each_shipment_captures_what_left_with_it_and_the_last_all_that_is_left() -> None:
    """SPL-04: to the yen in all, whatever the parts come to."""
    total = facts(an_order("salon", a_line(quantity=3))).grand_total
    ((key, first),) = captured_by(1)
    assert (key, first["final"]) == ("salon/N-1:capture", False)
    assert 0 < first["amount"] < total
    assert captured_by(1, first["amount"]) == []
    ((key, rest),) = captured_by(3, first["amount"], state="shipped")
    assert (key, rest) == ("salon/N-1:capture:2", {"amount": total - first["amount"], "final": True})
    assert captured_by(3, total, state="shipped") == []


def test_of_an_order_with_nothing_to_pay_nothing_is_let_go() -> None:
    """PAY-13: no gateway was ever asked, and none can be found to void what it does not hold."""
    shop = able_shop("salon", **{"[payment]": '[payment]\ncapture_policy = "per_shipment"\ngateways.card = "able"'})
    standing = shipment(1, "shipped", lines={"1": LineFacts(1, 0, 1)})
    paid = payment("captured", 0)._replace(authorized=0, captured=0, gateway=None)
    known = facts(an_order("salon", a_line()), state="shipped", shipments=(standing,), payment=paid)
    assert decide(STAGE, but(known, grand_total=0), shop=shop).effects == []


@pytest.mark.parametrize(
    ("pieces", "state", "captured", "waived"),
    [
        (1, "partly_shipped", [], []),  # 44 yen of the first parcel wait for the second
        (2, "partly_shipped", [88], []),
        (3, "shipped", [132], []),
    ],
)
def test_a_part_that_no_gateway_takes_is_captured_with_the_next(
    pieces: int, state: str, captured: list[int], waived: list[int]
) -> None:
    """PAY-13, SPL-04."""
    assert parts_of_44(pieces, state=state) == (captured, waived, [])


@pytest.mark.parametrize(
    ("before", "voids"), [(0, ["payment.void"]), (88, [])], ids=["all of it", "what is left after the second parcel"]
)
def test_the_last_part_that_no_gateway_takes_is_let_go(before: int, voids: list[str]) -> None:
    """PAY-13: in the books it is the shop's gift, and nothing is due."""
    gone = 0 if before else 88
    assert parts_of_44(3, before, gone, state="shipped") == ([], [44], voids)


def parts_of_44(pieces: int, before: int = 0, gone: int = 0, *, state: str) -> tuple[list[int], list[int], list[str]]:
    """What is captured, let go and voided of three pieces of 44 yen once so many have left, with ``before`` yen captured and
    ``gone`` given back."""
    shop = able_shop("salon", **{"[payment]": '[payment]\ncapture_policy = "per_shipment"\ngateways.card = "able"'})
    order = an_order("salon", a_line(quantity=3, price=40))
    known = facts(order)
    money = payment("authorized", known.grand_total, gateway="able")
    done = {}
    if before:
        key = "salon/N-1:capture"
        done = {key: effect("payment.capture", key, "done", amount=before)}
        money = money._replace(state="captured", captured=before)
    beside = known.grand_total - 132  # shipping, of which nobody asks here
    decision = decide(
        STAGE,
        facts(
            order,
            state=state,
            shipments=(shipment(1, "instructed", lines={"1": LineFacts(3, 0, pieces)}),),
            payment=money,
            effects=done,
            adjustments=[goodwill(beside + gone)],
        ),
        shop=shop,
    )
    captured = [int(one.payload["amount"]) for one in decision.effects if one.kind == "payment.capture"]
    waived = [one.change.money for one in decision.adjustments]
    return captured, waived, [one.kind for one in decision.effects if one.kind == "payment.void"]


def test_the_money_is_waited_for_and_the_customer_reminded() -> None:
    before = decide(STAGE, sent(left()), now=at("2026-11-02 09:00:00"))
    assert waits(before) == [("carrier.collection", at("2026-11-05 10:00:00"), "remind")]
    assert mails(before) == []
    due = decide(STAGE, sent(left()), now=at("2026-11-05 10:00:00"))
    assert mails(due) == ["cod_unclaimed"]
    (mail,) = due.mails
    assert mail.context["receive_by"].isoformat() == "2026-11-07"
    assert mail.context["collect"]["amount"] == sent(left()).grand_total
    assert waits(due) == [("carrier.collection", at("2026-11-08 00:00:00"), "cancel")]


@pytest.mark.parametrize(
    ("now", "moved"),
    [
        ("2026-11-07 23:59:59", []),
        ("2026-11-08 00:00:00", ["order: shipped -> cancelled", "payment: pending -> voided"]),
    ],
)
def test_an_order_that_nobody_receives_ends(now: str, moved: list[str]) -> None:
    """The last second in, the first second out; nothing was taken, so nothing goes back; INT-14 counts it."""
    known = sent(left(), lots=(lot(),))
    decision = decide(STAGE, known, now=at(now))
    assert [one for one in moves(decision) if one.startswith(("order", "payment"))] == moved
    if moved:
        (mail,) = [one for one in decision.mails if one.template == "order_cancelled"]
        assert mail.context["reason"] == "cod_unclaimed"
        assert decision.marks == [("undelivered_returns", "SH-1:returned"), ("customer_cancels", "SH-1:returned")]
        assert (decision.effects, decision.frees_items) == ([], [])
        assert decision.line_cancelled == {"1": 0}, "it has left"
        assert [one.lot for one in decision.clawbacks] == [1]
        assert decision.ended_waits == [("notify", Subject(SHIPMENT, "SH-1"))]
        assert waits(decision) == [("carrier.return", at("2026-11-22 00:00:00"), "operator")]


@pytest.mark.parametrize("status", ["refused", "returning", "returned", "attempt_failed", "in_transit"])
def test_whatever_the_carrier_says_but_delivered_the_order_ends(status: str) -> None:
    known = sent(left(tracking_status=status, status_as_of=LEFT))
    decision = decide(STAGE, known, now=at("2026-11-08 00:00:00"))
    assert decision.order_state == "cancelled"
    assert "cod_unclaimed" not in mails(decision)


@pytest.mark.parametrize("status", ["out_for_delivery", "held"])
def test_a_parcel_that_may_be_received_yet_is_waited_for(status: str) -> None:
    known = sent(left(tracking_status=status, status_as_of=at("2026-11-07 08:00:00")))
    decision = decide(STAGE, known, now=at("2026-11-08 00:00:00"))
    assert (decision.order_state, waits(decision)) == (
        None,
        [("carrier.collection", at("2026-11-09 00:00:00"), "cancel")],
    )
    assert decide(STAGE, known, now=at("2026-11-09 00:00:00")).order_state == "cancelled"


#: A shop whose carrier is asked how its parcels fare (docs/inquiries.md).
ASKED = shop_with("salon").connect(replace(INSTALLATION, asked=frozenset({"yamato"})))


def answered(status: str | None, when: str = "2026-11-08 00:05:00") -> EventFacts:
    """What Yamato says of the parcel, and since when it fares so."""
    return event("carrier.answered", when=at(when), shipment="SH-1", parcel=NUMBER, status=status)


@pytest.mark.parametrize(
    ("now", "cancelled", "waited"),
    [
        ("2026-11-07 23:59:59", None, ("carrier.collection", "2026-11-08 00:00:00")),
        ("2026-11-08 00:00:00", None, ("carrier.answer", "2026-11-08 06:00:00")),
        ("2026-11-08 05:59:59", None, ("carrier.answer", "2026-11-08 06:00:00")),
        ("2026-11-08 06:00:00", "cancelled", ("carrier.return", "2026-11-22 00:00:00")),  # it did not answer
    ],
)
def test_a_carrier_that_can_be_asked_is_asked_before_an_order_ends(
    now: str, cancelled: str | None, waited: tuple[str, str]
) -> None:
    """PAY-09: on firing the tracking is asked for first; what was heard last evening may be over."""
    known = sent(left(tracking_status="attempt_failed", status_as_of=at("2026-11-07 19:00:00")))
    decision = decide(STAGE, known, shop=ASKED, now=at(now))
    assert decision.order_state == cancelled
    assert [(what, until) for what, until, then in waits(decision)] == [(waited[0], at(waited[1]))]


@pytest.mark.parametrize(
    ("status", "when", "until"),
    [
        ("delivered", "2026-11-07 21:00:00", "2026-11-09 00:05:00"),  # the news of it brings the money in
        ("out_for_delivery", "2026-11-08 00:01:00", "2026-11-09 00:01:00"),
        ("held", "2026-11-07 20:00:00", "2026-11-09 00:00:00"),  # a redelivery was booked
        ("attempt_failed", "2026-11-07 20:00:00", None),
        ("returning", "2026-11-08 00:02:00", None),
        ("out_for_delivery", "2026-11-07 18:00:00", None),  # older than what was heard
        (None, "2026-11-08 00:05:00", None),  # a word that nobody knows
    ],
)
def test_the_carriers_answer_decides(status: str | None, when: str, until: str | None) -> None:
    """PAY-09: delivered is paid for; what may be received yet has a day more; anything else is unclaimed."""
    last = left(tracking_status="attempt_failed", status_as_of=at("2026-11-07 19:00:00"))
    known = sent(last, events=(answered(status, when),))
    decision = decide(STAGE, known, shop=ASKED, now=at("2026-11-08 00:05:00"))
    assert decision.order_state == (None if until else "cancelled")
    if until is not None:
        assert waits(decision) == [("carrier.collection", at(until), "cancel")]
    assert [state for _, state, _ in decision.events] == ["applied"]


def test_an_accident_that_the_carrier_tells_of_is_a_humans() -> None:
    """TRK-04."""
    decision = decide(STAGE, sent(left(), events=(answered("lost"),)), shop=ASKED, now=at("2026-11-08 00:05:00"))
    assert (decision.order_state, reasons(decision)) == (None, ["cod_uncollected"])


def test_money_that_is_in_is_not_waited_for() -> None:
    known = sent(left(tracking_status="delivered"), state="delivered", payment=payment("captured", TOTAL, method="cod"))
    assert decide(STAGE, known, now=at("2026-12-01 00:00:00")).work == []


@pytest.mark.parametrize(
    ("why", "parcels", "changes"),
    [
        ("the other parcel is with the customer", (left(), left(2, tracking_status="delivered")), {}),
        ("a shipment is still to leave", (left(),), {"state": "partly_shipped"}),
        ("nobody can follow it", (left()._replace(tracking_number=None),), {}),
    ],
)
def test_where_the_order_cannot_just_end_a_human_has_it(why: str, parcels: Any, changes: Any) -> None:
    decision = decide(STAGE, sent(*parcels, **changes), now=at("2026-11-08 00:00:00"))
    assert (decision.order_state, reasons(decision)) == (None, ["cod_uncollected"]), why


@pytest.mark.parametrize("status", ["lost", "damaged"])
def test_an_accident_brings_no_money(status: str) -> None:
    decision = decide(STAGE, sent(left(tracking_status=status)), now=at("2026-11-02 09:00:00"))
    assert reasons(decision) == ["cod_uncollected"]


def test_where_all_were_told_not_to_collect_a_human_has_it() -> None:
    """The shipment that was to collect was refused after another had gone out without."""
    refused = shipment(1, "refused", collects=True)
    told = shipment(2, "instructed", collects=False)
    order = an_order("salon", a_line("1"), a_line("2"), method="cod")
    known = facts(order, state="released", shipments=(refused, told))
    decision = decide(STAGE, known)
    assert reasons(decision) == ["cod_uncollected"]
    (hold,) = decision.holds
    assert hold.amount == known.grand_total
    untold = decide(STAGE, facts(order, state="released", shipments=(refused, shipment(2))))
    assert reasons(untold) == [], "the one that is still to be told collects"
