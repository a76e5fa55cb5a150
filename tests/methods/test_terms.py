"""Until when a customer must act, by method: PAY-07 to PAY-10, PAY-12, PAY-13."""

import pytest

from pipelines.methods import METHODS, Terms
from tests.rules.build import SHOPS, at, day

REUSE = SHOPS["reuse"]


def terms(method: str, placed: str) -> Terms:
    return METHODS[method].terms(REUSE, at(placed))


@pytest.mark.parametrize(
    ("placed", "last_day", "cancelled"),
    [
        ("2026-09-17 10:00:00", "2026-09-24", "2026-09-25 00:00:00"),
        ("2026-11-20 10:00:00", "2026-11-25", "2026-11-26 00:00:00"),
        ("2026-09-19 10:00:00", "2026-09-28", "2026-09-29 00:00:00"),
    ],
)
def test_a_loan_is_cancelled_after_three_business_days(placed: str, last_day: str, cancelled: str) -> None:
    """PAY-10; the order's day counts, and on a closed day the next open one."""
    assert terms("loan", placed) == Terms(day(last_day), None, at(cancelled))


def test_a_bank_transfer_has_seven_days_and_a_reminder() -> None:
    """PAY-07."""
    assert terms("bank_transfer", "2026-11-20 23:30:00") == Terms(
        day("2026-11-27"), at("2026-11-25 10:00:00"), at("2026-11-28 00:00:00")
    )


def test_konbini_has_three_days_and_a_grace_for_late_notices() -> None:
    """PAY-08, B.6.5."""
    assert terms("konbini", "2026-11-20 10:00:00") == Terms(
        day("2026-11-23"), at("2026-11-22 10:00:00"), at("2026-11-24 06:00:00")
    )


@pytest.mark.parametrize("method", ["card", "paypay", "amazon_pay", "cod", "direct_debit", "claims_offset", "none"])
def test_other_methods_have_no_deadline(method: str) -> None:
    assert terms(method, "2026-11-20 10:00:00") == Terms()


def test_the_orders_day_is_the_day_in_japan() -> None:
    placed = at("2026-11-21 00:30:00").astimezone(tz=None)
    assert METHODS["bank_transfer"].terms(REUSE, placed).pay_by == day("2026-11-28")


def test_a_cod_parcel_is_unclaimed_when_seven_days_have_elapsed() -> None:
    """PAY-09."""
    unclaimed_at = METHODS["cod"].unclaimed_at
    assert unclaimed_at is not None
    assert unclaimed_at(REUSE, day("2026-11-01")) == at("2026-11-08 00:00:00")
