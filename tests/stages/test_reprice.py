"""Reprice: an operator applies the coupons of the remarks before the amount is fixed (CPN-03)."""

from __future__ import annotations

from typing import Any

import pytest

from models.states import HoldReason
from pipelines.engine.decision import Decision
from pipelines.engine.facts import Facts, PaymentFacts
from pipelines.orders.actions.coupons import ACTION
from pipelines.rules.holds import Hold
from pipelines.rules.money.repricing import Known
from pipelines.rules.order import Coupon, Customer
from pipelines.stages.reprice import STAGE
from tests.rules.build import SHOPS, a_line, an_order, shop_with
from tests.stages.build import (
    NOW,
    but,
    decide,
    effect,
    endings,
    event,
    facts,
    goes_to,
    lot,
    mails,
    moves,
    payment,
    reasons,
)

AUTUMN = {"code": "AUTUMN", "kind": "amount", "value": 500}
WINTER = {"code": "WINTER", "kind": "percent", "value": 10}
HELD = Hold(HoldReason.COUPONS_IN_REMARKS, facts={"words": "AUTUMN, WINTER"}, id=1)
SEEN = Hold(HoldReason.NEEDS_HUMAN, facts={"words": "by the gate"}, id=2)
BLOCKED = Hold(HoldReason.BLOCKED_CUSTOMER, id=3)


def asked(*coupons: dict[str, Any], **changes: Any) -> Facts:
    """An order of 20,000 yen that is held for its coupons and has earned 200 points; an operator applies ``coupons``."""
    order = an_order("salon", a_line(price=20_000), coupons=changes.pop("field", ()))
    given = {
        "condition": "held",
        "holds": (HELD,),
        "lots": (lot(amount=200),),
        "events": (event(ACTION.wakes, coupons=list(coupons), by="operations"),),
    }
    return facts(order, **{**given, **changes})


def test_the_order_is_priced_again_and_goes_on() -> None:
    decision = decide(STAGE, asked(AUTUMN, WINTER))
    assert decision.repricing is not None
    assert decision.repricing.after.grand_total == 19_305
    assert [use.key for use in decision.repricing.uses] == ["autumn", "winter"]
    assert (goes_to(decision), moves(decision)) == (["authorize"], ["condition: held -> running"])
    assert endings(decision) == {1: "applied"}


def test_the_customer_reads_the_new_sums() -> None:
    """CON-01: the order is confirmed again, in a mail of its own."""
    (mail,) = decide(STAGE, asked(AUTUMN, WINTER)).mails
    shown = mail.context
    assert (mail.template, mail.subject_key) == ("order_accepted", "repriced:1")
    assert (shown["totals"]["grand_total"], shown["totals"]["coupon_discount"]) == (19_305, 2_450)
    assert (shown["payment"]["amount"], shown["points"]["earned"]) == (19_305, 175)


@pytest.mark.parametrize(
    ("holds", "counts"),
    [((HELD,), True), ((HELD, SEEN), True), ((HELD, BLOCKED), False)],
    ids=["alone", "seen", "blocked"],
)
def test_the_customers_time_to_pay_begins_once_nothing_keeps_the_amount_open(
    holds: tuple[Hold, ...], counts: bool
) -> None:
    """PAY-07: what still keeps the order from being paid for keeps his days from going by."""
    decision = decide(STAGE, asked(AUTUMN, holds=holds))
    assert (decision.payment.terms_from if decision.payment else None) == (NOW if counts else None)


def test_a_payment_that_is_under_way_has_its_time_already() -> None:
    """CPN-03: a card that was authorized before anybody saw the coupons."""
    decision = decide(STAGE, asked(AUTUMN, state="authorized", payment=payment("authorized", 22_000)))
    assert moves(decision) == ["condition: held -> running"]
    assert decision.payment is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"condition": "running", "holds": ()}, "the order is accepted and running"),
        ({"state": "awaiting_payment"}, "the order is awaiting_payment and held"),
        ({"state": "authorized", "payment": payment("captured", 22_000)}, "the order is authorized and held"),
        ({"state": "released", "payment": payment("authorized", 22_000)}, "the order is released and held"),
        ({"state": "cancelled"}, "the order is cancelled and held"),
        (
            {"effects": {"salon/N-1:authorize": effect("payment.authorize", "salon/N-1:authorize", "needs_review")}},
            "nothing was asked of a gateway",
        ),
    ],
    ids=[
        "not held",
        "customer was told to pay",
        "paid",
        "goods are on their way",
        "cancelled",
        "the gateway was asked",
    ],
)
def test_once_the_amount_is_fixed_it_stays(changes: dict[str, Any], says: str) -> None:
    decision = decide(STAGE, asked(AUTUMN, **changes))
    assert (decision.repricing, decision.mails, goes_to(decision)) == (None, [], [])
    ((_, state, why),) = decision.events
    assert (state, says in str(why)) == ("refused", True)


@pytest.mark.parametrize(
    "money", [payment("authorized", 22_000), payment(amount=22_000, method="cod")], ids=["card", "cod"]
)
def test_what_was_authorized_higher_is_captured_less(money: PaymentFacts) -> None:
    """CPN-03: codes that nobody saw before the authorization lessen what is taken with the goods."""
    decision = decide(STAGE, asked(AUTUMN, WINTER, state="authorized", holds=(SEEN,), payment=money))
    assert decision.repricing is not None
    assert (decision.repricing.after.grand_total, endings(decision), goes_to(decision)) == (19_305, {1: "applied"}, [])


