"""``make quarter``: ninety days of the four shops in some minutes, with every timer and every job, and nothing left unwatched.

The real engine decides on a real PostgreSQL, effects are performed by the real loop; the outside world is in this process
(``benchmarks.quarter_world``) and so are its people (``benchmarks.quarter_people``). The clock never runs: it is set to whatever is
due next. Each week, and at the end, the database is judged; at the end every judge (``workers.audit``) is asked, of the journals of
the outside world too.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from rich.console import Console
from sqlalchemy import Engine, text

from benchmarks.other_shops import other_shops
from benchmarks.quarter_people import Asked, People, at_time
from benchmarks.quarter_world import LedgerGateway, Outside
from benchmarks.world import LocalBell
from models.database import OPERATOR, connect
from models.migrations import upgrade
from models.store import work
from pipelines.engine.run import BATCH, Runner
from pipelines.ports import Clock, MailRenderer
from pipelines.ports import Outcome as SmtpOutcome
from pipelines.route import STAGES
from pipelines.shops import Shop, load_shops
from pipelines.suppliers.channel import Sender
from pipelines.suppliers.instructions import MAIL, WEBHOOK
from pipelines.values.calendar import in_japan
from workers.audit.registry import audit, of_database
from workers.channels.mail import MailSender
from workers.channels.webhook import WebhookSender
from workers.clock import TOKYO
from workers.demo import standing
from workers.demo.day import waits
from workers.demo.promises import Promise, by_reason, first_days, promises
from workers.demo.standing import Awaited
from workers.demo.trial import remove, scratch
from workers.demo.world import SUPPLIERS
from workers.effects import mail, payments, storefronts, suppliers
from workers.effects.effect import Performer
from workers.effects.loop import EffectLoop
from workers.enrolment import create_client
from workers.installation import INSTALLATION
from workers.mail.rendering import Renderer
from workers.periodic import Timekeeper
from workers.process.embedded import EmbeddedEngines
from workers.reconciliation import Reconciler

#: The quarter begins on a Thursday; the New Year closes the shops in its middle.
START = datetime(2026, 11, 19, 8, 0, tzinfo=TOKYO)
Deliver = Callable[[mail.ReadyMail, Callable[[], bool]], Awaitable[SmtpOutcome]]
"""Hands a mail over, as an SMTP pool does."""
#: What happens outside within so many minutes comes in together.
SLICE = timedelta(minutes=20)
#: Turns after which an engine that still has something due at one moment has lost its way.
_TURNS = 500


@dataclass(frozen=True, slots=True)
class Quarter:
    """How long, and how busy."""

    days: int = 90
    orders_a_day: int = 10
    seed: int = 1


@dataclass
class Outcome:
    """What a quarter came to; ``violations`` are sentences, each with the day on which it was found. Money in yen."""

    by_state: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, Sequence[tuple[int, str]]] = field(default_factory=dict)
    awaits: Sequence[Awaited] = ()
    promised: Sequence[Promise] = ()
    money: Mapping[str, int] = field(default_factory=dict)
    points: Mapping[str, int] = field(default_factory=dict)
    returns: Mapping[str, int] = field(default_factory=dict)
    mails: Mapping[str, int] = field(default_factory=dict)
    jobs: Mapping[str, int] = field(default_factory=dict)
    asked: Asked = field(default_factory=Asked)
    moments: int = 0
    reconciled: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether no promise was broken and nothing waits unwatched."""
        return not self.violations


@dataclass(frozen=True, slots=True)
class Means:
    """What channels stand on; there are no pages."""

    engine: Engine
    shops: Mapping[str, Shop]
    clock: Clock
    renderer: MailRenderer
    links: None = None


