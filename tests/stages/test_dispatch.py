"""Dispatch: the supplier is told at the planned time, by webhook or by mail, and watched until the goods have left."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from models.states import HoldReason
from pipelines.engine.facts import LineFacts
from pipelines.errors import Misconfigured
from pipelines.rules.holds import Hold
from pipelines.rules.money.adjustments import goodwill
from pipelines.stages.dispatch import STAGE
from tests.rules.build import at, plain_shop, shop_with
from tests.stages.able import able_shop
from tests.stages.build import NOW, decide, due, effect, effects, facts, mails, moves, payment, reasons, shipment

LATER = NOW + timedelta(hours=5)
KEY = "SH-1:requested"
BY_WEBHOOK = {"supplier_urls": {"warehouse": "https://warehouse.example/hook"}}


def standing(*shipments: Any, **changes: Any) -> Any:
    return facts(**{"state": "authorized", "shipments": shipments, **changes})


def asked(decision: Any) -> list[tuple[str, str, str, str | None]]:
    """(channel, stage that waits, shipment, batch) of the instructions it wants."""
    return [(e.payload["channel"], e.wakes, e.shipment, e.batch) for e in decision.effects]


def test_nobody_is_told_before_the_planned_time() -> None:
    decision = decide(STAGE, standing(shipment(instruct_at=LATER)))
    assert (due(decision), decision.moves, decision.effects, decision.mails) == ([("dispatch", LATER)], [], [], [])


def test_a_supplier_with_a_url_is_told_by_webhook() -> None:
    decision = decide(STAGE, standing(shipment(), **BY_WEBHOOK))
    assert effects(decision) == [("supplier.instruct", KEY)]
    assert asked(decision) == [("webhook", "dispatch", "SH-1", None)]
    assert moves(decision) == ["order: authorized -> released"]


@pytest.mark.parametrize("mails_at", [{"warehouse": "soko@example.jp"}, {}], ids=["its own", "the shop's operators"])
def test_any_other_is_told_by_mail(mails_at: dict[str, str]) -> None:
    """It is the channel that writes the mail; until it has, the shipment is planned."""
    decision = decide(STAGE, standing(shipment(), supplier_mails=mails_at))
    assert effects(decision) == [("supplier.instruct", KEY)]
    assert asked(decision) == [("mail", "dispatch", "SH-1", None)]
    assert moves(decision) == ["order: authorized -> released"]


def test_with_nobody_to_tell_the_order_is_set_aside() -> None:
    with pytest.raises(Misconfigured, match="supplier warehouse has no mail"):
        decide(STAGE, standing(shipment()), shop=plain_shop())


def test_it_is_told_once() -> None:
    told = {KEY: effect("supplier.instruct", KEY, "pending")}
    decision = decide(STAGE, standing(shipment(), state="released", effects=told, **BY_WEBHOOK))
    assert (decision.effects, decision.moves) == ([], [])


@pytest.mark.parametrize(
    ("outcome", "moved", "hold"),
    [
        ("done", ["shipment: planned -> instructed"], []),
        ("declined", ["condition: running -> held"], ["supplier_unreachable"]),
        ("needs_review", ["condition: running -> held"], ["supplier_unreachable"]),
    ],
)
def test_what_became_of_the_instruction(outcome: str, moved: list[str], hold: list[str]) -> None:
    told = {KEY: effect("supplier.instruct", KEY, outcome)}
    decision = decide(STAGE, standing(shipment(), state="released", effects=told, **BY_WEBHOOK))
    assert (moves(decision), reasons(decision)) == (moved, hold)


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        ("2026-11-20 10:00:00", "20. 20:00"),  # it leaves today: at 20:00 it would be asked after
        ("2026-11-20 19:50:00", "20. 20:50"),  # an hour at least
        ("2026-11-20 21:00:00", "21. 21:00"),  # that hour has passed: as long as its answer would be waited for
        ("2026-11-17 10:00:00", "18. 10:00"),
    ],
)
def test_an_instruction_that_is_under_way_has_a_date(moment: str, until: str) -> None:
    """P: whatever is waited for has a date, and something happens then."""
    decision = decide(STAGE, standing(shipment(instruct_at=at(moment)), **BY_WEBHOOK), now=at(moment))
    assert waits(decision) == [("supplier.instruction", until, "operator")]
    (asked_for,) = decision.effects
    assert f"{at(asked_for.payload['until']):%d. %H:%M}" == until


@pytest.mark.parametrize(
    ("moment", "wait", "hold"),
    [
        ("2026-11-20 19:59:59", [("supplier.instruction", "20. 20:00", "operator")], []),
        ("2026-11-20 20:00:00", [], ["supplier_unreachable"]),
    ],
)
def test_an_instruction_that_does_not_arrive_goes_before_a_person(
    moment: str, wait: list[tuple[str, str, str]], hold: list[str]
) -> None:
    told = {KEY: effect("supplier.instruct", KEY, "pending", until="2026-11-20T20:00:00+09:00")}
    decision = decide(STAGE, standing(shipment(), state="released", effects=told, **BY_WEBHOOK), now=at(moment))
    assert (waits(decision), reasons(decision), effects(decision)) == (wait, hold, [])


def told(state: str = "instructed", **changes: Any) -> Any:
    """A shipment that leaves on Friday the 20th, of which its supplier was told at 10:00."""
    return shipment(state=state, **{"told_at": NOW, **changes})


def waits(decision: Any) -> list[tuple[str, str, str]]:
    """(what, until, then) of what it waits for."""
    return [(one.what, f"{one.due_at:%d. %H:%M}", one.then) for one in decision.work if one.what]


@pytest.mark.parametrize(
    ("moment", "state", "sent", "wait"),
    [
        # it leaves today: at 20:00 it is asked after, whether or not it was acknowledged
        ("2026-11-20 11:00:00", "instructed", [], ("supplier.ship", "20. 20:00", "remind")),
        ("2026-11-20 11:00:00", "acknowledged", [], ("supplier.ship", "20. 20:00", "remind")),
        ("2026-11-20 20:00:00", "acknowledged", ["supplier_overdue"], ("supplier.ship", "24. 10:00", "operator")),
        # 24 hours after it was told, unless the profile says otherwise, its answer is due (A.5)
        ("2026-11-20 20:00:00", "instructed", ["supplier_overdue"], ("supplier.acknowledgement", "21. 10:00", "remind")),
        ("2026-11-21 10:00:00", "instructed", ["supplier_overdue"] * 2, ("supplier.acknowledgement", "22. 10:00", "remind")),
    ],
)  # fmt: skip
def test_what_a_supplier_owes_is_asked_after(
    moment: str, state: str, sent: list[str], wait: tuple[str, str, str]
) -> None:
    """P: whatever is waited for has a date, and something happens then."""
    decision = decide(STAGE, standing(told(state), state="released"), now=at(moment))
    assert (mails(decision), waits(decision), reasons(decision)) == (sent, [wait], [])


def test_a_supplier_that_never_answers_goes_before_a_person() -> None:
    later = told(dispatch_on=date(2026, 12, 1))
    decision = decide(STAGE, standing(later, state="released"), now=NOW + timedelta(hours=72))
    assert (reasons(decision), mails(decision), waits(decision)) == (["supplier_silent"], [], [])


def test_one_that_need_not_answer_owes_the_goods_alone() -> None:
    shop = shop_with("salon", **{"[suppliers.warehouse]": "[suppliers.warehouse]\nacknowledge_within_hours = 0"})
    decision = decide(STAGE, standing(told(), state="released"), shop=shop, now=LATER)
    assert waits(decision) == [("supplier.ship", "20. 20:00", "remind")]


def test_goods_that_did_not_leave_on_their_day_get_another_one() -> None:
    """The customer hears of it, the storefront too, and a person has the order; the reasons of the plan say so."""
    decision = decide(STAGE, standing(told("acknowledged"), state="released"), now=at("2026-11-24 10:00:00"))
    (change,) = decision.shipments.values()
    assert (change.dispatch_on, change.because) == (
        date(2026, 11, 24),
        [
            {
                "rule": "dispatch_late",
                "says": "The goods did not leave on Fri 20 Nov 2026: planned for dispatch on Tue 24 Nov 2026.",
            }
        ],
    )
    assert (mails(decision), reasons(decision)) == (["dispatch_delayed"], ["dispatch_late"])
    (missed,) = decision.announced
    assert (missed.type, dict(missed.data)) == (
        "promise.missed",
        {"cause": "dispatch_late", "shipment": "SH-1", "was": "2026-11-20", "dispatch_on": "2026-11-24"},
    )


def test_a_supplier_that_was_told_too_late_is_not_to_blame() -> None:
    """After a hold, or days in which nothing ran: the customer is told the new day, and the supplier has its chance."""
    decision = decide(
        STAGE, standing(told(told_at=at("2026-11-25 09:00:00")), state="released"), now=at("2026-11-25 09:00:00")
    )
    assert (mails(decision), reasons(decision)) == (["dispatch_delayed"], [])
    assert waits(decision) == [("supplier.ship", "25. 20:00", "remind")]


def test_goods_without_a_day_are_asked_after_until_they_have_one() -> None:
    """SPL-03: a back-order without a date."""
    undated = told("acknowledged", dispatch_on=None)
    first = decide(STAGE, standing(undated, state="released"), now=NOW)
    assert waits(first) == [("supplier.date", "04. 10:00", "remind")]
    asked_again = decide(STAGE, standing(undated, state="released"), now=NOW + timedelta(days=14))
    assert (mails(asked_again), waits(asked_again)) == (
        ["supplier_overdue"],
        [("supplier.date", "18. 10:00", "remind")],
    )
    given_up = decide(STAGE, standing(undated, state="released"), now=NOW + timedelta(days=42))
    assert reasons(given_up) == ["supplier_silent"]


@pytest.mark.parametrize("state", ["shipped", "refused", "cancelled"])
def test_nothing_is_owed_of_what_left_or_never_will(state: str) -> None:
    decision = decide(STAGE, standing(told(state), state="released"), now=NOW + timedelta(days=9))
    assert (mails(decision), decision.work, reasons(decision)) == ([], [], [])


ENDS = at("2026-12-20 10:00:00")
BACKORDER = shipment(state="backordered", dispatch_on=date(2026, 12, 31), instruct_at=at("2026-12-31 08:00:00"))


def on_an_authorization(moment: str, shop: Any = None, gateway: str = "sandbox", **changes: Any) -> Any:
    held = payment("authorized", 1100, expires_at=ENDS, gateway=gateway)
    return decide(STAGE, standing(BACKORDER, payment=held, **changes), now=at(moment), shop=shop)


def test_an_authorization_that_ends_before_the_goods_leave_is_told_of_five_days_ahead() -> None:
    """SPL-04, B.6.2."""
    early = on_an_authorization("2026-11-20 10:00:00")
    assert waits(early) == [("shipment.left", "15. 10:00", "warn")]
    warned = on_an_authorization("2026-12-15 10:00:00")
    ((type_, _, data),) = [(one.type, one.about, one.data) for one in warned.announced]
    assert (type_, data["expires_at"], data["amount"]) == ("payment.expiring", ENDS.isoformat(), 1100)
    assert data["cause"] == "authorization_ends"
    assert waits(warned) == [("shipment.left", "17. 10:00", "operator")]


def ends_by(does: str, gateway: str = "sandbox") -> Any:
    text = f'[payment]\nauthorization_ends = "{does}"\ngateways.card = "{gateway}"'
    return able_shop("salon", **{"[payment]": text})


def test_three_days_before_its_end_a_person_decides_or_the_profile_does() -> None:
    """SPL-04: hold, capture, or renew where the gateway can."""
    held = on_an_authorization("2026-12-17 10:00:00")
    assert (reasons(held), held.effects) == (["authorization_ends"], [])
    taken = on_an_authorization("2026-12-17 10:00:00", ends_by("capture"))
    assert (effects(taken), reasons(taken)) == ([("payment.capture", "salon/N-1:capture")], [])
    renews = ends_by("renew", "able")
    renewed = on_an_authorization("2026-12-17 10:00:00", renews, gateway="able")
    assert (effects(renewed), reasons(renewed)) == ([("payment.renew", "salon/N-1:renew:1")], [])
    assert renewed.effects[0].payload == {"amount": 1_100, "ends": ENDS.isoformat()}
    waiting = effect("payment.renew", "salon/N-1:renew:1", "pending", amount=1_100)
    again = on_an_authorization("2026-12-18 10:00:00", renews, gateway="able", effects={"salon/N-1:renew:1": waiting})
    assert (effects(again), reasons(again)) == ([], [])


@pytest.mark.parametrize("state", ["declined", "needs_review"])
def test_a_renewal_that_was_refused_is_not_asked_for_again_and_again(state: str) -> None:
    """SPL-04: the customer has heard of it, and a person has the order, whatever else wakes it until the hold ends."""
    refused = effect("payment.renew", "salon/N-1:renew:1", state, amount=1_100)
    known = {"gateway": "able", "effects": {refused.key: refused}}
    decision = on_an_authorization("2026-12-18 10:00:00", ends_by("renew", "able"), **known)
    assert (effects(decision), reasons(decision)) == ([], ["authorization_ends"])


@pytest.mark.parametrize(
    ("before", "asked"), [("2026-12-20 09:00:00", []), ("2026-11-30 10:00:00", ["salon/N-1:renew:2"])]
)
def test_a_renewal_that_brought_no_time_is_not_asked_for_once_more(before: str, asked: list[str]) -> None:
    """SPL-04: where a gateway holds for no more days than are left when the profile acts, each renewal would ask for the next at once."""
    done = effect("payment.renew", "salon/N-1:renew:1", "done", amount=1_100, ends=at(before).isoformat())
    known = {"gateway": "able", "effects": {done.key: done}}
    decision = on_an_authorization("2026-12-17 10:00:00", ends_by("renew", "able"), **known)
    assert [key for _, key in effects(decision)] == asked
    assert reasons(decision) == ([] if asked else ["authorization_ends"])


def captured_in_part(does: str, before: str = "done") -> Any:
    """600 of 1,100 yen were asked for with the first parcel; the goods that are left come after the hold ends."""
    text = f'[payment]\ncapture_policy = "per_shipment"\nauthorization_ends = "{does}"\ngateways.card = "able"'
    first = effect("payment.capture", "salon/N-1:capture", before, amount=600)
    taken = 600 if before == "done" else 0
    stands = payment("captured" if taken else "authorized", 1_100, expires_at=ENDS, gateway="able")
    known = standing(
        shipment(1, "shipped", lines={"1": LineFacts(1, 0, 1)}),
        BACKORDER._replace(id="SH-2"),
        state="partly_shipped",
        payment=stands._replace(captured=taken),
        effects={first.key: first},
    )
    return decide(STAGE, known, now=at("2026-12-17 10:00:00"), shop=able_shop("salon", **{"[payment]": text}))


@pytest.mark.parametrize(
    ("does", "asked", "held"),
    [("hold", [], ["authorization_ends"]), ("renew", [], ["authorization_ends"]), ("capture", [500], [])],
)
def test_the_rest_of_one_that_was_captured_in_part_ends_too(does: str, asked: list[int], held: list[str]) -> None:
    """SPL-04: where each parcel captures its part, the goods that are left leave on what is left of the hold."""
    decision = captured_in_part(does)
    assert [(one.key, one.payload["amount"]) for one in decision.effects] == [
        ("salon/N-1:capture:2", amount) for amount in asked
    ]
    assert reasons(decision) == held


def test_what_was_refused_is_not_asked_for_again_and_again() -> None:
    assert effects(captured_in_part("capture", "declined")) == []


def test_less_than_a_gateway_takes_does_not_keep_the_goods() -> None:
    """PAY-13, SPL-04: 44 yen whose authorization ends are let go, and their goods leave."""
    kept = goodwill(1_760 - 44)
    taken = on_an_authorization("2026-12-17 10:00:00", ends_by("capture"), adjustments=[kept])
    assert (effects(taken), reasons(taken)) == ([("payment.void", "salon/N-1:void")], [])
    assert [one.change.money for one in taken.adjustments] == [44]
    after = on_an_authorization("2026-12-17 10:00:01", ends_by("hold"), adjustments=[kept, goodwill(44)])
    assert (effects(after), reasons(after)) == ([], [])


def test_nobody_is_told_to_ship_on_a_dead_authorization() -> None:
    dead = on_an_authorization("2026-12-31 08:00:00")
    assert (effects(dead), reasons(dead)) == ([], ["authorization_ends"])


def test_goods_that_leave_long_before_the_end_need_no_wait_of_their_own() -> None:
    held = payment("authorized", 1100, expires_at=ENDS)
    decision = decide(STAGE, standing(told(), state="released", payment=held))
    assert [what for what, _, _ in waits(decision)] == ["supplier.ship"]


@pytest.mark.parametrize("changes", [{"condition": "held"}, {"state": "cancelled"}])
def test_held_and_cancelled_orders_go_nowhere(changes: dict[str, str]) -> None:
    """INT-16."""
    decision = decide(STAGE, standing(shipment(), **changes))
    assert (decision.moves, decision.mails, decision.effects, decision.work) == ([], [], [], [])


@pytest.mark.parametrize(
    ("hold", "asked"),
    [
        (Hold(HoldReason.UNEXPECTED_DEPOSIT, amount=500), True),
        (Hold(HoldReason.REFUND_DUE, amount=500), True),
        (Hold(HoldReason.SUPPLIER_SHORT, "SH-2"), True),
        (Hold(HoldReason.SUPPLIER_SHORT, "SH-1"), False),
        (Hold(HoldReason.AUTHORIZATION_LOST, amount=1_100), False),
        (Hold(HoldReason.PAYMENT_DIFFERS, amount=1_100), False),
    ],
    ids=["a deposit", "a refund by hand", "another's goods", "these goods", "lost money", "money in doubt"],
)
def test_a_person_who_has_the_order_for_something_else_stops_no_supplier(hold: Hold, asked: bool) -> None:
    """Goods that were told of are owed on their day, unless it is for them that a person has it, or they may not be paid for."""
    evening = at("2026-11-20 20:00:00")
    known = standing(told(dispatch_on=date(2026, 11, 20)), state="released", condition="held", holds=(hold,))
    decision = decide(STAGE, known, now=evening)
    assert (mails(decision), bool(decision.work)) == ((["supplier_overdue"], True) if asked else ([], False))


@pytest.mark.parametrize(
    ("holds", "instructed"),
    [
        ([Hold(HoldReason.SUPPLIER_REFUSED, "SH-2")], True),
        ([Hold(HoldReason.TRANSIT_ACCIDENT, "SH-2"), Hold(HoldReason.DISPATCH_LATE, "SH-3")], True),
        ([Hold(HoldReason.SUPPLIER_REFUSED, "SH-1")], False),
        ([Hold(HoldReason.PARCEL_PROBLEM, "SH-2")], False),
        ([Hold(HoldReason.SUPPLIER_REFUSED, "SH-2"), Hold(HoldReason.NEEDS_HUMAN)], False),
        ([], False),
    ],
    ids=[
        "another's goods",
        "others' goods",
        "these goods",
        "the way to the customer",
        "and the order",
        "nobody knows what",
    ],
)
def test_whom_a_hold_about_one_shipment_keeps_back(holds: list[Hold], instructed: bool) -> None:
    """SPL-02: that shipment alone; what goes to the same customer waits where none can be brought to him."""
    known = standing(shipment(), state="released", condition="held", holds=tuple(holds), **BY_WEBHOOK)
    assert effects(decide(STAGE, known)) == ([("supplier.instruct", KEY)] if instructed else [])


@pytest.mark.parametrize(
    ("now", "day", "told_at"),
    [
        ("2026-11-20 23:59:59", None, None),  # its own day still: at once
        ("2026-11-21 00:00:00", date(2026, 11, 24), "2026-11-24 08:00:00"),  # Saturday, and Monday is a holiday
        ("2026-11-24 14:00:00", date(2026, 11, 24), None),
        ("2026-11-24 15:00:01", date(2026, 11, 25), "2026-11-25 08:00:00"),
    ],
)
def test_nobody_is_asked_to_send_goods_on_a_day_that_has_passed(
    now: str, day: date | None, told_at: str | None
) -> None:
    """CUT-01, CUT-02: nobody worked when the supplier was to be told. It reads the day that can be kept, and so does the customer."""
    decision = decide(STAGE, standing(shipment(), payment=payment("authorized", 1_760), **BY_WEBHOOK), now=at(now))
    (planned,) = [one.dispatch_on for one in decision.shipments.values()] or [None]
    assert planned == day
    assert mails(decision) == (["dispatch_delayed"] if day else [])
    assert [one.type for one in decision.announced] == (["promise.missed"] if day else [])
    assert effects(decision) == ([] if told_at else [("supplier.instruct", KEY)])
    assert not told_at or ("dispatch", at(told_at)) in due(decision)
    assert reasons(decision) == [], "it was not the supplier's doing"


def test_each_shipment_goes_at_its_own_time() -> None:
    """SPL-03."""
    decision = decide(STAGE, standing(shipment(1), shipment(2, "backordered", instruct_at=NOW + timedelta(hours=1))))
    assert [e.shipment for e in decision.effects] == ["SH-1"]
    assert due(decision)[-1:] == [("dispatch", NOW + timedelta(hours=1))]


def test_who_never_answers_loses_the_shipment_to_the_one_its_profile_names() -> None:
    """After the last reminder; the one before is told not to send it, and it is given away once."""
    profile = (
        '[suppliers.warehouse]\nacknowledge_within_hours = 1\nreminders = 1\ninstead = "maker-b"\n'
        '[suppliers.maker-b]\ninstead = "warehouse"\nacknowledge_within_hours = 1\nreminders = 1'
    )
    shop = shop_with("salon", **{"[suppliers.warehouse]": profile})
    told = shipment(state="instructed", instruct_at=NOW, told_at=NOW, dispatch_on=NOW.date() + timedelta(days=3))
    reached = {"warehouse": "a@maker.example", "maker-b": "b@maker.example"}
    known = standing(told, state="released", payment=payment("authorized", 1_760), supplier_mails=reached)
    early = decide(STAGE, known, shop=shop, now=NOW + timedelta(hours=1))
    assert (mails(early), early.shipments) == (["supplier_overdue"], {})
    given = decide(STAGE, known, shop=shop, now=NOW + timedelta(hours=2))
    assert [(one.supplier, one.state, one.again) for one in given.shipments.values()] == [("maker-b", "planned", 1)]
    assert effects(given) == [("supplier.instruct", "SH-1:requested:2")]
    assert "supplier_cancel" in mails(given)
    assert reasons(given) == []
    again = standing(told._replace(supplier="maker-b", again=1), state="released", supplier_mails=reached)
    assert reasons(decide(STAGE, again, shop=shop, now=NOW + timedelta(hours=2))) == ["supplier_silent"]
