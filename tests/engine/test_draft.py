"""A draft: what a stage changes it reads back, and the decision is the difference to the facts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from models.states import Condition, HoldReason, LotState, OrderState, PaymentState, ShipmentState
from pipelines.engine.decision import (
    ClosedHold,
    Decision,
    EffectIntent,
    NewShipment,
    PaymentChange,
    ShipmentChange,
)
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Facts, LineFacts, Need, UsedPoints
from pipelines.engine.stage import Stage
from pipelines.errors import Undeclared
from pipelines.rules.holds import Hold
from pipelines.rules.lots import Activation, Clawback, GiveBack, NewLot
from pipelines.rules.money.adjustments import RETURN, SHORT, adjust
from tests.rules.build import a_line, an_order
from tests.stages.build import NOW, but, effect, event, facts, lot, moves, parcel, payment, shipment

LATER = NOW + timedelta(hours=1)


def draft(**changes: Any) -> OrderDraft:
    """A draft of one plain order of 1,760 yen, by a stage that may lead to split and ask a gateway for two things."""
    made = OrderDraft(facts(**changes))
    made.enter("authorize", ("split",), ("payment.refund", "payment.void"), ("deposit.received",))
    return made


def nothing(known: Facts) -> Decision:
    """The decision of a stage that had nothing to say."""
    return Decision(known)


def test_what_nobody_changed_is_no_difference() -> None:
    """Reading changes nothing."""
    one = draft(shipments=(shipment(),), parcels=(parcel(),), lots=(lot(),), used_points=(UsedPoints(2, 5, None),))
    read = (one.state, one.condition, one.holds, one.money, one.due, one.gone, one.effects, one.waiting)
    pieces = (one.shipped, one.cancelled, [s.left for s in one.shipments], list(one.parcels), list(one.lots))
    assert read
    assert pieces
    assert one.decision() == nothing(one.facts)


def test_several_changes_of_the_payment_add_up() -> None:
    """What was captured stays captured when something is given back in the same decision."""
    one = draft()
    one.move_payment(PaymentState.CAPTURED, "a", captured=5)
    one.move_payment(None, "b", refunded=1)
    assert (one.money.state, one.money.captured, one.money.refunded) == ("captured", 5, 1)
    decision = one.decision()
    assert decision.payment == PaymentChange(PaymentState.CAPTURED, captured=5, refunded=1)
    assert moves(decision) == ["payment: pending -> captured"]


def test_a_payment_that_moves_twice_is_where_it_moved_last() -> None:
    one = draft()
    one.move_payment(PaymentState.AUTHORIZED, "a", authorized=7, reference="auth_1", expires_at=LATER)
    one.move_payment(PaymentState.CAPTURED, "b", captured=7, reference=None)
    assert (one.money.authorized, one.money.captured, one.money.reference) == (7, 7, "auth_1")
    decision = one.decision()
    assert moves(decision) == ["payment: pending -> authorized", "payment: authorized -> captured"]
    assert decision.payment is not None
    assert (decision.payment.state, decision.payment.expires_at) == ("captured", LATER)


def test_zero_is_a_number_and_none_is_none() -> None:
    one = draft(payment=payment("captured", 1_760))
    one.move_payment(PaymentState.PENDING, "not collected after all", authorized=0, captured=0, code=None)
    assert (one.money.authorized, one.money.captured, one.money.code) == (0, 0, None)


def test_a_move_to_where_it_stands_is_none() -> None:
    one = draft(shipments=(shipment(),))
    one.move_order(OrderState.ACCEPTED, "again")
    one.settle(Condition.RUNNING, "again")
    one.move_payment(PaymentState.PENDING, "again")
    one.shipment("SH-1").move(ShipmentState.PLANNED, "again")
    assert moves(one.decision()) == []


def test_every_move_starts_where_the_last_one_ended() -> None:
    one = draft(state="released")
    one.move_order(OrderState.SHIPPED, "a")
    one.move_order(OrderState.DELIVERED, "b")
    one.settle(Condition.DONE, "c")
    assert (one.state, one.condition) == ("delivered", "done")
    decision = one.decision()
    assert moves(decision) == [
        "order: released -> shipped",
        "order: shipped -> delivered",
        "condition: running -> done",
    ]
    assert (decision.state, decision.order_state, decision.condition) == ("delivered", "delivered", "done")


def paid(amount: int) -> Hold:
    """Held for another sum than was due."""
    return Hold(HoldReason.DEPOSIT_MISMATCH, amount=amount, facts={"due": 10})


def test_a_hold_stands_once_however_often_it_is_named() -> None:
    one = draft()
    for amount in (5, 5, 6):
        one.hold(paid(amount), "deposit differs")
    assert one.holds == one.decision().holds == [paid(5), paid(6)]
    one.hold(paid(7), "deposit differs", anew=True)
    assert one.holds == [paid(7)]
    assert moves(one.decision()) == ["condition: running -> held"]


def test_a_hold_without_what_its_sentence_says_is_none() -> None:
    with pytest.raises(Undeclared, match="supplier_short does not say its pieces, supplier"):
        draft().hold(Hold(HoldReason.SUPPLIER_SHORT, "SH-1"), "news")


LOOK, QUOTE = Hold(HoldReason.NEEDS_HUMAN, facts={"words": "by the gate"}, id=1), Hold(HoldReason.QUOTE_NEEDED, id=2)
HELD: dict[str, Any] = {"condition": "held", "holds": (LOOK, QUOTE)}


@pytest.mark.parametrize(
    ("answered", "left", "condition"),
    [((), [LOOK, QUOTE], "held"), ((LOOK,), [QUOTE], "held"), ((LOOK, QUOTE), [], "running")],
    ids=["nothing answered", "one stays", "all answered"],
)
def test_an_order_runs_again_once_nothing_holds_it(answered: tuple[Hold], left: list[Hold], condition: str) -> None:
    one = draft(**HELD)
    one.lift(lambda hold: hold in answered, "answered")
    assert (list(one.holds), one.condition) == (left, condition)
    assert one.decision().closed_holds == [ClosedHold(hold.id or 0, "answered") for hold in answered]


def test_a_hold_keeps_its_history() -> None:
    """What is said anew closes what was said before; what was opened and lifted at once has never been."""
    due = Hold(HoldReason.REFUND_DUE, amount=5, id=3)
    one = draft(condition="held", holds=(due,))
    one.hold(Hold(HoldReason.REFUND_DUE, amount=5), "the same again", anew=True)
    assert (one.decision().opened_holds, one.decision().closed_holds) == ([], [])
    one.hold(Hold(HoldReason.REFUND_DUE, amount=4), "a part was given back", anew=True)
    one.hold(paid(5), "deposit differs")
    one.lift(lambda hold: hold == paid(5), "deposit received")
    assert [(opened.hold.amount, opened.cause) for opened in one.decision().opened_holds] == [
        (4, "a part was given back")
    ]
    assert one.decision().closed_holds == [ClosedHold(3, "a part was given back")]


def test_what_held_an_order_before_it_ended_is_over_and_what_is_found_then_is_not() -> None:
    one = draft(**HELD)
    one.hold(Hold(HoldReason.REFUND_DUE, amount=5), "cancelled")
    one.drop_holds("cancelled")
    assert ([hold.reason for hold in one.holds], one.condition) == (["refund_due"], "held")
    assert [closed.id for closed in one.decision().closed_holds] == [1, 2]


def test_a_shipment_answers_for_itself() -> None:
    one = draft(shipments=(shipment(pieces=3, state="instructed"), shipment(2)))
    first = one.shipment("SH-1")
    first.cancel("1", 1)
    first.ship("1", 2)
    assert (first.open("1"), first.cancelled("1"), first.shipped("1"), first.left) == (0, 1, 2, 0)
    assert (first.open("2"), first.cancelled("2"), first.shipped("2")) == (0, 0, 0), "a line that is not in it"
    first.move(ShipmentState.SHIPPED, "all")
    assert (one.shipped, one.cancelled) == ({"1": 2, "2": 0}, {"1": 1, "2": 0})
    decision = one.decision()
    assert decision.shipments == {
        "SH-1": ShipmentChange("SH-1", ShipmentState.SHIPPED, shipped={"1": 2}, cancelled={"1": 1})
    }
    assert (decision.line_shipped, decision.line_cancelled) == ({"1": 2}, {"1": 1})


def test_a_line_in_two_shipments_is_counted_over_both() -> None:
    here, there = (shipment(n, lines={"1": LineFacts(2, 0, 1)}) for n in (1, 2))
    one = draft(shipments=(here, there))
    one.shipment("SH-2").cancel("1", 1)
    decision = one.decision()
    assert (decision.line_cancelled, decision.line_shipped) == ({"1": 1}, {})


def test_a_cancelled_shipment_has_nothing_left_to_ship() -> None:
    one = draft(shipments=(shipment(pieces=2),))
    mine = one.shipment("SH-1")
    mine.cancel_rest()
    mine.move(ShipmentState.CANCELLED, "ended")
    assert (mine.is_live, mine.left, mine.open("1"), mine.cancelled("1")) == (False, 0, 0, 2)


@pytest.mark.parametrize(
    ("state", "untold", "unanswered", "before_shipped"),
    [
        ("planned", True, True, True),
        ("backordered", True, True, True),
        ("instructed", False, True, True),
        ("acknowledged", False, False, True),
        ("shipped", False, False, False),
        ("refused", False, False, False),
        ("cancelled", False, False, False),
    ],
)
def test_how_far_a_shipment_is(state: str, untold: bool, unanswered: bool, before_shipped: bool) -> None:
    mine = draft(shipments=(shipment(state=state),)).shipment("SH-1")
    assert (mine.is_untold, mine.is_unanswered, mine.is_before_shipped) == (untold, unanswered, before_shipped)


def test_a_new_date_is_the_difference_even_if_it_is_none() -> None:
    """A supplier that names no date promises nothing any more."""
    one = draft(shipments=(shipment(state="instructed"),))
    one.shipment("SH-1").plan_anew(NOW, None, None, [{"rule": "supplier_delay", "says": "."}])
    change = one.decision().shipments["SH-1"]
    assert (change.plan_as_of, change.dispatch_on, change.state) == (NOW, None, None)


def test_a_shipment_just_planned_stands_with_the_others() -> None:
    one = draft()
    new = NewShipment("SH-9", "warehouse", ShipmentState.PLANNED, False, (("1", 2),), date(2026, 11, 24), NOW, None, ())
    one.plan(new, "split")
    assert (one.shipment("SH-9").open("1"), one.shipment("SH-9").dispatch_on) == (2, date(2026, 11, 24))
    decision = one.decision()
    assert (decision.new_shipments, decision.shipments) == ([new], {})
    assert moves(decision) == ["shipment: None -> planned"]


def test_the_lines_of_an_order_that_ends_are_all_cancelled() -> None:
    """Whether it was split or not."""
    for shipments in ((), (shipment(), shipment(2, "instructed"))):
        one = draft(order=an_order("salon", a_line("1", quantity=2), a_line("2")), shipments=shipments)
        one.move_order(OrderState.CANCELLED, "ended")
        for mine in one.shipments:
            mine.cancel_rest()
        assert one.decision().line_cancelled == {"1": 2, "2": 1}


def test_pieces_that_left_after_the_cancel_are_in_the_shipment_alone() -> None:
    one = draft(state="cancelled", shipments=(shipment(state="instructed"),))
    one.shipment("SH-1").ship("1", 1)
    decision = one.decision()
    assert (decision.shipments["SH-1"].shipped, decision.line_shipped) == ({"1": 1}, {})


def test_a_parcel_is_the_difference_only_if_it_is_new_or_another() -> None:
    old = parcel()
    one = draft(parcels=(old,))
    one.keep_parcel(parcel())
    assert one.decision().parcels == {}
    new = parcel("SH-2", "444413758714")
    one.keep_parcel(new)
    assert one.parcels_of("SH-2") == [new]
    assert one.decision().parcels == {("SH-2", "444413758714"): new}


def test_a_lot_stays_where_it_is_until_its_last_point_has_gone() -> None:
    """PTS-14."""
    one = draft(lots=(lot(amount=100),))
    for points, state, left in ((60, "pending", 40), (100, "void", 0)):
        one.claw_back(Clawback(f"key:{points}", 1, points))
        (mine,) = one.lots
        assert (mine.state, mine.remaining, mine.gone) == (state, left, 100 - left)
    assert not one.has_pending_points
    assert [back.amount for back in one.decision().clawbacks] == [60, 100]


def test_points_that_count_are_waited_for_no_longer() -> None:
    """PTS-05; where the lot moves is the ledger's to say."""
    one = draft(lots=(lot(),))
    one.activate(Activation("key", 1, NOW))
    (mine,) = one.lots
    assert (mine.state, mine.expires_at, one.has_pending_points) == ("valid", NOW, False)
    assert moves(one.decision()) == []


