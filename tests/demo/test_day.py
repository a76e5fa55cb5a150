"""The demo day, whole: real engines, real processes, real HTTP and SMTP."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from models.states import OrderState
from tests.process.world import eventually, processes_of
from workers.clock import TOKYO
from workers.demo.day import (
    BUSIEST_SECOND,
    CLOSES,
    OPENS,
    SHORTEST_DAY,
    TRADING_HOURS,
    as_object,
    rate_for,
    show,
    showing,
)
from workers.demo.promises import Promise
from workers.demo.standing import Awaited, Standing
from workers.demo.trial import BUSIEST, remove, scratch
from workers.demo.verdict import Verdict


def verdict(**changes: Any) -> Verdict:
    usual: Mapping[str, Any] = {
        "by_state": {"shipped": 2}, "reasons": {"shipped": [(2, "parcels on their way")]}, "mails": {"order_accepted": 2},
        "repeated": 0, "slowest": [], "stuck": [], "violations": [],
    }  # fmt: skip
    return Verdict(**{**usual, **changes})


@pytest.fixture
def own_tmp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory for temporary files that the engines can reach, so that what is left behind can be seen."""
    root = scratch("test")
    monkeypatch.setenv("TMPDIR", str(root))
    yield root
    remove(root)


@given(orders=st.integers(1, 100_000), load=st.floats(1, BUSIEST))
def test_the_clock_never_outruns_the_work_and_goes_slower_on_a_busy_machine(orders: int, load: float) -> None:
    rate = rate_for(orders, load)
    assert rate * load == pytest.approx(rate_for(orders))
    assert orders / (TRADING_HOURS * 3600 / rate) <= BUSIEST_SECOND * 1.0001
    assert (CLOSES - OPENS).total_seconds() / rate >= SHORTEST_DAY * 0.9999


DAY = date(2026, 11, 19)
KEPT, LATE = (
    Promise("salon/S-1", "SH-1", DAY, DAY, ""),
    Promise("salon/S-2", "SH-2", DAY, None, "the supplier is silent"),
)
DELIVERY = Awaited(
    "carrier.delivery", "yamato", 112, datetime(2026, 11, 25, 10, tzinfo=TOKYO), datetime(2026, 12, 6, 10, tzinfo=TOKYO)
)


def test_the_object_is_the_contracts_and_says_what_was_promised_and_what_is_awaited() -> None:
    told = verdict(stuck=["salon/S-1: is stuck"], promised=[KEPT, LATE], awaits=[DELIVERY])
    assert as_object(told, orders=2, seconds=54.3) == {
        "orders": 2,
        "by_state": {"shipped": 2},
        "mails": 2,
        "stuck": 1,
        "violations": [],
        "seconds": 54.3,
        "money": [],
        "channels": [],
        "returns": [],
        "sighted": [],
        "replacing": {},
        "promised": 2,
        "left": 1,
        "late": [{"why": "the supplier is silent", "shipments": 1}],
        "awaits": [
            {
                "what": "carrier.delivery",
                "from": "yamato",
                "orders": 112,
                "until": ["2026-11-25T10:00:00+09:00", "2026-12-06T10:00:00+09:00"],
            }
        ],
    }


def printed(told: Verdict) -> str:
    console = Console(file=io.StringIO(), width=80, highlight=False)
    show(told, 54.0, console)
    return cast(io.StringIO, console.file).getvalue()


def test_the_summary_says_what_left_of_what_was_promised_and_why_the_rest_did_not() -> None:
    says = printed(verdict(promised=[KEPT, LATE], awaits=[DELIVERY]))
    assert "promised today 2, left today 1, late 1: 1 the supplier is silent\n" in says
    assert "112     carrier.delivery  yamato  11-25 10:00 to 12-06 10:00" in says
    assert "outran" not in says
    assert "the clock outran the work by up to 20 min" in printed(verdict(behind=1200.0))


def test_the_progress_of_a_narrow_terminal_wraps_and_is_never_cut() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None, highlight=False)
    states = {state.value: 100 for state in OrderState}
    with showing(console) as progress:
        progress(OPENS, Standing(states, mails=1234, events=1234, due=0, behind=0.0))
    shown = cast(io.StringIO, console.file).getvalue()
    assert "…" not in shown
    assert "events 1234" in shown


def test_what_leaves_for_goods_that_came_back_is_told_beside_what_was_placed() -> None:
    told = as_object(
        verdict(by_state={"authorized": 1, "shipped": 2}, replacing={"authorized": 1}), orders=2, seconds=1.0
    )
    assert (told["by_state"], told["replacing"]) == ({"shipped": 2}, {"authorized": 1})


@pytest.mark.parametrize(
    ("changes", "good"),
    [({}, True), ({"repeated": 3}, True), ({"stuck": ["an order"]}, False), ({"violations": ["a promise"]}, False)],
)
def test_a_day_is_good_if_nothing_is_stuck_and_no_promise_broken(changes: dict[str, Any], good: bool) -> None:
    assert verdict(**changes).is_good is good


def shukka(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "workers.cli.main", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


@pytest.mark.long
@pytest.mark.journey
@pytest.mark.timeout(300)
def test_a_business_day_ends_well_and_leaves_nothing_behind(own_tmp: Path) -> None:
    with shukka("demo", "--orders", "40", "--seed", "7", "--json") as demo:
        out, err = demo.communicate()
    assert demo.returncode == 0, err.decode()
    told = json.loads(out)
    assert list(told)[:6] == ["orders", "by_state", "mails", "stuck", "violations", "seconds"]
    assert (told["orders"], told["stuck"], told["violations"]) == (40, 0, [])
    assert sum(told["by_state"].values()) == 40
    assert {"shipped", "delivered"} & told["by_state"].keys()
    assert told["mails"] > 80
    assert told["promised"] == told["left"] + sum(one["shipments"] for one in told["late"]) > 0
    assert {one["what"] for one in told["awaits"]} >= {"carrier.delivery"}
    assert all(one["answered"] <= one["told"] for one in told["channels"])
    assert "webhook" in {one["channel"] for one in told["channels"]}
    assert list(own_tmp.iterdir()) == []


@pytest.mark.long
@pytest.mark.journey
@pytest.mark.timeout(180)
def test_a_day_on_which_nobody_keeps_his_word_leaves_no_order_silent(own_tmp: Path) -> None:
    """Suppliers silent, refusing, late and contradicting, customers paying short, late and twice, cancels racing."""
    with shukka("demo", "--orders", "60", "--seed", "3", "--faults", "--json") as demo:
        out, err = demo.communicate()
    assert demo.returncode == 0, err.decode()
    told = json.loads(out)
    assert (told["stuck"], told["violations"]) == (0, [])
    assert told["late"]
    assert {"supplier.ship", "carrier.delivery"} <= {one["what"] for one in told["awaits"]}


@pytest.mark.journey
def test_ctrl_c_ends_the_day_and_every_process(own_tmp: Path) -> None:
    with shukka("demo", "--orders", "20") as demo:
        assert eventually(lambda: len(processes_of(own_tmp)) >= 7, within=30)
        time.sleep(1.0)  # somewhere in the morning
        demo.send_signal(signal.SIGINT)
        out, err = demo.communicate(timeout=60)
    assert demo.returncode == 130, err.decode()
    assert out.decode().splitlines()[-1] == "stopped"
    assert (err, processes_of(own_tmp), list(own_tmp.iterdir())) == (b"", [], [])