def test_more_than_was_authorized_cannot_be_taken() -> None:
    """A coupon is taken off an order whose card was authorized with it."""
    field, money = (Coupon("SUMMER", "amount", 5_000),), payment("authorized", 16_500)
    decision = decide(STAGE, asked(field=field, state="authorized", holds=(SEEN,), payment=money))
    ((_, state, why),) = decision.events
    assert (state, decision.repricing, "more than the 16,500 authorized" in str(why)) == ("refused", None, True)


def test_a_coupon_the_shop_refuses_changes_nothing() -> None:
    decision = decide(STAGE, asked(AUTUMN, {"code": "Autumn", "kind": "amount", "value": 5}))
    assert (endings(decision), decision.repricing, decision.holds) == ({1: "refused"}, None, [HELD])


@pytest.mark.parametrize(
    ("other", "goes_on"),
    [(SEEN, ["authorize"]), (BLOCKED, [])],
    ids=["keeps the goods back", "keeps the amount open"],
)
def test_other_holds_stay(other: Hold, goes_on: list[str]) -> None:
    decision = decide(STAGE, asked(AUTUMN, holds=(HELD, other)))
    assert (reasons(decision), decision.condition, goes_to(decision)) == ([other.reason], None, goes_on)


def test_an_order_that_is_held_for_something_else_may_get_coupons_too() -> None:
    decision = decide(STAGE, asked(AUTUMN, holds=(BLOCKED,)))
    assert (mails(decision), goes_to(decision)) == (["order_accepted"], [])


def test_no_coupon_at_all_is_an_answer() -> None:
    """The remarks named one that is not good any more: the order goes on at its price."""
    decision = decide(STAGE, asked())
    assert decision.repricing is not None
    assert decision.repricing.after.grand_total == 22_000
    assert (goes_to(decision), decision.new_lots, decision.clawbacks) == (["authorize"], [], [])


def test_requests_are_taken_one_after_the_other() -> None:
    both = (event(ACTION.wakes, 1, coupons=[AUTUMN]), event(ACTION.wakes, 2, coupons=[WINTER]))
    decision = decide(STAGE, asked(events=both))
    assert (endings(decision), goes_to(decision)) == ({1: "applied"}, ["authorize", "reprice"])


def taken_back(decision: Decision) -> dict[int, int]:
    """Points that are earned no longer, by lot."""
    return {one.lot: one.amount for one in decision.clawbacks}


def test_pending_points_shrink() -> None:
    """CPN-02."""
    assert taken_back(decide(STAGE, asked(AUTUMN, WINTER))) == {1: 25}


def test_points_that_are_valid_already_are_taken_back() -> None:
    """A shop that activates them with the order (PTS-13)."""
    assert taken_back(decide(STAGE, asked(AUTUMN, WINTER, lots=(lot("valid", 200),)))) == {1: 25}


def test_without_its_coupon_the_order_earns_more_in_a_lot_of_its_own() -> None:
    field = (Coupon("SUMMER", "amount", 5_000),)
    decision = decide(STAGE, asked(field=field, lots=(lot(amount=150),), known=Known(times=1)))
    (more,) = decision.new_lots
    assert (more.source, more.kind, more.amount, more.state) == ("order:7:repriced:2:earn", "purchase", 50, "pending")
    assert decision.returned_coupons == [("summer", "repriced")]


def test_what_was_earned_more_goes_first_when_the_order_earns_fewer() -> None:
    """The lots hold 150 and 50, of which 20 were void before; 150 fewer are earned now."""
    more = lot(amount=50, id=2, repriced=1, remaining=30, gone=20)
    known = asked({**AUTUMN, "value": 15_000}, lots=(lot(amount=150), more))
    assert taken_back(decide(STAGE, known)) == {2: 30, 1: 120}


def test_lots_of_lines_follow_their_own_line() -> None:
    """SPL-05: each parcel activates its own."""
    shop = shop_with("salon", **{"[points]": '[points]\nactivate_on = "each_shipment"'})
    order = an_order("salon", a_line("1", price=10_000), a_line("2", price=30_000))
    lots = [lot(amount=n, id=n, line=line) for line, n in (("1", 100), ("2", 300))]
    known = but(asked(), **_order_of(facts(order)), lots=lots, events=[event(ACTION.wakes, coupons=[WINTER])])
    assert taken_back(decide(STAGE, known, shop=shop)) == {100: 10, 300: 30}


def _order_of(known: Facts) -> dict[str, Any]:
    return {"document_text": known.document_text, "priced_text": known.priced_text, "grand_total": known.grand_total}


def test_a_guest_has_coupons_but_no_points() -> None:
    order = an_order("salon", a_line(price=20_000), customer=Customer("", "客", "a@example.jp"))
    known = facts(order, condition="held", holds=(HELD,), events=(event(ACTION.wakes, coupons=[AUTUMN]),))
    decision = decide(STAGE, known)
    assert (decision.clawbacks, decision.new_lots, endings(decision)) == ([], [], {1: "applied"})


def test_points_that_count_with_the_order_are_activated_at_once() -> None:
    shop = shop_with("salon", **{"[points]": '[points]\nactivation_event = "ordered"'})
    known = asked(field=(Coupon("SUMMER", "amount", 5_000),), lots=(lot("valid", 150),))
    assert goes_to(decide(STAGE, known, shop=shop)) == ["reward", "authorize"]


def test_every_packaged_shop_can_be_priced_again() -> None:
    """Shops without discounts refuse the coupon, and take the order as it is."""
    for key in SHOPS:
        known = facts(an_order(key), condition="held", holds=(HELD,), events=(event(ACTION.wakes, coupons=[]),))
        assert endings(decide(STAGE, known)) == {1: "applied"}
