"""Authorize: by gateway, by deposit, at once; and money that comes when nothing is due any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from models.states import HoldReason
from pipelines.engine.facts import Facts
from pipelines.gateway import BuyerMust, BuyerStep
from pipelines.rules.holds import Hold
from pipelines.rules.lots import Clawback
from pipelines.stages.authorize import STAGE
from tests.rules.build import an_order, at, shop_with
from tests.stages.build import (
    NOW,
    but,
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
    stands,
)

KEY = "salon/N-1:authorize"
TOTAL = 1_760  # 1,000 yen of goods and 600 yen of shipping, with tax


def by_card(state: str | None = None, **outcome: Any) -> Facts:
    """A card order whose authorization ended in ``state``."""
    tried = {} if state is None else {KEY: effect("payment.authorize", KEY, state, outcome, amount=TOTAL)}
    return facts(effects=tried)


def by_transfer(state: str = "awaiting_payment", **changes: Any) -> Facts:
    """A bank transfer order placed on 2026-11-20, payable until 11-27."""
    return facts(an_order("salon", method="bank_transfer"), state=state, **changes)


def test_a_card_is_authorized_by_the_gateway_under_one_key() -> None:
    decision = decide(STAGE, by_card())
    assert effects(decision) == [("payment.authorize", KEY)]
    assert decision.effects[0].payload == {"amount": TOTAL}
    assert (moves(decision), decision.work) == ([], [])


@pytest.mark.parametrize("state", ["pending", "done"])
def test_it_is_never_asked_for_twice(state: str) -> None:
    assert effects(decide(STAGE, by_card(state, **stands("authorized", TOTAL)))) == []


def test_an_authorized_card_releases_the_order() -> None:
    decision = decide(STAGE, by_card("done", **stands("authorized", TOTAL, expires_at=at("2027-01-31 00:00:00"))))
    assert moves(decision) == ["payment: pending -> authorized", "order: accepted -> authorized"]
    assert goes_to(decision) == ["split"]
    assert decision.payment is not None
    assert (decision.payment.authorized, decision.payment.reference) == (TOTAL, "auth_1")
    assert decision.payment.expires_at == at("2027-01-31 00:00:00")


VISIT = BuyerMust(BuyerStep.VISIT, url="https://issuer.example/3ds", until=NOW + timedelta(days=30))


def test_a_card_whose_issuer_asks_for_its_holder_waits_an_hour_for_him() -> None:
    """PAY-03, PAY-05: the customer is told where to go and until when, and a page that nobody visits is taken back."""
    told = stands("pending", TOTAL, buyer=VISIT)
    waiting = decide(STAGE, by_card("done", **told))
    assert moves(waiting) == ["order: accepted -> awaiting_payment"]
    assert mails(waiting) == ["payment_instructions"]
    (mail,) = waiting.mails
    assert (mail.context["buyer"]["url"], mail.context["buyer"]["until"]) == (VISIT.url, NOW + timedelta(hours=1))
    assert [(one.what, one.from_, one.due_at, one.then) for one in waiting.work if one.what] == [
        ("customer.money", "customer", NOW + timedelta(hours=1), "cancel")
    ]
    known = but(by_card("done", **told), state="awaiting_payment")
    looks = decide(STAGE, known, now=NOW + timedelta(hours=1))
    assert effects(looks) == [("payment.lookup", "salon/N-1:lookup:unpaid")]
    looked = {**known.effects, "look": effect("payment.lookup", "salon/N-1:lookup:unpaid", "done", told)}
    ended = decide(STAGE, but(known, effects={one.key: one for one in looked.values()}), now=NOW + timedelta(hours=1))
    assert "order: awaiting_payment -> cancelled" in moves(ended)
    assert effects(ended) == [("payment.void", "salon/N-1:void")], "whoever comes later pays for nothing"


def test_a_declined_card_ends_the_order_and_names_no_cause() -> None:
    """PAY-04, CAN-04."""
    known = but(by_card("declined", code="G12", data={}), lots=[lot()])
    decision = decide(STAGE, known)
    assert moves(decision) == [
        "payment: pending -> failed",
        "order: accepted -> cancelled",
        "condition: running -> done",
    ]
    assert decision.clawbacks == [Clawback("order:7:cancel:1", 1, 100)]
    assert mails(decision) == ["payment_failed"]
    assert "G12" not in str(decision.mails[0].context)
    assert effects(decision) == []


@pytest.mark.parametrize("liability", ["shifted", "merchant", None])
def test_who_bears_a_dispute_is_kept(liability: str | None) -> None:
    """PAY-03: 3-D Secure's result, for the day the payment is disputed."""
    known = facts(an_order("salon"))
    outcome = stands("authorized", known.grand_total, liability=liability)
    answer = effect("payment.authorize", "salon/N-1:authorize", "done", outcome)
    decision = decide(STAGE, but(known, effects={answer.key: answer}))
    assert decision.payment is not None
    assert decision.payment.liability == liability


