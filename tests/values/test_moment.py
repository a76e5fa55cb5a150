"""Moments that come in: what is one, within which years, and how far ahead of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.values.moment import bounded, read_day, read_moment, too_far_ahead
from tests.rules.build import at

NOW = at("2026-11-20 14:59:30")
TEN_MINUTES = timedelta(minutes=10)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T14:59:30+09:00", "2026-11-20 14:59:30"),
        ("2026-11-20T05:59:30Z", "2026-11-20 14:59:30"),
        ("2026-11-20t05:59:30.123456z", "2026-11-20 14:59:30.123456"),
        ("2026-11-20T05:59:30.123456789Z", "2026-11-20 14:59:30.123456"),
        ("2026-11-20 00:59:30-05:00", "2026-11-20 14:59:30"),
        ("2001-01-01T00:00:00+14:00", "2000-12-31 19:00:00"),
        ("2098-12-31T23:59:59-12:00", "2099-01-01 20:59:59"),
    ],
)
def test_a_time_is_read_and_moved_to_japan(text: str, moment: str) -> None:
    assert read_moment(text) == at(moment)
    assert read_moment(text).utcoffset() == timedelta(hours=9)


@pytest.mark.parametrize(
    ("text", "part_of_the_sentence"),
    [
        ("2026-11-20", "with an offset"),
        ("2026-11-20T14:59:30", "with an offset"),
        ("2026-11-20T14:59+09:00", "with an offset"),
        ("２０２６-11-20T14:59:30+09:00", "with an offset"),
        ("yesterday", "with an offset"),
        (1_763_618_370, "with an offset"),
        (None, "with an offset"),
        ("2026-11-31T14:59:30+09:00", "no such time"),
        ("2026-11-20T14:59:60+09:00", "no such time"),
        ("2026-11-20T14:59:30+24:00", "no such time"),
        # both ends of the calendar, where moving to another offset overflows
        ("0001-01-01T00:00:00+14:00", "2001 and 2098"),
        ("0001-01-01T00:00:00-14:00", "2001 and 2098"),
        ("9999-12-31T23:59:59-14:00", "2001 and 2098"),
        ("9999-12-31T23:59:59+14:00", "2001 and 2098"),
        ("2000-12-31T23:59:59+09:00", "2001 and 2098"),
        ("2099-01-01T00:00:00+09:00", "2001 and 2098"),
    ],
)
def test_what_is_no_time_is_refused_in_one_sentence(text: object, part_of_the_sentence: str) -> None:
    with pytest.raises(ValueError, match=part_of_the_sentence):
        read_moment(text)


@pytest.mark.parametrize(
    ("text", "part_of_the_sentence"),
    [
        ("20261120", "YYYY-MM-DD"),
        (20261120, "YYYY-MM-DD"),
        ("2026-02-30", "no such day"),
        ("0001-01-01", "2001 and 2098"),
        ("9999-12-31", "2001 and 2098"),
    ],
)
def test_what_is_no_day_is_refused_in_one_sentence(text: object, part_of_the_sentence: str) -> None:
    assert read_day("2026-11-20") == date(2026, 11, 20)
    with pytest.raises(ValueError, match=part_of_the_sentence):
        read_day(text)


offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=offsets) | st.dates())
def test_what_is_within_the_bounds_can_be_computed_with(when: date) -> None:
    try:
        bounded(when)
    except ValueError:
        assert not 2001 <= when.year <= 2098
    else:
        assert isinstance(when + timedelta(days=3660), date)
        if isinstance(when, datetime):
            assert when.astimezone(UTC) == when


@pytest.mark.parametrize(
    ("placed", "reason"),
    [
        ("2026-11-20 14:59:30", None),
        ("2001-01-01 00:00:00", None),
        ("2026-11-20 15:09:30", None),
        (
            "2026-11-20 15:09:31",
            "Lies 11 minutes in the future, and at most 10 minutes are allowed; a time of Japan ends in +09:00, not in Z: "
            "correct the offset or the clock.",
        ),
        (
            "2026-11-20 23:59:30",  # 14:59:30 in Japan, sent as 14:59:30Z
            "Lies 9 hours in the future, and at most 10 minutes are allowed; a time of Japan ends in +09:00, not in Z: "
            "correct the offset or the clock.",
        ),
        (
            "2026-11-21 14:59:30",
            "Lies 24 hours in the future, and at most 10 minutes are allowed; correct the clock or the date.",
        ),
        (
            "2098-11-20 14:59:30",
            "Lies 26298 days in the future, and at most 10 minutes are allowed; correct the clock or the date.",
        ),
    ],
)
def test_a_moment_too_far_ahead_is_refused_with_the_likely_cause(placed: str, reason: str | None) -> None:
    assert too_far_ahead(at(placed), NOW, TEN_MINUTES) == reason
    assert too_far_ahead(at(placed).astimezone(UTC), NOW, TEN_MINUTES) == reason
