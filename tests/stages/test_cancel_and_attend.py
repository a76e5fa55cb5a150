"""Cancel and attend: a customer or an operator spoke."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from models.states import HoldReason
from pipelines.changes.points import return_points
from pipelines.engine.facts import UsedPoints
from pipelines.rules.holds import Hold
from pipelines.rules.lots import Clawback, GiveBack
from pipelines.rules.money.adjustments import goodwill
from pipelines.stages import accept, attend, cancel, split
from tests.rules.build import a_line, an_order, at, shop_with
from tests.stages.build import (
    NOW,
    decide,
    effect,
    effects,
    endings,
    event,
    facts,
    goes_to,
    lot,
    mails,
    moves,
    payment,
    reasons,
    shipment,
)


def asked(shop: str = "salon", method: str = "card", *, operator: bool = False, **changes: Any) -> Any:
    """An order somebody wants to cancel."""
    return facts(
        an_order(shop, method=method),
        events=(event("order.cancel", operator=operator),),
        **{"state": "authorized", **changes},
    )


@pytest.mark.parametrize(
    ("rule", "known"),
    [
        ("CAN-01", asked("clinic")),
        ("CAN-03", asked("reuse")),
        ("CAN-03", asked("reuse", "bank_transfer", payment=payment("captured", 1_100))),
        ("CAN-06", asked(shipments=(shipment(state="instructed"),))),
        ("CAN-06", asked(state="released", shipments=(shipment(),))),
        ("CAN-02", asked(state="delivered")),
    ],
    ids=["clinic never", "reuse by enquiry", "reuse after the money", "supplier told", "released", "delivered"],
)
def test_a_cancel_that_comes_too_late_is_refused_by_its_rule(rule: str, known: Any) -> None:
    decision = decide(cancel.STAGE, known)
    assert (decision.moves, endings(decision)) == ([], {1: "refused"})
    assert str(decision.events[0][2]).startswith(f"{rule}: ")


@pytest.mark.parametrize(
    ("rule", "known"),
    [
        ("CAN-06", asked()),
        ("CAN-03", asked("reuse", "bank_transfer", state="awaiting_payment")),
        ("CAN-01", asked("clinic", operator=True)),
        ("CAN-03", asked("reuse", operator=True)),
    ],
    ids=["before the release", "before the deposit", "operator, clinic", "operator, reuse"],
)
def test_a_cancel_in_time_ends_the_order(rule: str, known: Any) -> None:
    decision = decide(cancel.STAGE, known)
    assert (decision.state, decision.condition, mails(decision)) == ("cancelled", "done", ["order_cancelled"]), rule
    assert endings(decision) == {1: "applied"}


def test_a_cancelled_one_of_a_kind_item_can_be_sold_again() -> None:
    """INT-10."""
    known = facts(
        an_order(
            "reuse", a_line("1", 90_000, sku="BAG", availability="unique"), a_line("2", 500), method="bank_transfer"
        ),
        events=(event("order.cancel"),),
        state="awaiting_payment",
    )
    assert decide(cancel.STAGE, known).frees_items == ["BAG"]


@pytest.mark.parametrize(
    ("operator", "fault", "reason", "marks"),
    [
        (False, None, "customer_request", ["customer_cancels"]),
        (False, "customer", "customer_request", ["customer_cancels"]),
        (True, "customer", "customer_request", ["customer_cancels"]),
        (True, "shop", "shop_decision", []),
        (True, None, "shop_decision", []),
    ],
)
def test_whose_wish_a_cancel_was(operator: bool, fault: str | None, reason: str, marks: list[str]) -> None:
    """INT-15, CAN-03: by enquiry the customer wishes it and an operator does it; the mail says so, and it is counted."""
    known = facts(
        an_order("reuse", method="bank_transfer"),
        events=(event("order.cancel", operator=operator, fault=fault),),
        state="awaiting_payment",
        customer_id="R-1",
    )
    decision = decide(cancel.STAGE, known)
    assert [(mail.template, mail.context["reason"]) for mail in decision.mails] == [("order_cancelled", reason)]
    assert [kind for kind, _ in decision.marks] == marks


@pytest.mark.parametrize(("fault", "reason"), [(None, "blocked_customer"), ("customer", "customer_request")])
def test_a_blocked_customers_cancel_has_its_own_reason(fault: str | None, reason: str) -> None:
    """CAN-05, INT-14."""
    known = facts(
        an_order("salon"),
        events=(event("order.cancel", operator=True, fault=fault),),
        holds=(Hold(HoldReason.BLOCKED_CUSTOMER),),
        condition="held",
        state="awaiting_payment",
    )
    (mail,) = decide(cancel.STAGE, known).mails
    assert mail.context["reason"] == reason


def test_a_customer_cannot_say_that_the_shop_decided_it() -> None:
    """INT-15: else a storefront would keep its customers from being counted."""
    assert endings(decide(cancel.STAGE, with_word(asked(), fault="shop"))) == {1: "refused"}


def with_word(known: Any, **body: Any) -> Any:
    known.events[0].body.update(body)
    return known


@pytest.mark.parametrize("state", ["partly_shipped", "shipped", "delivered"])
def test_an_operator_is_bound_by_what_has_left(state: str) -> None:
    assert endings(decide(cancel.STAGE, asked(operator=True, state=state))) == {1: "refused"}


def test_a_cancel_gives_back_everything() -> None:
    """CAN-04, PTS-12, PTS-14."""
    known = asked(
        payment=payment("authorized", 1_760),
        shipments=(shipment(), shipment(2, "backordered")),
        lots=(lot(),),
        used_points=(UsedPoints(2, 50, None), UsedPoints(3, 20, NOW + timedelta(days=1))),
    )
    decision = decide(cancel.STAGE, known)
    assert effects(decision) == [("payment.void", "salon/N-1:void")]
    assert moves(decision) == [
        "order: authorized -> cancelled",
        "shipment: planned -> cancelled",
        "shipment: backordered -> cancelled",
        "condition: running -> done",
    ]
    assert decision.clawbacks == [Clawback("order:7:cancel:1", 1, 100)]
    assert decision.lot_moves == [GiveBack("order:7:return", 2, 50), GiveBack("order:7:return", 3, 20)]
    assert decision.shipments["SH-1"].cancelled == {"1": 1}
    assert decision.line_cancelled == {"1": 1}


def test_a_kind_shop_grants_anew_what_expired_meanwhile() -> None:
    """PTS-12: the ledger knows what has expired by then."""
    shop = shop_with("salon", **{"[points]": '[points]\nreturn_expired = "regrant"\nregrant_days = 30'})
    (asked_back,) = decide(cancel.STAGE, asked(used_points=(UsedPoints(2, 50, NOW),)), shop=shop).lot_moves
    assert asked_back == GiveBack("order:7:return", 2, 50, at("2026-12-21 00:00:00"))


@pytest.mark.parametrize(
    ("money", "wanted", "hold"),
    [
        (payment("captured", 500), [("payment.refund", "salon/N-1:refund:1")], []),
        (payment("captured", 500, gateway=None, reference=None), [], ["refund_due"]),
        (payment("pending", 500, authorized=200, captured=200, gateway=None), [], ["refund_due"]),
        (payment("pending", 500), [], []),
    ],
    ids=["by the gateway", "a transfer, by hand", "a part of a transfer, by hand", "nothing was paid"],
)
def test_money_that_came_in_goes_back(money: Any, wanted: list[tuple[str, str]], hold: list[str]) -> None:
    """CAN-03, CAN-04."""
    decision = decide(cancel.STAGE, asked(operator=True, payment=money))
    assert (effects(decision), reasons(decision)) == (wanted, hold)
    assert decision.condition == ("held" if hold else "done")


def test_an_authorization_under_way_is_left_to_its_outcome() -> None:
    """CAN-04: authorize voids it when it comes."""
    under_way = {"salon/N-1:authorize": effect("payment.authorize", "salon/N-1:authorize", "pending")}
    decision = decide(cancel.STAGE, asked(state="accepted", effects=under_way))
    assert (decision.state, decision.payment, decision.effects) == ("cancelled", None, [])


def test_the_second_request_finds_the_order_cancelled() -> None:
    known = asked()
    known.events.append(event("order.cancel", 2))
    assert endings(decide(cancel.STAGE, known)) == {1: "applied", 2: "ignored"}


HELD: dict[str, Any] = {
    "condition": "held",
    "holds": (Hold(HoldReason.NEEDS_HUMAN, facts={"words": "by the gate"}, id=1),),
}


@pytest.mark.parametrize(
    ("state", "stage"),
    [
        ("accepted", "authorize"),
        ("awaiting_payment", "authorize"),
        ("authorized", "split"),
        ("released", "dispatch"),
        ("partly_shipped", "dispatch"),
        ("shipped", "reward"),
        ("delivered", "reward"),
    ],
)
def test_a_released_order_goes_on_where_it_stands(state: str, stage: str) -> None:
    """INT-16."""
    decision = decide(attend.STAGE, facts(state=state, events=(event("order.release"),), **HELD))
    assert (goes_to(decision), decision.holds, decision.condition) == ([stage], [], "running")
    assert endings(decision) == {1: "applied"}


@pytest.mark.parametrize("lost", ["voided", "expired", "failed"])
def test_goods_whose_money_was_lost_go_on_once_it_came_in_another_way(lost: str) -> None:
    """SPL-04: whatever the gateway, or the lender, made of it; else goods go out for money that nobody has."""
    held = {"condition": "held", "holds": (Hold(HoldReason.AUTHORIZATION_LOST, amount=13_970, id=1),)}
    decision = decide(
        attend.STAGE,
        facts(state="authorized", payment=payment(lost, 13_970), events=(event("order.release"),), **held),
    )
    assert moves(decision)[0] == f"payment: {lost} -> captured"
    assert (goes_to(decision), decision.holds) == (["split"], [])


@pytest.mark.parametrize("amount", [44, 13_970])
@pytest.mark.parametrize("other", [HoldReason.AUTHORIZATION_LOST, HoldReason.CAPTURE_FAILED])
@pytest.mark.parametrize("state", ["authorized", "voided"])
def test_what_came_in_another_way_is_not_taken_at_the_gateway_too(amount: int, other: HoldReason, state: str) -> None:
    """SPL-04, PAY-13: the hold was about to end as well, and a release of that alone captures, or lets go what is too little."""
    holds = (Hold(HoldReason.AUTHORIZATION_ENDS, amount=amount, id=1), Hold(other, amount=amount, id=2))
    known = facts(
        state="authorized",
        condition="held",
        holds=holds,
        grand_total=amount,
        payment=payment(state, amount),
        events=(event("order.release"),),
    )
    decision = decide(attend.STAGE, known)
    assert decision.payment is not None
    assert decision.payment.captured == amount
    assert (effects(decision), decision.adjustments) == ([], [])


REFUNDED_BEFORE = effect("payment.refund", "N-1:refund:1", "done", amount=400)
UNHEARD = effect("payment.refund", "N-1:refund:2", "needs_review", amount=600)


@pytest.mark.parametrize(
    ("state", "refunds", "refunded", "becomes", "told"),
    [
        ("undelivered", [UNHEARD._replace(payload={"amount": 1_000})], 0, "captured -> refunded", [1_000]),
        ("cancelled", [UNHEARD._replace(payload={"amount": 1_000})], 0, "captured -> refunded", [1_000]),
        ("shipped", [UNHEARD], 0, "captured -> partly_refunded", [600]),
        ("shipped", [REFUNDED_BEFORE, UNHEARD], 400, "partly_refunded -> refunded", [600]),
        ("cancelled", [REFUNDED_BEFORE, UNHEARD], 400, "partly_refunded -> refunded", [600]),
        ("cancelled", [REFUNDED_BEFORE, UNHEARD], 1_000, None, []),  # the gateway has said so otherwise
    ],
)
def test_what_no_gateway_said_it_gave_back_is_in_the_books_once_it_was_seen_there(
    state: str, refunds: list[Any], refunded: int, becomes: str | None, told: list[int]
) -> None:
    """CAN-04: a release of `refund_failed` says so, and the customer hears of it; else the books keep money that is nobody's."""
    money = payment("partly_refunded" if refunded else "captured", 1_000)
    known = facts(
        state=state,
        condition="held",
        holds=(Hold(HoldReason.REFUND_FAILED, facts={"outcome": "needs_review", "code": "timeout"}, id=1),),
        payment=money._replace(refunded=refunded),
        grand_total=1_000,
        effects={one.key: one for one in refunds},
        adjustments=[goodwill(1_000 if becomes is None or "-> refunded" in becomes else 600)],
        events=(event("order.release"),),
    )
    decision = decide(attend.STAGE, known)
    assert [one for one in moves(decision) if one.startswith("payment")] == ([f"payment: {becomes}"] if becomes else [])
    assert [one.context["refund"]["amount"] for one in decision.mails] == told
    if becomes:
        assert decision.payment is not None
        assert decision.payment.refunded == sum(told) + refunded
    assert decision.holds == []