@pytest.mark.parametrize(("shop", "refused"), [("clinic", True), ("apparel", False)])
def test_debit_cards_are_refused_where_the_shop_says_so(shop: str, refused: bool) -> None:
    """PAY-02: what was authorized is given back."""
    key = f"{shop}/N-1:authorize"
    known = facts(an_order(shop))
    outcome = stands("authorized", known.grand_total, funding="debit")
    known = but(known, effects={key: effect("payment.authorize", key, "done", outcome)})
    decision = decide(STAGE, known)
    assert decision.state == ("cancelled" if refused else "authorized")
    assert effects(decision) == ([("payment.void", f"{shop}/N-1:void")] if refused else [])


@pytest.mark.parametrize(("funding", "refused"), [("debit", True), ("credit", False), (None, False)])
def test_a_card_that_passed_3d_secure_is_known_by_the_look_after_it(funding: str | None, refused: bool) -> None:
    """PAY-02: before it was passed the gateway knew no card; a kind that nobody tells is taken."""
    known = facts(an_order("clinic"))
    asked = effect("payment.authorize", "clinic/N-1:authorize", "done", stands("pending", known.grand_total))
    later = stands("authorized", known.grand_total, when=NOW + timedelta(minutes=1), funding=funding)
    looked = effect("payment.lookup", "clinic/N-1:lookup:evt_1", "done", later)
    decision = decide(STAGE, but(known, state="awaiting_payment", effects={one.key: one for one in (asked, looked)}))
    assert decision.state == ("cancelled" if refused else "authorized")
    assert effects(decision) == ([("payment.void", "clinic/N-1:void")] if refused else [])


@pytest.mark.parametrize(("shop", "waits"), [("clinic", True), ("apparel", False)])
def test_where_a_kind_of_card_is_refused_the_answer_is_waited_for_that_a_notice_outran(shop: str, waits: bool) -> None:
    """PAY-02: the notice says that the money is held, and the answer by what."""
    known, key = facts(an_order(shop)), f"{shop}/N-1:authorize"
    held = payment("authorized", known.grand_total)
    pending = but(known, payment=held, effects={key: effect("payment.authorize", key, "pending")})
    assert decide(STAGE, pending).state == ("accepted" if waits else "authorized")
    answered = effect("payment.authorize", key, "done", stands("authorized", known.grand_total, funding="debit"))
    assert decide(STAGE, but(pending, effects={key: answered})).state == ("cancelled" if waits else "authorized")
    unknown = effect("payment.authorize", key, "needs_review", {"code": "timeout", "data": {}})
    assert decide(STAGE, but(pending, effects={key: unknown})).state == "authorized"


@pytest.mark.parametrize(
    ("funding", "refuses", "told"),
    [("prepaid", "accept_prepaid", "prepaid"), ("debit", "accept_debit", "debit"), ("credit", "accept_prepaid", None)],
)
def test_the_mail_names_the_kind_of_card_that_the_shop_refuses(funding: str, refuses: str, told: str | None) -> None:
    """PAY-02, PAY-04: a card that the shop does not take is no matter of its issuer."""
    shop = shop_with("salon", **{"[payment]": f"[payment]\n{refuses} = false"})
    known = facts(an_order("salon"))
    outcome = stands("authorized", known.grand_total, funding=funding)
    known = but(
        known, effects={"salon/N-1:authorize": effect("payment.authorize", "salon/N-1:authorize", "done", outcome)}
    )
    decision = decide(STAGE, known, shop=shop)
    assert [mail.context["refused_card"] for mail in decision.mails if mail.template == "payment_failed"] == (
        [told] if told else []
    )


def test_an_unknown_outcome_goes_before_a_human() -> None:
    decision = decide(STAGE, by_card("needs_review", code="timeout", data={}))
    assert moves(decision) == ["payment: pending -> needs_review", "condition: running -> held"]
    assert reasons(decision) == ["payment_unknown"]
    assert decision.work == []