class Simulation:
    """The house, and the world around it, on ``engine``: an empty database of the newest schema. ``shops``: those that come with
    Shukka where nothing is said."""

    def __init__(
        self, engine: Engine, quarter: Quarter, renderer: MailRenderer, shops: Mapping[str, Shop] | None = None
    ) -> None:
        self._engine = engine
        self._quarter = quarter
        self._shops = shops or load_shops(installation=INSTALLATION)
        self._outside = Outside.of(engine, START, quarter.seed)
        self._people = People(engine, self._shops, self._outside, quarter.seed)
        clock = self._outside.clock
        self._runner = Runner(engine, self._shops, renderer, clock, route=STAGES)
        self._timekeeper = Timekeeper(engine, self._shops, renderer, clock)
        performers = [
            *self._mail_performers(self._outside.postbox.deliver),
            *payments.EFFECT.performed_by(payments.performing({"sandbox": self._gateway()}), 4),
            *suppliers.EFFECT.performed_by(suppliers.performing(self._channels(renderer), self._shops, clock), 4),
            *storefronts.EFFECT.performed_by(storefronts.performing(self._outside.listener, clock), 4),
        ]
        self._bell = LocalBell()
        self._loop = EffectLoop(engine, clock, self._bell, performers)
        self._outcome = Outcome()
        self._jobs: Counter[str] = Counter()
        for name in SUPPLIERS:
            create_client(engine, "supplier", name, known_shops=self._shops, url=f"http://127.0.0.1:9/{name}")
        create_client(engine, "storefront", "shops", known_shops=self._shops, url="http://127.0.0.1:9/events")

    def _channels(self, renderer: MailRenderer) -> Mapping[str, Sender]:
        means = Means(self._engine, self._shops, self._outside.clock, renderer)
        return {WEBHOOK: WebhookSender(self._outside.desk, means.clock), MAIL: MailSender(means)}

    def _gateway(self) -> LedgerGateway:
        return self._outside.gateway

    def _mail_performers(self, deliver: Deliver) -> list[Performer[Any]]:
        return mail.EFFECT.performed_by(mail.performing(deliver), 4)

    def run(self, report: Callable[[str], None]) -> Outcome:
        """Live through the whole quarter and judge it; ``report`` hears of each week."""
        self.live(report)
        return self.judge()

    def live(self, report: Callable[[str], None]) -> None:
        """Live through the whole quarter."""
        end = START + timedelta(days=self._quarter.days)
        self._plan()
        with asyncio.Runner() as runner:
            looked_at = None
            while (moment := self._next(end)) is not None:
                self._outside.clock.set(moment)
                self._outside.agenda.do(moment)
                if looked_at != (hour := moment.replace(minute=0, second=0, microsecond=0)):
                    self._jobs.update(self._timekeeper.look())
                    looked_at = hour
                self._settle(runner)
                self._outcome.moments += 1
                self._weekly(moment, report)
                self._reconcile(moment, runner)
            self._outside.clock.set(end)
            self._settle(runner)
            self._month = 0
            self._reconcile(end, runner)

    def _plan(self) -> None:
        for day in range(self._quarter.days):
            morning = START + timedelta(days=day)
            self._people.come(at_time(morning, 8), at_time(morning, 23), day, self._quarter.orders_a_day)
            for at in (at_time(morning, 0, 5), at_time(morning, 10)):  # the jobs of midnight and of the morning
                self._outside.agenda.plan(at, lambda at: None)
            if morning.weekday() < 5:
                self._outside.agenda.plan(at_time(morning, 17, 30), self._people.attend)

    def _next(self, end: datetime) -> datetime | None:
        """The next moment at which anything happens: what is due, or the slice in which somebody outside does something."""
        now = self._outside.clock.now()
        with self._engine.connect() as connection:
            due = connection.execute(
                text("SELECT min(due_at) FROM work WHERE due_at > :now AND retry_at IS NULL"), {"now": now}
            ).scalar()
        planned = self._outside.agenda.next_at
        slices = [] if planned is None else [max(now, START + -(-(planned - START) // SLICE) * SLICE)]
        moment = min([*slices, *([due] if due else [])], default=None)
        return None if moment is None or moment >= end else moment

    def _settle(self, runner: asyncio.Runner) -> None:
        """Go on until nothing is due at this moment."""
        now = self._outside.clock.now()
        for _ in range(_TURNS):
            busy = self._outside.inbox.hand_in()
            with self._engine.connect() as connection:
                stages = work.due_stages(connection, list(STAGES), now)
                kinds = connection.execute(text("SELECT DISTINCT kind FROM effect_lease WHERE due_at <= now()"))
                due_kinds = [row.kind for row in kinds]
            for name in stages:
                claimed = BATCH
                while claimed == BATCH:
                    claimed = self._runner.run_batch(STAGES[name]).claimed
                    busy += claimed
            busy += sum(runner.run(self._loop.drain(kind)) for kind in due_kinds)
            if not busy:
                return
        self._found(now, f"something stays due at {now} for ever")

    def _weekly(self, moment: datetime, report: Callable[[str], None]) -> None:
        week = (moment - START) // timedelta(days=7)
        if week > self._week:
            self._week = week
            self._check(moment)
            with self._engine.connect() as connection:
                states = standing.glance(connection, moment).by_state
            found = self._outcome.violations
            says = "  ".join(f"{state} {count}" for state, count in states.items())
            report(f"{moment:%Y-%m-%d}  {says}  violations {len(found)}")
            for violation in found[self._reported :]:
                report(f"  violation: {violation}")
            self._reported = len(found)

    _week = _reported = _month = 0

    def _reconcile(self, moment: datetime, runner: asyncio.Runner) -> None:
        """Each month the gateway's list and the books leave nothing to settle; what a human has is asked for elsewhere.

        At noon of its first day, or of a later one: a slip of the month before is waited for until six, or for as long as a shop says, since
        a late notice may say that it was paid.
        """
        grace = max(shop.payment.konbini_grace_hours for shop in self._shops.values())
        settled = moment - timedelta(hours=6 + grace)
        month = settled.year * 12 + settled.month
        if month == self._month:
            return
        self._month = month
        reconciler = Reconciler(self._engine, self._outside.clock, self._shops)
        found = runner.run(reconciler.reconcile("sandbox", self._gateway()))
        self._outcome.reconciled += found.listed
        for one in found.differences:
            self._found(moment, f"reconciliation: {one.order} {one.reference}: {one.says}")
        self._settle(runner)

    def _check(self, moment: datetime) -> None:
        """Everything that the database itself can tell."""
        with self._engine.connect() as connection:
            for one in of_database(connection, moment):
                self._found(moment, str(one))

    def _found(self, moment: datetime, says: str) -> None:
        if not any(known.endswith(says) for known in self._outcome.violations):
            self._outcome.violations.append(f"{moment:%m-%d} {says}")

    def judge(self) -> Outcome:
        """What it came to, as everything stands now."""
        end, outcome, journals = self._outside.clock.now(), self._outcome, self._outside.diary.journals()
        with self._engine.connect() as connection:
            for one in audit(connection, journals, end, self._shops):
                self._found(end, str(one))
            for hold in sorted(self._people.without_way_out):
                self._found(end, f"{hold}, and every way out was refused")
            outcome.by_state = standing.glance(connection, end).by_state
            outcome.reasons, outcome.awaits = standing.reasons(connection), standing.awaited(connection)
            outcome.promised = promises(connection, first_days(journals.suppliers), in_japan(end).date() - timedelta(1))
            outcome.money = _row(connection, _MONEY)
            outcome.returns = {row.state: row.returns for row in connection.execute(text(_RETURNS))}
            outcome.points = {row.kind: row.points for row in connection.execute(text(_POINTS))}
        outcome.mails = dict(Counter(str(one["template"]) for one in journals.sink).most_common())
        outcome.asked, outcome.jobs = self._people.asked, self._jobs
        return outcome


_MONEY = """
SELECT count(*) AS orders, sum(p.amount) AS ordered, sum(p.captured) AS captured, sum(p.refunded) AS refunded
FROM payment p
"""
_POINTS = "SELECT kind, sum(amount) AS points FROM point_transfer GROUP BY kind ORDER BY 2 DESC"


_RETURNS = "SELECT state, count(*) AS returns FROM return_request GROUP BY state ORDER BY 2 DESC, 1"


def _row(connection: Any, query: str) -> dict[str, int]:
    return {name: int(value or 0) for name, value in connection.execute(text(query)).one()._asdict().items()}


def show(outcome: Outcome, seconds: float, console: Console) -> None:
    """The summary."""

    def say(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    for state, count in outcome.by_state.items():
        say(
            f"{state:<17}{count:>6}  " + "; ".join(f"{n} {why}" for n, why in islice(outcome.reasons.get(state, ()), 6))
        )
    if outcome.awaits:
        console.print(waits(outcome.awaits))
    say("money   " + ", ".join(f"{name} {value:,}" for name, value in outcome.money.items()))
    say("points  " + ", ".join(f"{kind} {value:,}" for kind, value in outcome.points.items()))
    say("returns " + ", ".join(f"{state} {count}" for state, count in outcome.returns.items()))
    kept = sum(one.is_kept for one in outcome.promised)
    late = [one for one in outcome.promised if not one.is_kept]
    why = "; ".join(f"{count} {says}" for count, says in by_reason(late))
    say(f"promises of a day kept {kept}, missed {len(late)}" + (f": {why}" if why else ""))
    say(f"mails {sum(outcome.mails.values())}: " + ", ".join(f"{name} {n}" for name, n in outcome.mails.items()))
    say("jobs    " + ", ".join(f"{name} {n}" for name, n in outcome.jobs.items()))
    say("granted " + ", ".join(f"{name} {n}" for name, n in outcome.asked.granted.most_common()))
    say("refused " + ", ".join(f"{name} {n}" for name, n in outcome.asked.refused.most_common()))
    say("orders refused for " + ", ".join(f"{name} {n}" for name, n in outcome.asked.orders_refused.most_common()))
    say(f"payments compared with the gateway's list, month by month: {outcome.reconciled}")
    for violation in outcome.violations:
        say(f"  violation: {violation}")
    unwatched_now = sum("nothing will ever move it" in one for one in outcome.violations)
    say(
        f"{len(outcome.violations)} violations, {unwatched_now} unwatched; {outcome.moments} moments in {seconds:.0f} s"
    )


def main() -> int:
    """The command; exit code 0, or 1 where a promise was broken."""
    usual = Quarter()
    options = argparse.ArgumentParser(prog="python -m benchmarks.quarter", description="Ninety days in some minutes.")
    options.add_argument("--days", type=int, default=usual.days)
    options.add_argument("--orders-a-day", type=int, default=usual.orders_a_day)
    options.add_argument("--seed", type=int, default=usual.seed)
    options.add_argument("--other-shops", action="store_true", help="some parameters of the profiles drawn by the seed")
    arguments = options.parse_args()
    console, root, began = Console(highlight=False), scratch("quarter"), time.monotonic()
    engines = EmbeddedEngines(root / "data")
    try:
        url = engines.start().database_url
        assert url is not None
        engine = connect(url, OPERATOR, application="shukka-quarter")
        upgrade(engine)
        renderer = Renderer("orders@shukka.example", "shukka.example")
        renderer.check()
        quarter = Quarter(arguments.days, arguments.orders_a_day, arguments.seed)
        say = partial(console.print, markup=False, soft_wrap=True)
        shops = load_shops(installation=INSTALLATION)
        if arguments.other_shops:
            shops, drawn = other_shops(shops, arguments.seed, INSTALLATION)
            for key, changes in drawn.items():
                say(f"{key}: {'; '.join(changes)}")
        outcome = Simulation(engine, quarter, renderer, shops).run(say)
        engine.dispose()
    finally:
        engines.stop()
        remove(root)
    show(outcome, time.monotonic() - began, console)
    return 0 if outcome.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
