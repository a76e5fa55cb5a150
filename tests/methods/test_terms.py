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


@pytest.mark.parametrize(
    ("method", "placed", "last_day", "cancelled"),
    [
        ("bank_transfer", "2026-11-20 23:59:59", "2026-11-27", "2026-11-28 00:00:00"),  # the last second of a day
        ("bank_transfer", "2026-11-21 00:00:00", "2026-11-28", "2026-11-29 00:00:00"),  # the first of the next
        ("bank_transfer", "2026-12-28 10:00:00", "2027-01-04", "2027-01-05 00:00:00"),  # over the year's end
        ("bank_transfer", "2028-02-22 10:00:00", "2028-02-29", "2028-03-01 00:00:00"),  # a leap day is the last
        ("bank_transfer", "2027-02-22 10:00:00", "2027-03-01", "2027-03-02 00:00:00"),  # a year without one
        ("konbini", "2028-02-26 23:59:59", "2028-02-29", "2028-03-01 06:00:00"),
        ("konbini", "2027-02-26 23:59:59", "2027-03-01", "2027-03-02 06:00:00"),
        (
            "konbini",
            "2026-10-29 00:00:00",
            "2026-11-01",
            "2026-11-02 06:00:00",
        ),  # a closed day is paid on like any other
        ("loan", "2026-12-31 10:00:00", "2027-01-05", "2027-01-06 00:00:00"),  # New Year's Day and a weekend between
        ("loan", "2028-02-28 23:59:59", "2028-03-01", "2028-03-02 00:00:00"),  # 28, 29 February and 1 March
        ("loan", "2026-05-02 10:00:00", "2026-05-11", "2026-05-12 00:00:00"),  # Golden Week: 7, 8 and 11 May
    ],
)
def test_month_ends_leap_days_midnight_and_closed_days(method: str, placed: str, last_day: str, cancelled: str) -> None:
    """PAY-07, PAY-08, PAY-10, B.10."""
    found = terms(method, placed)
    assert (found.pay_by, found.cancel_at) == (day(last_day), at(cancelled))


@pytest.mark.parametrize("method", ["bank_transfer", "konbini", "loan"])
def test_a_slip_is_payable_to_the_last_second_of_its_last_day(method: str) -> None:
    """PAY-08, B.6.5: the hours after it are for notices that come late, and are nobody's to pay in."""
    found = terms(method, "2026-11-20 10:00:00")
    assert found.payable_until == at(f"{found.pay_by} 23:59:59")
    assert found.cancel_at is not None
    assert found.payable_until < found.cancel_at


def test_a_method_that_names_no_day_is_payable_until_its_cancel() -> None:
    assert Terms(cancel_at=at("2026-11-20 12:00:00")).payable_until == at("2026-11-20 12:00:00")
    assert Terms().payable_until is None


@pytest.mark.parametrize(
    "method", ["card", "paypay", "amazon_pay", "deferred", "cod", "direct_debit", "claims_offset", "none"]
)
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