@pytest.mark.parametrize(
    ("shop", "method"), [("salon", "cod"), ("clinic", "direct_debit"), ("clinic", "claims_offset")]
)
def test_cod_and_monthly_billing_are_released_at_once(shop: str, method: str) -> None:
    """PAY-09, PAY-12."""
    decision = decide(STAGE, facts(an_order(shop, method=method)))
    assert moves(decision) == ["order: accepted -> authorized"]
    assert (goes_to(decision), effects(decision)) == (["split"], [])


@pytest.mark.parametrize("method", ["card", "bank_transfer"])
def test_a_zero_amount_needs_nobody(method: str) -> None:
    """PAY-13."""
    decision = decide(STAGE, facts(an_order("salon", method=method), grand_total=0, payment=payment()))
    assert moves(decision) == ["payment: pending -> captured", "order: accepted -> authorized"]
    assert effects(decision) == []


@pytest.mark.parametrize(
    ("case", "state", "now", "sent", "state_after", "again"),
    [
        ("instructions", "accepted", "2026-11-20 10:00:00", ["payment_instructions"], "awaiting_payment", "11-25 10"),
        ("too early", "awaiting_payment", "2026-11-25 09:59:59", [], "awaiting_payment", "11-25 10"),
        ("reminder", "awaiting_payment", "2026-11-25 10:00:00", ["payment_reminder"], "awaiting_payment", "11-28 00"),
        (
            "last second",
            "awaiting_payment",
            "2026-11-27 23:59:59",
            ["payment_reminder"],
            "awaiting_payment",
            "11-28 00",
        ),
        ("over", "awaiting_payment", "2026-11-28 00:00:00", ["order_cancelled"], "cancelled", None),
    ],
)
def test_the_calendar_of_a_bank_transfer(
    case: str, state: str, now: str, sent: list[str], state_after: str, again: str | None
) -> None:
    """PAY-07: seven days to the end of the last, a reminder two days before."""
    decision = decide(STAGE, by_transfer(state), now=at(now))
    assert (mails(decision), decision.state) == (sent, state_after), case
    assert [f"{due.due_at:%m-%d %H}" for due in decision.work] == ([again] if again else [])


def test_an_unpaid_order_expires_with_everything_it_holds() -> None:
    """PAY-07, CAN-04."""
    decision = decide(STAGE, by_transfer(lots=[lot()]), now=at("2026-11-28 00:00:00"))
    assert moves(decision) == [
        "payment: pending -> expired",
        "order: awaiting_payment -> cancelled",
        "condition: running -> done",
    ]
    assert decision.clawbacks == [Clawback("order:7:cancel:1", 1, 100)]
    assert decision.mails[0].context["reason"] == "unpaid"


@pytest.mark.parametrize("state", ["accepted", "awaiting_payment"])
def test_the_whole_sum_releases_the_order(state: str) -> None:
    decision = decide(STAGE, by_transfer(state, events=(event("deposit.received", amount=TOTAL),)))
    assert moves(decision) == ["payment: pending -> captured", f"order: {state} -> authorized"]
    assert (mails(decision), goes_to(decision), endings(decision)) == (["payment_received"], ["split"], {1: "applied"})


@pytest.mark.parametrize("amount", [TOTAL - 1, TOTAL + 1])
def test_another_sum_is_held(amount: int) -> None:
    """B.6.7: under or over."""
    decision = decide(STAGE, by_transfer(events=(event("deposit.received", amount=amount),)))
    assert (reasons(decision), decision.state) == (["deposit_mismatch"], "awaiting_payment")
    assert decision.payment is not None
    assert decision.payment.captured == amount
    assert endings(decision) == {1: "applied"}


def test_a_tolerated_difference_releases() -> None:
    """B.6.7: the shop's tolerance."""
    shop = shop_with("salon", **{"[payment]": "[payment]\ntransfer_tolerance = 5"})
    known = by_transfer(events=(event("deposit.received", amount=TOTAL - 5),))
    assert decide(STAGE, known, shop=shop).state == "authorized"


def test_two_deposits_add_up() -> None:
    parts = (event("deposit.received", 1, amount=760), event("deposit.received", 2, amount=1_000))
    decision = decide(STAGE, by_transfer(events=parts))
    assert (decision.state, endings(decision)) == ("authorized", {1: "applied", 2: "applied"})


