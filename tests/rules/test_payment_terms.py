"""PAY-07 to PAY-10, PAY-12, PAY-13."""

import pytest

from pipelines.rules.payment_terms import Terms, cod_unclaimed_at, terms
from tests.rules.build import SHOPS, at, day

REUSE = SHOPS["reuse"]


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
    assert terms("loan", REUSE, at(placed)) == Terms("loan", "approved", day(last_day), None, at(cancelled))


def test_a_bank_transfer_has_seven_days_and_a_reminder() -> None:
    """PAY-07."""
    assert terms("bank_transfer", REUSE, at("2026-11-20 23:30:00")) == Terms(
        "bank_transfer", "paid", day("2026-11-27"), at("2026-11-25 10:00:00"), at("2026-11-28 00:00:00")
    )


def test_konbini_has_three_days_and_a_grace_for_late_notices() -> None:
    """PAY-08, B.6.5."""
    assert terms("konbini", REUSE, at("2026-11-20 10:00:00")) == Terms(
        "konbini", "paid", day("2026-11-23"), at("2026-11-22 10:00:00"), at("2026-11-24 06:00:00")
    )


@pytest.mark.parametrize(
    ("method", "release_when"),
    [
        ("card", "authorized"),
        ("paypay", "authorized"),
        ("amazon_pay", "authorized"),
        ("cod", "at_once"),  # PAY-09
        ("direct_debit", "at_once"),  # PAY-12
        ("claims_offset", "at_once"),
        ("none", "at_once"),  # PAY-13
    ],
)
def test_other_methods_have_no_deadline(method: str, release_when: str) -> None:
    assert terms(method, REUSE, at("2026-11-20 10:00:00")) == Terms(method, release_when)


def test_the_orders_day_is_the_day_in_japan() -> None:
    placed = at("2026-11-21 00:30:00").astimezone(tz=None)
    assert terms("bank_transfer", REUSE, placed).pay_by == day("2026-11-28")


def test_a_cod_parcel_is_unclaimed_when_seven_days_have_elapsed() -> None:
    """PAY-09."""
    assert cod_unclaimed_at(day("2026-11-01"), REUSE) == at("2026-11-08 00:00:00")
