"""What the benchmark makes of its numbers: when something has become dearer, and that its picture draws figures that there are."""

from __future__ import annotations

import json

import pytest

from benchmarks.check import BASELINE, Found, Verdict
from benchmarks.drawing import draw
from benchmarks.part import spread

STEADY = (10.0, 10.5, 11.0)
NOISY = (10.0, 14.0, 9.0)


@pytest.mark.parametrize(
    ("values", "counted", "before", "is_dearer", "says"),
    [
        (STEADY, False, 10.0, False, "as before"),
        (STEADY, False, 9.0, True, "DEARER"),
        (STEADY, False, 13.0, False, "cheaper: write it down"),
        (NOISY, False, 5.0, False, "too noisy to judge"),
        ((10.0, 10.1, 10.2, 10.1, 99.0), False, 8.0, True, "DEARER"),  # one round of five may be spoilt
        ((10.0,), True, 10.0, False, "as before"),
        ((12.0,), True, 10.0, True, "DEARER"),
        (STEADY, False, None, False, "new"),
    ],
)
def test_what_rose_by_more_than_noise_is_dearer(
    values: tuple[float, ...], counted: bool, before: float | None, is_dearer: bool, says: str
) -> None:
    verdict = Verdict("a figure", Found(values, counted), before)
    assert (verdict.is_dearer, verdict.says) == (is_dearer, says)


@pytest.mark.parametrize(
    ("values", "expected"),
    [((10.0,), None), ((10.0, 12.0), 2 / 11), ((0.0, 0.0), None), ((1.0, 10.0, 10.0, 10.0, 90.0), 0.0)],
)
def test_spread_is_a_share_of_the_median(values: tuple[float, ...], expected: float | None) -> None:
    assert spread(values) == (pytest.approx(expected) if expected is not None else None)


def test_the_baseline_has_every_figure_once() -> None:
    assert set(json.loads(BASELINE.read_text("utf-8"))) == {
        "engine, processor time",
        "engine, seconds",
        "whole path, processor time",
        "idle, wake-ups a second",
        *(f"{what} of an order {name}" for what in ("statements", "rows", "wal") for name in ("alone", "among")),
    }


def test_the_picture_draws_what_was_taken() -> None:
    figures = [
        {"name": "mails rendered and stored", "value": 600.0, "unit": "orders/s", "spread": 0.1},
        {"name": "workers, an order", "value": 2.0, "unit": "ms of processor", "spread": None},
    ]
    drawn = draw([{"part": "engine", "figures": figures}])
    assert drawn.count('fill="#1f6f8b"') == 1
    assert ">600<" in drawn
    assert "stroke=" in drawn, "several runs differ, and the picture says by how much"