def test_points_granted_just_now_are_waited_for() -> None:
    one = draft()
    assert not one.has_pending_points
    one.grant(NewLot("order:7:earn", "purchase", 5, LotState.PENDING))
    assert one.has_pending_points
    assert [new.amount for new in one.decision().new_lots] == [5]


def test_used_points_that_came_back_are_used_no_longer() -> None:
    """PTS-12: to their own lot, or granted anew instead of one that expired."""
    one = draft(used_points=(UsedPoints(2, 50, None), UsedPoints(3, 20, NOW)))
    one.give_back(GiveBack("key", 2, 30))
    one.give_back(GiveBack("key", 3, 20, NOW))
    assert list(one.used_points) == [UsedPoints(2, 20, None)]
    assert [back.lot for back in one.decision().lot_moves] == [2, 3]


def test_changes_of_lines_lessen_what_is_due_and_are_numbered() -> None:
    order = an_order("salon", a_line(quantity=3))
    one = draft(order=order)
    due = one.due
    for number, kind in enumerate((SHORT, RETURN), start=1):
        change = adjust(one.facts.breakdown, one.adjustments, kind, [("1", 1)])
        one.adjust(f"client:1:{number}", "", change)
        due -= change.money
        assert (one.due, one.gone["1"]) == (due, number)
    assert one.came_back("1") == 1, "what was taken out before it left did not come back"
    assert [new.sequence for new in one.decision().adjustments] == [1, 2]


