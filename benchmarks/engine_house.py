"""Worker processes on a database, and orders for them: the engine without HTTP, broker, network and partners' time."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, text

from benchmarks.engine import Orders, Signals, Spent, work
from models.database import OPERATOR, connect
from models.migrations import upgrade
from pipelines.engine.inbox import Received, receive
from pipelines.engine.run import BATCH
from pipelines.orders.document import parse_order
from pipelines.orders.intake import Ending, Submission, take_in
from pipelines.shops import Shop, load_shops
from workers.clock import TOKYO, SettableClock
from workers.demo.orders import orders as made_orders
from workers.enrolment import create_client
from workers.installation import INSTALLATION
from workers.process.embedded import EmbeddedEngines

START: Final = datetime(2026, 11, 19, 10, 0, tzinfo=TOKYO)
#: Seconds until a worker has compiled its templates.
BOOT: Final = 120.0
#: How far orders go within the day: what is paid on delivery ends once the carrier has brought it (PAY-09).
AT_THE_END: Final = "condition = 'done' OR (method = 'cod' AND state = 'shipped')"
#: Methods whose customers go somewhere: nobody does here.
_VISITS: Final = ("konbini", "loan")


def the_orders(count: int, seed: int) -> list[dict[str, Any]]:
    """Orders of the four shops that can all go the whole way today: in stock, payable, called to no store (STO-01), nothing for a human."""
    made = made_orders(seed, count + count // 5 + 20, START - timedelta(hours=1), START)
    documents = [one for one in made if "pickup" not in one][:count]
    for document in documents:
        document["remarks"] = ""
        if document["payment"]["token"] is not None or document["payment"]["method"] in _VISITS:
            document["payment"] = {"method": "card", "token": "tok_ok"}
        for line in document["lines"]:
            if line["availability"] != "unique":
                line["availability"], line["expected_on"] = "in_stock", None
    return documents


@dataclass
class Hands:
    """Worker processes that have compiled their templates: they work while ``signals.go`` is set. ``spent`` is what each spent, once they
    have ended."""

    signals: Signals
    pids: Sequence[int]
    spent: list[Spent] = field(default_factory=list)


@contextmanager
def hands(orders: Orders, processes: int) -> Iterator[Hands]:
    """So many worker processes at ``orders``, until the end. Raises queue.Empty if they do not get ready within ``BOOT``."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(processes, mp_context=context) as pool:
        signals = Signals(manager.Queue(), manager.Event(), manager.Event())
        running: list[Future[Spent]] = [pool.submit(work, orders, signals) for _ in range(processes)]
        spent: list[Spent] = []
        try:
            yield Hands(signals, [signals.ready.get(timeout=BOOT) for _ in running], spent)
        finally:
            signals.stop.set()
            signals.go.set()
            spent += [one.result() for one in running]


@dataclass
class EngineHouse:
    """What takes orders in and has them carried by ``hands``."""

    engine: Engine
    clock: SettableClock
    shops: Mapping[str, Shop]
    hands: Hands
    with_mails: bool
    _first: int = 0

    def take(self, documents: Sequence[Mapping[str, Any]]) -> float:
        """Take orders in and, for those by bank transfer, the deposits; the seconds that taking in lasted."""
        with self.engine.connect() as connection:
            self._first = connection.execute(text("SELECT coalesce(max(id), 0) FROM shop_order")).scalar_one()
        began = time.perf_counter()
        for first in range(0, len(documents), 500):
            submissions = [Submission(parse_order(one)) for one in documents[first : first + 500]]
            refused = [
                a for a in take_in(self.engine, self.shops, self.clock, submissions) if a.ending != Ending.ACCEPTED
            ]
            if refused:
                raise SystemExit(f"benchmark order refused: {refused[0]}")
        taken = time.perf_counter() - began
        self._pay()
        return taken

    def _pay(self) -> None:
        """Deposits for the bank transfers are in the inbox already, as after a night."""
        asked = "SELECT shop, number, grand_total FROM shop_order WHERE id > :first AND method = 'bank_transfer' AND grand_total > 0"
        with self.engine.connect() as connection:
            due = connection.execute(text(asked), {"first": self._first}).all()
        events = [
            Received("gateway:bank", f"{s}:{n}", "deposit.received", {"amount": total}, self.clock.now(), order=(s, n))
            for s, n, total in due
        ]
        for first in range(0, len(events), 500):
            receive(self.engine, self.clock, events[first : first + 500])

    def carry(self, *, end: str = AT_THE_END, patience: float = 300.0) -> float:
        """Seconds until every order that was taken last is at its ``end`` (a condition on its row) and nothing waits to be performed.

        Raises TimeoutError after ``patience`` seconds, naming an order that is not.
        """
        began = time.perf_counter()
        self.hands.signals.go.set()
        try:
            while left := self._left(end):
                if time.perf_counter() - began > patience:
                    raise TimeoutError(f"after {patience:.0f} s still under way: {left}")
                time.sleep(0.1)
            return time.perf_counter() - began
        finally:
            self.hands.signals.go.clear()

    def _left(self, end: str) -> str | None:
        """Something that is not over yet: an order, else a kind of effect."""
        waits = "true" if self.with_mails else "kind <> 'mail.send'"
        asked = f"""SELECT coalesce((SELECT shop || '/' || number || ' ' || state FROM shop_order WHERE id > :first AND NOT ({end}) LIMIT 1),
                                    (SELECT kind FROM effect_lease WHERE {waits} LIMIT 1))"""
        with self.engine.connect() as connection:
            found: str | None = connection.execute(text(asked), {"first": self._first}).scalar_one()
        return found


@contextmanager
def engine_house(
    url: str,
    *,
    processes: int = 2,
    smtp: str | None = None,
    batch: int = BATCH,
    shops: Path | None = None,
    start: datetime = START,
) -> Iterator[EngineHouse]:
    """Worker processes on the database ``url`` that are ready to go, on a Clock that shows ``start`` now."""
    clock = SettableClock(start, 1.0, time.time())
    engine = connect(url, OPERATOR, application="shukka-bench")
    try:
        with hands(Orders(url, clock.start, clock.anchor, smtp, batch, shops), processes) as those:
            yield EngineHouse(engine, clock, load_shops(shops, INSTALLATION), those, with_mails=smtp is not None)
    finally:
        engine.dispose()


@dataclass(frozen=True)
class Database:
    """An embedded PostgreSQL at the newest revision, with the packaged shops' suppliers; ``pid`` is its first process."""

    url: str
    pid: int
    engine: Engine


@contextmanager
def database(prepared: Callable[[Engine], None] = lambda engine: None) -> Iterator[Database]:
    """A database of its own, ``prepared`` before it is used."""
    with tempfile.TemporaryDirectory(prefix="shukka-bench-") as folder:
        Path(folder).chmod(0o711)
        engines = EmbeddedEngines(Path(folder) / "data", valkey=False)
        with engines as urls:
            url = urls.database_url or ""
            engine = connect(url, OPERATOR, application="shukka-bench")
            upgrade(engine)
            for name in sorted({name for shop in load_shops().values() for name in shop.suppliers} | {"warehouse"}):
                create_client(engine, "supplier", name, known_shops=(), url="http://127.0.0.1:1/")
            prepared(engine)
            yield Database(url, engines.pids()["postgres"], engine)
            engine.dispose()