def test_an_order_with_shipments_is_not_split_again() -> None:
    known = facts(state="authorized", shipments=(shipment(),), events=(event("order.release"),), **HELD)
    assert goes_to(decide(attend.STAGE, known)) == ["split"]
    decision = decide(split.STAGE, facts(state="authorized", shipments=(shipment(),)))
    assert (goes_to(decision), decision.new_shipments) == (["dispatch"], [])


@pytest.mark.parametrize(
    ("hold", "told"),
    [
        (
            Hold(HoldReason.COUPONS_IN_REMARKS, facts={"words": "AUTUMN"}, id=1),
            [("coupons:none", "no_coupons")],
        ),  # CPN-03
        (Hold(HoldReason.QUOTE_NEEDED, id=1), [("fee:none", "no_fee")]),  # INT-04
        (Hold(HoldReason.INDIVIDUAL_NOT_DELIVERABLE, lines={"1": 1}, id=1), []),
    ],
    ids=lambda one: getattr(one, "reason", None),
)
def test_who_was_promised_a_new_sum_hears_that_it_stays(hold: Hold, told: list[tuple[str, str]]) -> None:
    """An operator says "these codes do not apply" by a release: the mail that told of the hold promised a word of it."""
    decision = decide(attend.STAGE, facts(events=(event("order.release"),), condition="held", holds=(hold,)))
    assert [(mail.subject_key, mail.context["repriced"]) for mail in decision.mails] == told
    assert all(mail.context["totals"]["grand_total"] == 1_760 for mail in decision.mails)
    assert goes_to(decision) == ["authorize"]
    assert decision.payment is not None
    assert decision.payment.terms_from == NOW, "and can pay from now on (PAY-07)"


