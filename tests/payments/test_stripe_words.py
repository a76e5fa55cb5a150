"""What Stripe's words come to: states, codes, events and settings, to the letter (gateways.md 1.3 to 1.5)."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from models.states import PaymentState
from pipelines.errors import Misconfigured
from pipelines.gateway import STANDS, BuyerStep, CodeClass, Notice
from workers.http.signing import SignatureRefused
from workers.payments.stripe import GATEWAY, Settings
from workers.payments.stripe_codes import class_of, code_of
from workers.payments.stripe_notices import EVENTS, read_notices
from workers.payments.stripe_states import Dispute, Intent, Refund, Standing, snapshot_of
from workers.settings import read

P = PaymentState
AT = datetime(2026, 11, 20, 3, tzinfo=UTC)

#: The answer to a card's intent with manual capture, as gateways.md 1.2 shows it.
RECORDED: dict[str, Any] = {
    "id": "pi_1",
    "object": "payment_intent",
    "status": "requires_capture",
    "amount": 5500,
    "amount_capturable": 5500,
    "amount_received": 0,
    "created": 1790000000,
    "currency": "jpy",
    "latest_charge": "ch_1",
    "next_action": None,
    "last_payment_error": None,
    "metadata": {"order": "salon/SO-1001"},
    "payment_method_types": ["card"],
}
DECLINED = {"type": "card_error", "code": "card_declined", "decline_code": "do_not_honor"}
OURS = {"key": "salon/SO-1001:refund:1"}
PAID = {"status": "succeeded", "amount_received": 5500}


def refund(amount: int, status: str = "succeeded", *, created: int = 1, **more: Any) -> Refund:
    return Refund(id=f"re_{created}_{amount}_{status}", status=status, amount=amount, created=created, **more)


def standing(told: dict[str, Any], refunds: tuple[Refund, ...] = (), disputes: tuple[str, ...] = ()) -> Standing:
    claims = [Dispute(status=status) for status in disputes]
    return Standing(Intent.model_validate(RECORDED | told), refunds, claims)


@pytest.mark.parametrize(
    ("told", "refunds", "disputes", "state", "code"),
    [
        ({"status": "requires_payment_method"}, (), (), P.PENDING, None),
        ({"status": "requires_payment_method", "last_payment_error": DECLINED}, (), (), P.FAILED, "do_not_honor"),
        (
            {
                "status": "requires_payment_method",
                "payment_method_types": ["konbini"],
                "last_payment_error": {"code": "payment_intent_payment_attempt_expired"},
            },
            (),
            (),
            P.EXPIRED,
            "payment_intent_payment_attempt_expired",
        ),
        ({"status": "requires_confirmation"}, (), (), P.PENDING, None),
        ({"status": "requires_action"}, (), (), P.PENDING, None),
        ({"status": "processing"}, (), (), P.PENDING, None),
        ({"status": "requires_capture"}, (), (), P.AUTHORIZED, None),
        (PAID, (), (), P.CAPTURED, None),
        (PAID, (refund(1),), (), P.PARTLY_REFUNDED, None),
        (PAID, (refund(5_000), refund(500)), (), P.REFUNDED, None),
        (PAID, (refund(5_500, "pending"),), (), P.CAPTURED, None),
        (PAID, (refund(5_500, "requires_action"),), (), P.CAPTURED, None),
        (PAID, (refund(5_500, "canceled"),), (), P.CAPTURED, None),  # somebody else's: nobody waits for it
        (PAID, (refund(5_500, "canceled", metadata=OURS),), (), P.NEEDS_REVIEW, "refund_canceled"),
        (PAID, (refund(500, "canceled", metadata=OURS), refund(500, created=2)), (), P.PARTLY_REFUNDED, None),
        (PAID, (refund(5_500, "a_word_of_tomorrow"),), (), P.NEEDS_REVIEW, "refund_unknown"),
        (PAID, (refund(500, "failed", failure_reason="declined"),), (), P.NEEDS_REVIEW, "refund_failed_declined"),
        (PAID, (refund(500, "failed"), refund(500, created=2)), (), P.PARTLY_REFUNDED, None),
        ({"status": "canceled"}, (), (), P.VOIDED, None),
        ({"status": "canceled", "cancellation_reason": "requested_by_customer"}, (), (), P.VOIDED, None),
        ({"status": "canceled", "cancellation_reason": "abandoned"}, (), (), P.VOIDED, None),
        ({"status": "canceled", "cancellation_reason": "automatic"}, (), (), P.EXPIRED, None),
        ({"status": "canceled", "cancellation_reason": "expired"}, (), (), P.EXPIRED, None),
        (
            {"status": "canceled", "cancellation_reason": "automatic"},
            (refund(5_500, reason="expired_uncaptured_charge"),),
            (),
            P.EXPIRED,
            None,
        ),
        (PAID, (), ("needs_response",), P.NEEDS_REVIEW, "dispute_needs_response"),
        (PAID, (), ("warning_under_review",), P.NEEDS_REVIEW, "dispute_warning_under_review"),
        (PAID, (), ("appeal_under_review",), P.NEEDS_REVIEW, "dispute_appeal_under_review"),
        (PAID, (), ("lost",), P.NEEDS_REVIEW, "dispute_lost"),
        (PAID, (), ("won",), P.CAPTURED, None),
        (PAID, (), ("warning_closed",), P.CAPTURED, None),
        (PAID, (), ("prevented",), P.CAPTURED, None),
        ({"status": "a_word_of_tomorrow"}, (), (), P.NEEDS_REVIEW, "a_word_of_tomorrow"),
        ({"currency": "usd"}, (), (), P.NEEDS_REVIEW, "currency_differs"),
    ],
)
def test_every_state_of_an_intent(
    told: dict[str, Any], refunds: tuple[Refund, ...], disputes: tuple[str, ...], state: PaymentState, code: str | None
) -> None:
    snapshot = snapshot_of(standing(told, refunds, disputes), AT)
    assert (snapshot.state, snapshot.code) == (state, code)


def test_a_dispute_keeps_the_sums_beside_it() -> None:
    snapshot = snapshot_of(standing(PAID, (refund(500),), ("needs_response",)), AT)
    assert (snapshot.authorized, snapshot.captured, snapshot.refunded) == (5_500, 5_500, 500)


def test_money_after_our_cancel_is_captured_and_not_ignored() -> None:
    """Whatever was asked before: an intent that succeeded has the money (gateways.md 9, 25)."""
    late = PAID | {"canceled_at": 1790000500, "cancellation_reason": "abandoned"}
    assert snapshot_of(standing(late), AT).state is P.CAPTURED


@pytest.mark.parametrize(
    ("card", "liability"),
    [
        ({"three_d_secure": {"result": "authenticated"}}, "shifted"),
        ({"three_d_secure": {"result": "attempt_acknowledged"}}, "shifted"),
        ({"three_d_secure": {"result": "exempted"}}, "merchant"),
        ({"three_d_secure": {"result": "failed"}}, "merchant"),
        ({"brand": "visa", "three_d_secure": None}, "merchant"),
        (None, None),
    ],
)
def test_who_bears_a_dispute_is_read_from_3d_secure(card: dict[str, Any] | None, liability: str | None) -> None:
    details = {"type": "card", "card": card} if card else {"type": "konbini"}
    snapshot = snapshot_of(standing({"latest_charge": {"payment_method_details": details}}), AT)
    assert snapshot.liability == liability


def test_the_end_of_a_hold_and_its_funding_are_read_from_the_charge() -> None:
    charge = {"payment_method_details": {"type": "card", "card": {"capture_before": 1792592000, "funding": "prepaid"}}}
    snapshot = snapshot_of(standing({"latest_charge": charge}), AT)
    assert snapshot.expires_at == datetime.fromtimestamp(1792592000, UTC)
    assert snapshot.funding == "prepaid"


def voucher(**codes: str) -> dict[str, Any]:
    stores = {name: {"payment_code": code, "confirmation_number": "0520000000"} for name, code in codes.items()}
    details = {"expires_at": 1790000000, "hosted_voucher_url": "https://payments.stripe.com/v", "stores": stores}
    action = {"type": "konbini_display_details", "konbini_display_details": details}
    return {"status": "requires_action", "payment_method_types": ["konbini"], "next_action": action}


def test_each_chain_of_stores_is_named_with_its_number() -> None:
    buyer = snapshot_of(standing(voucher(familymart="11122", lawson="445566", seicomart="445566")), AT).buyer
    assert buyer is not None
    assert (buyer.step, buyer.number) == (BuyerStep.PAY_AT_STORE, "FamilyMart 11122 / Lawson 445566 / Seicomart 445566")
    assert (buyer.confirmation, buyer.url) == ("0520000000", "https://payments.stripe.com/v")
    assert buyer.until == datetime.fromtimestamp(1790000000, UTC)
    same = snapshot_of(standing(voucher(familymart="11122", lawson="11122")), AT).buyer
    assert same is not None
    assert same.number == "11122"


@pytest.mark.parametrize("zengin", [{}, {"bank_name": "見本銀行", "account_number": "1234567"}, "soon", None])
def test_a_part_of_an_account_is_none_and_stripes_page_shows_it(zengin: object) -> None:
    details = {"hosted_instructions_url": "https://payments.stripe.com/t", "financial_addresses": [{"zengin": zengin}]}
    action = {"type": "display_bank_transfer_instructions", "display_bank_transfer_instructions": details}
    told = {"status": "requires_action", "payment_method_types": ["customer_balance"], "next_action": action}
    buyer = snapshot_of(standing(told), AT).buyer
    assert buyer is not None
    assert (buyer.step, buyer.url, buyer.account) == (BuyerStep.VISIT, "https://payments.stripe.com/t", None)


def test_an_action_that_no_mail_can_tell_is_left_out() -> None:
    told = {"status": "requires_action", "next_action": {"type": "use_stripe_sdk", "use_stripe_sdk": {}}}
    snapshot = snapshot_of(standing(told), AT)
    assert (snapshot.state, snapshot.buyer) == (P.PENDING, None)


@pytest.mark.parametrize(
    ("error", "code", "code_class"),
    [
        (DECLINED, "do_not_honor", CodeClass.ISSUER_DECLINE),
        ({"type": "card_error", "code": "expired_card"}, "expired_card", CodeClass.BUYER_INPUT),
        ({"type": "card_error", "code": "incorrect_cvc"}, "incorrect_cvc", CodeClass.BUYER_INPUT),
        ({"type": "card_error", "code": "incorrect_number"}, "incorrect_number", CodeClass.BUYER_INPUT),
        ({"type": "card_error", "code": "invalid_expiry_year"}, "invalid_expiry_year", CodeClass.BUYER_INPUT),
        ({"type": "card_error", "code": "authentication_required"}, "authentication_required", CodeClass.BUYER_INPUT),
        (
            {"type": "card_error", "code": "card_decline_rate_limit_exceeded"},
            "card_decline_rate_limit_exceeded",
            CodeClass.ISSUER_DECLINE,
        ),
        ({"code": "charge_already_captured"}, "charge_already_captured", CodeClass.STATE),
        ({"code": "charge_already_refunded"}, "charge_already_refunded", CodeClass.STATE),
        ({"code": "charge_disputed"}, "charge_disputed", CodeClass.STATE),
        ({"code": "intent_invalid_state"}, "intent_invalid_state", CodeClass.STATE),
        ({"code": "payment_intent_unexpected_state"}, "payment_intent_unexpected_state", CodeClass.STATE),
        ({"code": "charge_expired_for_capture"}, "charge_expired_for_capture", CodeClass.STATE),
        ({"code": "capture_charge_authorization_expired"}, "capture_charge_authorization_expired", CodeClass.STATE),
        ({"code": "capture_unauthorized_payment"}, "capture_unauthorized_payment", CodeClass.STATE),
        ({"code": "amount_too_small"}, "amount_too_small", CodeClass.OUR_BUG),
        ({"code": "parameter_missing"}, "parameter_missing", CodeClass.OUR_BUG),
        ({"type": "idempotency_error"}, "idempotency_error", CodeClass.OUR_BUG),
        ({"code": "balance_insufficient"}, "balance_insufficient", CodeClass.CONFIGURATION),
        ({"code": "resource_missing"}, "resource_missing", CodeClass.OUR_BUG),
        ({}, "unnamed", CodeClass.OUR_BUG),
    ],
)
def test_who_acts_on_an_error(error: dict[str, str], code: str, code_class: CodeClass) -> None:
    assert (code_of(error), class_of(error)) == (code, code_class)


#: The vector of gateways.md 1.4, checked there with Stripe's own library.
SECRET = "whsec_testvector0001"
BODY = (
    b'{"id":"evt_1Test","object":"event","type":"payment_intent.amount_capturable_updated","created":1790000000,'
    b'"data":{"object":{"id":"pi_1Test","object":"payment_intent","status":"requires_capture"}}}'
)
MAC = "4701558a6b19477e59da668bb07bb9fe56f667c67126f3e9c03b69ef30f4d708"
SIGNED = datetime.fromtimestamp(1790000000, UTC)


def notice(header: str, *, body: bytes = BODY, secrets: tuple[str, ...] = (SECRET,), now: int = 1790000000) -> Notice:
    (one,) = read_notices({"stripe-signature": header}, body, secrets, datetime.fromtimestamp(now, UTC))
    return one


@pytest.mark.parametrize(
    ("header", "secrets", "now"),
    [
        (f"t=1790000000,v1={MAC}", (SECRET,), 1790000000),
        (f"t=1790000000,v1={'0' * 64},v1={MAC}", (SECRET,), 1790000000),
        (
            f"t=1790000000,v1={MAC},v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39",
            (SECRET,),
            1790000000,
        ),
        (f"t=1790000000,v1={MAC}", ("whsec_new", SECRET), 1790000000),
        (f"t=1790000000,v1={MAC}", (SECRET,), 1790000300),
        (f"t=1790000000,v1={MAC}", (SECRET,), 1789999700),
    ],
)
def test_an_event_that_any_of_our_secrets_signed_is_taken(header: str, secrets: tuple[str, ...], now: int) -> None:
    assert len(BODY) == 196
    read_ = notice(header, secrets=secrets, now=now)
    assert (read_.id, read_.type, read_.reference, read_.at) == ("evt_1Test", STANDS, "pi_1Test", SIGNED)
    assert read_.snapshot is None, "an event is a reason to look"


@pytest.mark.parametrize(
    ("header", "more"),
    [
        ("", {}),
        (f"v1={MAC}", {}),
        ("t=1790000000", {}),
        (f"t=1790000000,v1={MAC.upper()}", {}),
        (f"t=1790000000,v0={MAC}", {}),
        (f"t=1790000001,v1={MAC}", {}),
        (f"t=1790000000,t=1790000000,v1={MAC}", {}),
        (f"t=1790000000,v1={MAC}, t=1790000000,v1={MAC}", {}),
        (f"t=soon,v1={MAC}", {}),
        (f"t=1790000000,v1={MAC}é", {}),
        (f"t=1790000000,v1={MAC}", {"body": BODY + b" "}),
        (f"t=1790000000,v1={MAC}", {"secrets": ()}),
        (f"t=1790000000,v1={MAC}", {"secrets": ("testvector0001",)}),
        (f"t=1790000000,v1={MAC}", {"now": 1790000301}),
        (f"t=1790000000,v1={MAC}", {"now": 1789999699}),
    ],
)
def test_what_is_forged_doubled_stale_or_of_the_future_is_refused(header: str, more: dict[str, Any]) -> None:
    with pytest.raises(SignatureRefused):
        notice(header, **more)


def event(type_: str, about: dict[str, Any]) -> Notice:
    body = orjson.dumps(
        {"id": "evt_1", "object": "event", "type": type_, "created": 1790000000, "data": {"object": about}}
    )
    mac = hmac.new(SECRET.encode(), b"1790000000." + body, hashlib.sha256).hexdigest()
    return notice(f"t=1790000000,v1={mac}", body=body)


ORDER = {"order": "salon/S-1"}


@pytest.mark.parametrize(
    ("type_", "about", "order", "reference", "fault"),
    [
        (
            "payment_intent.succeeded",
            {"id": "pi_1", "object": "payment_intent", "metadata": ORDER},
            ("salon", "S-1"),
            "pi_1",
            None,
        ),
        (
            "charge.refunded",
            {"id": "ch_1", "object": "charge", "payment_intent": "pi_1", "metadata": ORDER},
            ("salon", "S-1"),
            "pi_1",
            None,
        ),
        ("refund.failed", {"id": "re_1", "object": "refund", "payment_intent": "pi_1"}, None, "pi_1", None),
        ("charge.dispute.created", {"id": "dp_1", "object": "dispute", "payment_intent": "pi_1"}, None, "pi_1", None),
        ("payment_intent.succeeded", {"id": "pi_2", "object": "payment_intent", "metadata": {}}, None, "pi_2", None),
        (
            "cash_balance.funds_available",
            {"object": "cash_balance", "customer": "cus_1"},
            None,
            None,
            "names no payment",
        ),
        ("invoice.paid", {"id": "in_1", "object": "invoice"}, None, None, "leave them out"),
    ],
)
def test_which_payment_an_event_is_about(
    type_: str, about: dict[str, Any], order: tuple[str, str] | None, reference: str | None, fault: str | None
) -> None:
    read_ = event(type_, about)
    assert (read_.order, read_.reference) == (order, reference)
    assert (fault is None) == (read_.fault is None)
    assert (fault or "") in (read_.fault or "")


def test_of_an_event_that_is_kept_for_the_operator_no_person_is_kept() -> None:
    about = {"object": "customer", "id": "cus_1", "email": "hanako@example.jp", "name": "山田 花子"}
    read_ = event("customer.created", about)
    assert read_.fault
    assert read_.raw == {"id": "evt_1", "type": "customer.created", "object": {"object": "customer", "id": "cus_1"}}


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"id":"evt_1","data":null}', b'{"id":"evt_1","data":{"object":[]}}'])
def test_a_proven_body_that_is_no_event_is_kept_for_the_operator(body: bytes) -> None:
    mac = hmac.new(SECRET.encode(), b"1790000000." + body, hashlib.sha256).hexdigest()
    assert notice(f"t=1790000000,v1={mac}", body=body).fault == "It is no event of Stripe."


def test_an_event_is_acknowledged_with_200_and_nothing_else() -> None:
    answer = GATEWAY.acknowledge([notice(f"t=1790000000,v1={MAC}")], True)
    assert (answer.status, answer.body) == (200, b"")


def test_the_documents_name_every_event_to_subscribe_to() -> None:
    page = (Path(__file__).parents[2] / "docs/gateways/stripe.md").read_text("utf-8")
    assert [one for one in sorted(EVENTS) if f"`{one}`" not in page] == []


GOOD = {
    "STRIPE_SECRET_KEY": "sk_live_1",
    "STRIPE_WEBHOOK_SECRETS": "whsec_new, whsec_old",
    "STRIPE_RETURN_URL": "https://shop.example/back",
}


def test_a_live_account_needs_three_settings() -> None:
    settings = read(Settings, GOOD)
    assert settings.stripe_url == "https://api.stripe.com"
    assert not GATEWAY.test_mode(settings)
    assert GATEWAY.secrets is not None
    assert GATEWAY.secrets(settings) == ["whsec_new", "whsec_old"]
    assert "sk_live_1" not in repr(settings)


@pytest.mark.parametrize("key", ["sk_test_1", "rk_test_1"])
def test_a_test_key_is_told_by_its_prefix_and_may_go_to_a_fake(key: str) -> None:
    settings = read(Settings, GOOD | {"STRIPE_SECRET_KEY": key, "STRIPE_URL": "http://127.0.0.1:9000"})
    assert GATEWAY.test_mode(settings)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"STRIPE_SECRET_KEY": ""}, "STRIPE_SECRET_KEY: is missing; set it to the secret key"),
        ({"STRIPE_SECRET_KEY": "pk_live_1"}, "STRIPE_SECRET_KEY: is wrong; set it to the secret key"),
        ({"STRIPE_WEBHOOK_SECRETS": ""}, "STRIPE_WEBHOOK_SECRETS: is missing"),
        ({"STRIPE_RETURN_URL": "shop.example"}, "STRIPE_RETURN_URL: is wrong"),
        ({"STRIPE_URL": "http://127.0.0.1:9000"}, "STRIPE_URL: is wrong; leave it out; a live key goes to"),
        ({"STRIPE_THREE_D_SECURE": "never"}, "STRIPE_THREE_D_SECURE: is wrong"),
    ],
)
def test_settings_that_cannot_work_are_named_and_never_repeated(wrong: dict[str, str], says: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        read(Settings, GOOD | wrong)
    assert str(refused.value).startswith(says)
    assert "pk_live_1" not in str(refused.value)