def test_what_was_asked_for_is_under_way() -> None:
    known = {"key": effect("payment.refund", "key", "done", amount=5)}
    one = draft(effects=known)
    wanted = EffectIntent("payment.refund", "another", wakes="authorize", payload={"amount": 3})
    for _ in range(2):
        one.ask(wanted)
    one.ask(EffectIntent("payment.refund", "key"))
    assert {key: asked.state for key, asked in one.effects.items()} == {"key": "done", "another": "pending"}
    assert [asked.key for asked in one.decision().effects] == ["another", "key"]


def test_an_event_is_answered_once() -> None:
    one = draft(events=(event("deposit.received", 1), event("deposit.received", 2)))
    one.refused(one.waiting[0], "no")
    assert [waiting.id for waiting in one.waiting] == [2]
    one.applied(one.waiting[0])
    assert (one.waiting, one.decision().events) == ([], [(1, "refused", "no"), (2, "applied", None)])


def test_a_stage_waits_for_a_named_fact_until_a_moment() -> None:
    one = draft()
    one.next("split", NOW)
    one.again(LATER)
    one.await_for("customer.money", "customer", LATER, "cancel")
    due = [(work.stage, work.due_at, work.what, work.from_, work.then) for work in one.decision().work]
    assert due == [
        ("split", NOW, None, None, None),
        ("authorize", LATER, None, None, None),
        ("authorize", LATER, "customer.money", "customer", "cancel"),
    ]


