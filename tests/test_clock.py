"""Business clocks: set anywhere, run at any rate, the same in every process that has the same three settings."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import Misconfigured
from workers.clock import SettableClock, SystemClock, from_settings

START = datetime.fromisoformat("2026-11-20T08:00:00+09:00")


@time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC), tick=False)
@pytest.mark.parametrize(
    ("rate", "real_seconds_ago", "shows"),
    [
        (1.0, 0, "2026-11-20T08:00:00+09:00"),
        (1.0, 90, "2026-11-20T08:01:30+09:00"),
        (600.0, 60, "2026-11-20T18:00:00+09:00"),
        (86_400.0, 1, "2026-11-21T08:00:00+09:00"),
        (0.5, 60, "2026-11-20T08:00:30+09:00"),
        (60.0, -1, "2026-11-20T07:59:00+09:00"),
    ],
)
def test_a_settable_clock_shows_its_start_at_the_anchor_and_runs_at_its_rate(
    rate: float, real_seconds_ago: float, shows: str
) -> None:
    clock = SettableClock(START, rate, anchor=time.time() - real_seconds_ago)
    assert clock.now().isoformat() == shows


@time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC), tick=False)
@given(rate=st.floats(0.01, 100_000), ahead=st.floats(-1e6, 1e6))
def test_after_the_real_seconds_until_a_time_the_clock_shows_it(rate: float, ahead: float) -> None:
    anchor = time.time()
    at = START + timedelta(seconds=ahead)
    wait = SettableClock(START, rate, anchor).real_seconds_until(at)
    assert wait >= 0
    later = SettableClock(START, rate, anchor - wait).now()
    # The epoch's float resolves a quarter of a microsecond, the rate multiplies it.
    assert later >= at - timedelta(seconds=1e-6 * max(1.0, rate))


def test_the_system_clock_is_aware_and_in_tokyo() -> None:
    assert SystemClock().now().utcoffset() == timedelta(hours=9)


@pytest.mark.parametrize("clock", ["2026-11-20T08:00:00", "2026-11-20T08:00:00+09:00", "2026-11-19T23:00:00Z"])
def test_a_start_without_an_offset_is_tokyo_time(clock: str) -> None:
    made = from_settings(clock, 60.0, anchor=0.0)
    assert isinstance(made, SettableClock)
    assert made.start == START


def test_nothing_set_is_the_system_clock_and_a_rate_alone_runs_from_the_present() -> None:
    assert from_settings(None) == SystemClock()
    fast = from_settings(None, 60.0, anchor=1_000.0)
    assert isinstance(fast, SettableClock)
    assert fast.start.timestamp() == 1_000.0


@pytest.mark.parametrize(
    ("clock", "rate", "where"),
    [
        ("tomorrow", 1.0, "SHUKKA_CLOCK"),
        ("9999-12-31T23:00:00Z", 1.0, "SHUKKA_CLOCK"),
        ("0001-01-01T00:00:00+09:00", 1.0, "SHUKKA_CLOCK"),
        (None, 0.0, "SHUKKA_CLOCK_RATE"),
        (None, float("nan"), "SHUKKA_CLOCK_RATE"),
    ],
)
def test_a_wrong_setting_is_named(clock: str | None, rate: float, where: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        from_settings(clock, rate)
    assert refused.value.where == where


@pytest.mark.parametrize("anchor", [1_763_611_200_000.0, float("nan"), float("inf"), -1.0])
def test_an_anchor_in_milliseconds_is_none(anchor: float) -> None:
    """Nor is what is no time at all; it was a traceback, or a Clock of another century."""
    with pytest.raises(Misconfigured) as refused:
        from_settings("2026-11-20T08:00:00+09:00", 1.0, anchor)
    assert refused.value.where == "SHUKKA_CLOCK_ANCHOR"
