"""CAN-01, CAN-03, CAN-06."""

from datetime import timedelta

import pytest

from models.states import OrderState, PaymentState
from pipelines.rules.cancel import refusal
from tests.rules.build import SHOPS, at

PLACED = at("2026-11-20 10:00:00")
NOW = PLACED + timedelta(hours=1)


def rule(
    shop: str,
    state: str,
    method: str = "card",
    payment: str = "authorized",
    *,
    instructed: bool = False,
    pull_in: bool = False,
    after: timedelta = timedelta(hours=1),
) -> str | None:
    answer = refusal(
        shop=SHOPS[shop],
        state=OrderState(state),
        method=method,
        payment_state=PaymentState(payment),
        placed_at=PLACED,
        now=PLACED + after,
        any_instructed=instructed,
        store_pull_in=pull_in,
    )
    return answer.rule if answer else None


@pytest.mark.parametrize("state", ["accepted", "awaiting_payment", "authorized", "released"])
def test_clinic_never_cancels_for_the_customer(state: str) -> None:
    assert rule("clinic", state) == "CAN-01"


@pytest.mark.parametrize("shop", ["apparel", "salon"])
@pytest.mark.parametrize(
    ("state", "instructed", "answer"),
    [
        ("accepted", False, None),
        ("awaiting_payment", False, None),
        ("authorized", False, None),
        ("authorized", True, "CAN-06"),
        ("released", False, "CAN-06"),
        ("partly_shipped", False, "CAN-06"),
        ("shipped", True, "CAN-06"),
    ],
)
def test_apparel_and_salon_cancel_until_release(shop: str, state: str, instructed: bool, answer: str | None) -> None:
    assert rule(shop, state, instructed=instructed) == answer


@pytest.mark.parametrize(
    ("method", "payment", "answer"),
    [
        ("bank_transfer", "pending", None),
        ("bank_transfer", "captured", "CAN-03"),  # the deposit is confirmed
        ("bank_transfer", "needs_review", "CAN-03"),  # some money has come
        ("loan", "pending", None),
        ("loan", "authorized", "CAN-03"),  # approved
        ("card", "authorized", "CAN-03"),  # by enquiry only
        ("cod", "pending", "CAN-03"),
    ],
)
def test_reuse_cancels_by_method(method: str, payment: str, answer: str | None) -> None:
    assert rule("reuse", "awaiting_payment", method, payment) == answer


def test_reuse_never_cancels_once_shipment_is_prepared() -> None:
    assert rule("reuse", "authorized", "bank_transfer", "pending", instructed=True) == "CAN-03"


@pytest.mark.parametrize(
    ("after", "answer"), [(timedelta(minutes=15), None), (timedelta(minutes=15, milliseconds=1), "CAN-03")]
)
def test_a_store_pull_in_has_fifteen_minutes_inclusive(after: timedelta, answer: str | None) -> None:
    assert rule("reuse", "authorized", pull_in=True, after=after) == answer


@pytest.mark.parametrize("shop", sorted(SHOPS))
@pytest.mark.parametrize("state", ["cancelled", "delivered"])
def test_what_is_over_cannot_be_cancelled(shop: str, state: str) -> None:
    assert rule(shop, state) == "CAN-02"


def test_the_sentence_is_in_the_customers_language() -> None:
    def sentence(locale: str) -> str:
        answer = refusal(
            shop=SHOPS["clinic"],
            state=OrderState.ACCEPTED,
            method="card",
            payment_state=PaymentState.PENDING,
            placed_at=PLACED,
            now=NOW,
            any_instructed=False,
        )
        assert answer is not None
        return answer.says(locale)

    assert "キャンセル" in sentence("ja")
    assert "cannot be cancelled" in sentence("en")