@pytest.mark.parametrize("name", ["reward", "authorize", "", "splt"])
def test_a_stage_leads_only_where_it_says_it_does(name: str) -> None:
    """Itself it wakes by ``again``."""
    with pytest.raises(Undeclared, match=f"authorize does not lead to {name}"):
        draft().next(name, NOW)


def test_a_stage_asks_only_for_kinds_that_it_declares() -> None:
    with pytest.raises(Undeclared, match=r"authorize does not ask for supplier\.instruct"):
        draft().ask(EffectIntent("supplier.instruct", "key"))


def test_an_effect_wakes_only_a_stage_that_is_led_to() -> None:
    with pytest.raises(Undeclared, match="authorize does not lead to settle"):
        draft().ask(EffectIntent("payment.void", "key", wakes="settle"))


GROUPS = [
    ("payment", Need.PAYMENT, lambda one: one.money),
    ("shipments", Need.SHIPMENTS, lambda one: one.shipments),
    ("parcels", Need.PARCELS, lambda one: one.parcels),
    ("lots", Need.LOTS, lambda one: one.lots),
    ("used_points", Need.LOTS, lambda one: one.used_points),
    ("balance", Need.LOTS, lambda one: one.facts.balance),
    ("events", Need.EVENTS, lambda one: one.waiting),
    ("effects", Need.EFFECTS, lambda one: one.effects),
    ("supplier_urls", Need.SUPPLIERS, lambda one: one.facts.supplier_urls),
    ("supplier_mails", Need.SUPPLIERS, lambda one: one.facts.supplier_mails),
    ("marks", Need.MARKS, lambda one: one.facts.marks),
    ("adjustments", Need.ADJUSTMENTS, lambda one: one.due),
    ("promotions", Need.RANKS, lambda one: one.facts.promotions),
    ("coupons", Need.COUPONS, lambda one: one.facts.coupons),
    ("known", Need.REPRICING, lambda one: one.facts.known),
    ("taken_numbers", Need.NUMBERS, lambda one: one.facts.taken_numbers),
    ("purse", Need.PURSE, lambda one: one.facts.purse),
    ("mails", Need.MAILS, lambda one: one.facts.mails),
    ("load", Need.LOAD, lambda one: one.facts.load),
    ("returns", Need.RETURNS, lambda one: one.returns),
    ("cancel", Need.CANCEL, lambda one: one.facts.cancel),
    ("released_at", Need.RELEASES, lambda one: one.facts.released_at),
    ("visits", Need.VISITS, lambda one: one.facts.visits),
    ("followers", Need.RETURNS, lambda one: one.facts.followers),
]