def short_paid(amount: int, **changes: Any) -> Facts:
    """Held, since ``amount`` came in for another sum."""
    hold = Hold(HoldReason.DEPOSIT_MISMATCH, amount=amount, facts={"due": TOTAL}, id=1)
    return by_transfer(
        payment=payment(amount=TOTAL, authorized=amount, captured=amount, gateway=None),
        **{"condition": "held", "holds": (hold,), **changes},
    )


def test_the_missing_rest_lifts_the_hold() -> None:
    """B.6.7: what was short is paid; nobody has to look any more."""
    decision = decide(STAGE, short_paid(760, events=(event("deposit.received", amount=1_000),)))
    assert (decision.state, decision.condition, decision.holds) == ("authorized", "running", [])
    assert decision.payment is not None
    assert decision.payment.captured == TOTAL


def test_an_operator_may_take_the_sum_as_it_is() -> None:
    """B.6.7: released after a look, the order goes on with what was paid."""
    decision = decide(STAGE, short_paid(TOTAL - 1, condition="running", holds=()))
    assert (decision.state, goes_to(decision)) == ("authorized", ["split"])


@pytest.mark.parametrize("state", ["voided", "expired"])
def test_money_after_the_cancel_is_given_back_by_a_human(state: str) -> None:
    """CAN-03, PAY-07."""
    known = by_transfer(
        "cancelled",
        payment=payment(state, TOTAL, gateway=None),
        events=(event("deposit.received", amount=TOTAL),),
        condition="done",
    )
    decision = decide(STAGE, known)
    assert (reasons(decision), decision.condition) == (["refund_due"], "held")
    assert moves(decision)[0] == f"payment: {state} -> captured"
    assert decision.payment is not None
    assert (decision.payment.captured, endings(decision)) == (TOTAL, {1: "applied"})


def test_money_paid_twice_is_held() -> None:
    known = by_transfer(
        "authorized",
        payment=payment("captured", TOTAL, gateway=None),
        events=(event("deposit.received", amount=TOTAL),),
    )
    decision = decide(STAGE, known)
    assert reasons(decision) == ["refund_due"]
    assert decision.payment is not None
    assert decision.payment.captured == 2 * TOTAL


@pytest.mark.parametrize(
    ("authorization", "wanted", "moved"),
    [
        ("done", [("payment.void", "salon/N-1:void")], "payment: pending -> authorized"),
        ("declined", [], "payment: pending -> voided"),
    ],
)
def test_an_authorization_that_crossed_a_cancel_is_released(
    authorization: str, wanted: list[tuple[str, str]], moved: str
) -> None:
    outcome = stands("authorized", TOTAL) if authorization == "done" else {"code": "G12"}
    known = but(by_card(authorization, **outcome), state="cancelled", condition="done")
    decision = decide(STAGE, known)
    assert (effects(decision), moves(decision)) == (wanted, [moved])


def test_an_unknown_authorization_of_a_cancelled_order_goes_before_a_human() -> None:
    known = but(by_card("needs_review", code="timeout", data={}), state="cancelled", condition="done")
    decision = decide(STAGE, known)
    assert moves(decision) == ["payment: pending -> needs_review", "condition: done -> held"]
    assert reasons(decision) == ["payment_unknown"]


def test_an_authorization_under_way_is_waited_for() -> None:
    known = but(by_card("pending"), state="cancelled", condition="done")
    assert moves(decide(STAGE, known)) == []


def test_an_unpaid_cancel_gives_back_what_came_in_part() -> None:
    """PAY-07, B.6.7: a part was paid, the rest never came."""
    decision = decide(STAGE, short_paid(760), now=NOW + timedelta(days=30))
    assert (decision.state, reasons(decision)) == ("cancelled", ["refund_due"])
    assert [hold.amount for hold in decision.holds] == [760]


def slip_of(method: str, asked: str | None = None, **changes: Any) -> Facts:
    """An order of reuse, placed on Friday 2026-11-20 at 10:00, that a gateway was asked to register, or is to be (None)."""
    order = an_order("reuse", method=method)
    key, money = "reuse/N-1:register", payment(amount=facts(order).grand_total, method=method, gateway="sandbox")
    told = {} if asked is None else {key: effect("payment.register", key, asked, stands("pending", 0))}
    given = {"effects": told, "payment": money, **changes}
    return facts(order, **given)


