"""RFC 9110, 10.2.3: a Retry-After names seconds, or a moment; whoever is asked to wait waits, by whatever door the word came."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime, formatdate

import pytest

from pipelines.values.calendar import JST
from workers.http.retry_after import seconds_of


@pytest.mark.parametrize(
    ("word", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("１２０", None),
        ("Thu, 19 Nov 2020 08:00:00 GMT", None),
        ("Fri, 32 Nov 2099 08:00:00 GMT", None),
        ("Thu, 01 Jan 0001 00:00:00 +2359", None),
    ],
)
def test_seconds_are_those_that_it_names(word: str, seconds: float | None) -> None:
    assert seconds_of(word) == seconds


@pytest.mark.parametrize(
    "written",
    [
        lambda at: formatdate(at, usegmt=True),
        formatdate,
        lambda at: format_datetime(datetime.fromtimestamp(at, JST)),
    ],
    ids=["gmt", "minus zero", "japan"],
)
def test_a_moment_to_come_is_waited_for(written: Callable[[float], str]) -> None:
    assert seconds_of(written(time.time() + 3600)) == pytest.approx(3600, abs=30)