@pytest.mark.parametrize(("name", "need", "read"), GROUPS, ids=[name for name, _, _ in GROUPS])
def test_what_was_not_asked_for_is_not_there_to_be_read(name: str, need: Need, read: Any) -> None:
    """An empty list would look like an order without shipments."""
    read(OrderDraft(but(facts(), needs=need)))
    with pytest.raises(Undeclared, match=f"{name} was read, but {need} was not asked for"):
        read(OrderDraft(but(facts(), needs=~need)))


def test_every_need_brings_something() -> None:
    assert {need for _, need, _ in GROUPS} == set(Need)


def test_an_order_without_a_payment_is_no_order() -> None:
    known = but(facts(), needs=Need.PAYMENT)
    del known.payment
    with pytest.raises(LookupError, match="order 7 has no payment"):
        OrderDraft(known).money  # noqa: B018


def test_a_decision_is_made_of_the_facts_alone() -> None:
    """A stage may decide twice on the same facts; it says the same and changes none of them."""

    def twice(one: OrderDraft, *_: Any) -> None:
        one.shipment("SH-1").ship("1", 1)
        one.keep_parcel(parcel())
        one.hold(Hold(HoldReason.REQUEST_NOT_MET), "test")
        one.move_payment(PaymentState.CAPTURED, "test", captured=1)

    known = facts(shipments=(shipment(),))
    before = (known.payment, list(known.shipments), list(known.parcels), known.holds)
    stage = Stage("toy", twice, ~Need.NOTHING)
    first, second = (stage.decision(known, None, NOW) for _ in range(2))  # type: ignore[arg-type]
    assert first == second
    assert (known.payment, known.shipments, known.parcels, known.holds) == before