@pytest.mark.parametrize(
    ("method", "terms_from", "until"),
    [
        ("konbini", None, "2026-11-23 23:59:59"),  # PAY-08: three days, not the hours for late notices
        ("konbini", "2026-11-24 10:00:00", "2026-11-27 23:59:59"),
        ("loan", None, "2026-11-25 23:59:59"),  # PAY-10: business days, the first included
        ("loan", "2026-11-24 10:00:00", "2026-11-26 23:59:59"),
    ],
)
def test_a_slip_ends_with_its_last_day(method: str, terms_from: str | None, until: str) -> None:
    """B.6.5: what the gateway is told is what the customer reads; a slip of an order that was held is never over at once."""
    known = slip_of(method)
    begins = at(terms_from) if terms_from else None
    known = but(known, payment=known.payment._replace(terms_from=begins))
    (asked,) = decide(STAGE, known, now=begins or NOW).effects
    assert asked.payload["until"] == at(until).isoformat()


@pytest.mark.parametrize(
    ("method", "over", "reason", "cause"),
    [
        ("konbini", "2026-11-24 06:00:00", "unpaid", "not paid in time (PAY-08)"),
        ("loan", "2026-11-26 00:00:00", "loan_timeout", "not paid in time (PAY-10)"),
    ],
)
def test_each_method_ends_by_its_own_rule_and_reason(method: str, over: str, reason: str, cause: str) -> None:
    """CAN-05: each has its own reason code and mail."""
    looked = effect("payment.lookup", "reuse/N-1:lookup:unpaid", "done", stands("pending", 0))
    known = slip_of(method, "done", state="awaiting_payment")
    decision = decide(STAGE, but(known, effects={**known.effects, looked.key: looked}), now=at(over))
    assert [mail.context["reason"] for mail in decision.mails] == [reason]
    assert [move.cause for move in decision.moves if move.new == "cancelled"] == [cause]


@pytest.mark.parametrize(("method", "reason"), [("konbini", "unpaid"), ("loan", "loan_timeout")])
def test_what_its_gateway_has_ended_has_the_same_reason(method: str, reason: str) -> None:
    """CAN-05: whichever clock is first."""
    known = slip_of(method, "done", state="awaiting_payment")
    decision = decide(STAGE, but(known, payment=known.payment._replace(state="expired")))
    assert [mail.context["reason"] for mail in decision.mails] == [reason]


def test_a_card_of_which_the_gateway_says_nothing_yet_is_waited_for_an_hour() -> None:
    """PAY-05: "processing", or a step that the storefront's page does itself: nobody is written to, and it does not wait for ever."""
    told = stands("pending", TOTAL)
    waiting = decide(STAGE, by_card("done", **told))
    assert (moves(waiting), mails(waiting)) == (["order: accepted -> awaiting_payment"], [])
    assert [(one.what, one.due_at, one.then) for one in waiting.work if one.what] == [
        ("customer.money", NOW + timedelta(hours=1), "cancel")
    ]
    known = but(by_card("done", **told), state="awaiting_payment")
    soon = decide(STAGE, known, now=NOW + timedelta(minutes=59))
    assert [one.due_at for one in soon.work] == [NOW + timedelta(hours=1)], (
        "news that says nothing does not end the wait"
    )
    looks = decide(STAGE, known, now=NOW + timedelta(hours=1))
    assert effects(looks) == [("payment.lookup", "salon/N-1:lookup:unpaid")]
    looked = effect("payment.lookup", "salon/N-1:lookup:unpaid", "done", told)
    ended = decide(STAGE, but(known, effects={**known.effects, "look": looked}), now=NOW + timedelta(hours=1))
    assert [move.cause for move in ended.moves if move.new == "cancelled"] == ["not paid in time (PAY-05)"]
    assert effects(ended) == [("payment.void", "salon/N-1:void")], "what it comes to later is released"


@pytest.mark.parametrize(
    ("came", "booked_on", "as_of"),
    [
        ("2026-11-20 09:59:59", None, "2026-11-20 09:59:59"),
        ("2026-11-20 10:00:01", None, "2026-11-20 10:00:00"),  # a sender's clock that is fast is not believed
        ("2026-11-19 00:00:00", "2026-11-19", "2026-11-20 10:00:00"),  # a statement: it is confirmed when it is read
    ],
)
def test_a_deposit_is_confirmed_when_its_notice_says_so(came: str, booked_on: str | None, as_of: str) -> None:
    """CUT-01."""
    body = {"amount": TOTAL} | ({"booked_on": booked_on} if booked_on else {})
    decision = decide(STAGE, by_transfer(events=(event("deposit.received", when=at(came), **body),)))
    assert decision.payment is not None
    assert decision.payment.as_of == at(as_of)
