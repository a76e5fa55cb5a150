"""One run: strike, heal, measure until orders move again; at the end everything is judged."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psycopg
import redis
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from benchmarks.chaos.field import BOUND, LOOK, Field, laid_out
from benchmarks.chaos.injury import Count, Unhealed
from benchmarks.chaos.storm import Blow, Storm
from workers.clock import TOKYO
from workers.demo.trial import Trial, load_of_machine
from workers.demo.verdict import Verdict, judge
from workers.process.child import wait_until

#: A Monday: suppliers are told something on each of its days.
OPENS = datetime(2026, 11, 16, 8, 30, tzinfo=TOKYO)
#: Real seconds of peace after things move again.
_PEACE = 1.0
#: Real seconds until the first order is through.
_WARM = 60.0
#: Real seconds allowed at the end: what was under way when its worker was killed waits for its lease, and what was tried in
#: vain for its next attempt.
_DRAIN = 240.0
#: How often an injury is struck again that found nothing to strike.
_AGAIN = 3


@dataclass(frozen=True, slots=True)
class Wound:
    """What one injury did: how often it ``struck``; real seconds from its end until an order that came in after that was
    authorized, None if that took longer than ``BOUND`` (on an idle machine); the ``orders`` that moved
    meanwhile; ``says`` what did not heal; ``came`` whether any order came in after it that could tell."""

    name: str
    struck: int
    resumed: float | None
    orders: int
    is_mixed: bool = False
    says: str = ""
    came: bool = True


@dataclass
class Outcome:
    """What a run brought; ``verdict`` is None if it was interrupted, or broken off by what ``says``."""

    storm: Storm
    wounds: list[Wound] = field(default_factory=list)
    verdict: Verdict | None = None
    seconds: float = 0.0
    says: str = ""

    @property
    def unstruck(self) -> Sequence[str]:
        """The injuries that were to strike alone and never did as often as they should, one sentence each."""
        if self.storm.mixtures:
            return []
        found = {one.name: 0 for one in self.storm.injuries}
        for wound in self.wounds:
            if wound.struck and not wound.is_mixed:
                found[wound.name] += 1
        wanted = self.storm.rounds
        return [f"{name} struck {times} times of {wanted}" for name, times in found.items() if times < wanted]

    @property
    def unhealed(self) -> Sequence[str]:
        """What did not resume in time, one sentence each."""
        return [
            f"{one.name}: {one.says or f'no order moved within {BOUND:.0f} s'}"
            for one in self.wounds
            if one.resumed is None
        ]

    @property
    def is_good(self) -> bool:
        """True if everything struck, everything resumed in time, and every promise was kept."""
        return self.verdict is not None and self.verdict.is_good and not self.unstruck and not self.unhealed


def run(root: Path, storm: Storm, report: Callable[[str], None], stop: threading.Event) -> Outcome:
    """Run the whole thing under ``root`` until ``stop``. Raises what ``workers.demo.trial.opened`` raises."""
    outcome, began = Outcome(storm), time.monotonic()
    with laid_out(root, storm.plan, OPENS, storm.rate, report, storm.seed) as field_:
        trial = field_.trial
        trial.world.trade(trial.service.url, trial.clock)
        wait_until(lambda: _moved_at(trial, 0.0) > 0, patience=_WARM, pause=LOOK)
        _strike_all(field_, storm, outcome, report, stop)
        field_.heal()
        if storm.is_short:
            trial.world.close_shops()
        while trial.world.is_trading and not stop.is_set():
            time.sleep(LOOK)
        if not stop.is_set():
            report(f"{trial.clock.now():%d %H:%M}  no order comes any more; draining")
            trial.settle(_DRAIN)
            outcome.verdict = judge(trial, trial.finish())
            if field_.disk is not None and not outcome.is_good:
                field_.disk.give_back(field_.database_url)
    outcome.seconds = time.monotonic() - began
    return outcome


def _strike_all(
    field_: Field, storm: Storm, outcome: Outcome, report: Callable[[str], None], stop: threading.Event
) -> None:
    """Everything alone, what found nothing to strike once more; then mixtures for as long as orders come."""
    pending, again = storm.alone(), {one.name: _AGAIN for one in storm.injuries}
    mixtures = storm.mixed()
    last = field_.trial.clock.anchor + storm.seconds
    while time.time() < last and field_.trial.world.is_trading and not stop.is_set():
        blow = due(pending, field_.trial.clock.now()) or (None if storm.is_short else next(mixtures, None))
        if blow is None and not pending:
            return
        if blow is None:
            time.sleep(LOOK)
            continue
        wounds = strike(field_, blow)
        if time.time() > last and not all(wound.came for wound in wounds):
            return  # the last order was in before: nothing can be told by those that were to come
        outcome.wounds += wounds
        for wound in wounds:
            took = wound.says or ("did not resume" if wound.resumed is None else f"{wound.resumed:.1f} s")
            report(f"{field_.trial.clock.now():%d %H:%M}  {wound.name}: struck {wound.struck}, {took}")
        missed = [wound.name for wound in wounds if not wound.struck and again.get(wound.name)]
        if missed and len(blow) == 1:
            again.update((name, again[name] - 1) for name in missed)
            pending.append(blow)
        wait_until(stop.is_set, patience=_PEACE, pause=LOOK)


def due(pending: list[Blow], now: datetime) -> Blow | None:
    """Take the first blow whose hour it is."""
    for blow in pending:
        if all(one.is_time(now) for one in blow):
            pending.remove(blow)
            return blow
    return None


def strike(field_: Field, blow: Blow) -> list[Wound]:
    """Inflict everything in ``blow`` together, heal it, and wait until an order that came in after that is authorized."""
    began, says = time.time(), ""
    over = began
    counts: list[Count] = []
    struck = [0 for _ in blow]
    try:
        with ExitStack() as healing:
            counts += [healing.enter_context(one.inflict(field_)) for one in blow]
            struck = _last(blow, counts)
            over = time.time()
    except Unhealed as error:
        says = str(error)
    except (psycopg.Error, redis.RedisError, OSError) as error:
        says = f"{type(error).__name__} where it was struck: {error}"
    bound = BOUND * load_of_machine()
    came = bool(says) or wait_until(lambda: _came(field_.trial, over), patience=bound, pause=LOOK)
    if not came:
        says = f"no order came in within {bound:.0f} s"
    resumed = None if says else _resumed(field_.trial, over, bound)
    touched = _touched(field_.trial, began)
    is_mixed = len(blow) > 1
    return [
        Wound(one.name, times, resumed, touched, is_mixed, says, came) for one, times in zip(blow, struck, strict=True)
    ]


def _last(blow: Blow, counts: Sequence[Count]) -> list[int]:
    """Let it go on for as long as it is to last, and until each has struck; how often each did. What has struck once counts,
    even if it is over by now."""
    most = [0 for _ in blow]
    began = time.monotonic()
    while True:
        most = [max(before, count()) for before, count in zip(most, counts, strict=True)]
        passed = time.monotonic() - began
        if all(
            passed >= one.lasts and (times or passed >= one.lasts + one.patience)
            for one, times in zip(blow, most, strict=True)
        ):
            return most
        time.sleep(LOOK)


def _came(trial: Trial, since: float) -> bool:
    """True if an order was stored after the real time ``since``."""
    query = "SELECT count(*) FROM (SELECT FROM shop_order WHERE recorded_at > to_timestamp(:since) LIMIT 1) AS came"
    return _asked(trial, query, since) > 0


def _resumed(trial: Trial, since: float, bound: float) -> float | None:
    """Real seconds from ``since`` until such an order was authorized, None if none is after ``bound`` more."""
    until = time.monotonic() + bound
    while not (moved := _moved_at(trial, since)):
        if time.monotonic() > until:
            return None
        time.sleep(LOOK)
    return moved - since


def _moved_at(trial: Trial, since: float) -> float:
    """The real time when the first such order was authorized or went further on, as the database wrote it down: healing may
    take longer. 0 if none was."""
    return _asked(
        trial,
        """SELECT coalesce(extract(epoch FROM min(t.recorded_at)), 0) FROM transition t JOIN shop_order o ON o.id = t.order_id
           WHERE o.recorded_at > to_timestamp(:since) AND t.recorded_at > to_timestamp(:since)
             AND t.entity = 'order' AND t.to_state NOT IN ('accepted', 'awaiting_payment', 'cancelled')""",
        since,
    )


def _touched(trial: Trial, since: float) -> int:
    """How many orders moved after the real time ``since``."""
    query = "SELECT count(DISTINCT order_id) FROM transition WHERE recorded_at > to_timestamp(:since)"
    return int(_asked(trial, query, since))


def _asked(trial: Trial, query: str, since: float) -> float:
    """The answer to ``query``; 0 where the database cannot be asked."""
    with suppress(DBAPIError), trial.engine.connect() as connection:
        return float(connection.execute(text(query), {"since": since}).scalar_one())
    return 0.0