def test_a_cancelled_order_comes_to_rest() -> None:
    decision = decide(attend.STAGE, facts(state="cancelled", events=(event("order.release"),), **HELD))
    assert (decision.condition, decision.work) == ("done", [])


@pytest.mark.parametrize("condition", ["running", "done"])
def test_what_nobody_holds_is_left_alone(condition: str) -> None:
    decision = decide(attend.STAGE, facts(condition=condition, events=(event("order.release"),)))
    assert (decision.moves, decision.work, endings(decision)) == ([], [], {1: "refused"})


def test_a_release_is_no_answer_to_cash_that_nothing_brings_in() -> None:  # PAY-09
    """It would leave an order that nothing ever moves: the cash is recorded, or its goods are taken back."""
    uncollected = Hold(HoldReason.COD_UNCOLLECTED, "SH-1", amount=1_100, id=1)
    looked_at = Hold(HoldReason.TRANSIT_ACCIDENT, "SH-1", id=2)
    known = {
        "state": "undelivered",
        "condition": "held",
        "shipments": (shipment(state="shipped"),),
        "payment": payment(method="cod", amount=1_100),
        "events": (event("order.release"),),
    }
    both = decide(attend.STAGE, facts(an_order("salon", method="cod"), **known, holds=(uncollected, looked_at)))
    assert [closed.id for closed in both.closed_holds] == [2]
    alone = decide(attend.STAGE, facts(an_order("salon", method="cod"), **known, holds=(uncollected,)))
    assert (endings(alone), alone.closed_holds) == ({1: "refused"}, [])


def test_an_order_that_ends_in_the_decision_that_confirms_it_earns_nothing() -> None:
    """A cancel takes back lots that are written; what was to be written beside it is not."""
    draft = accept.STAGE.draft(facts(an_order("salon"), marks=()))
    accept.decide(draft, shop_with("salon"), NOW)
    assert draft.decision().new_lots
    return_points(draft, shop_with("salon"), NOW)
    assert draft.decision().new_lots == []
