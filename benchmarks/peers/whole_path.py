"""The whole path: orders over HTTP, gateway and suppliers over HTTP, a signed webhook for every shipment, mails over SMTP, events to the
storefront over HTTP.

As many orders are under way as ``CROWD`` connections post, one after the other each; the clock starts with the first and stops when the last
order rests, its mails have been taken and the storefront has heard of every move. The partners are not counted, but share the machine.
"""

from __future__ import annotations

import itertools
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
from sqlalchemy import Engine, text

from benchmarks.partners.outside import SOUND, Outside
from benchmarks.path import CROWD, Makers
from benchmarks.peers.catalogue import Peer
from benchmarks.peers.ears import Ears
from benchmarks.peers.job import SHOP, START, WARM, due, events_due, orders
from benchmarks.peers.place import House
from benchmarks.peers.run import Ground, Run, ground, prepared, process
from workers.demo.world import Attended
from workers.enrolment import create_client
from workers.process.service import Service, free_port
from workers.process.supervisor import Supervisor
from workers.settings import Settings

WARMING: Final = 40
"""Orders that each contender carries before its clock starts."""
_UNSENT: Final = """
SELECT count(*) FROM mail m JOIN shop_order o ON o.id = m.order_id WHERE m.state <> 'sent' AND o.number LIKE :which"""


@dataclass(frozen=True)
class _Door:
    """Where a contender's web process answers."""

    url: str


@dataclass(frozen=True)
class _Reached:
    """A contender as the suppliers reach it."""

    service: _Door
    engine: Engine
    secrets: Mapping[str, str]
    anchor: float

    def now(self) -> datetime:
        """The moment of its Clock."""
        return START + timedelta(seconds=time.time() - self.anchor)


def ours(count: int) -> Run:
    """Shukka's run: web, worker with two processes, clock."""
    with ExitStack() as stack:
        outside, ears = stack.enter_context(Outside()), stack.enter_context(Ears())
        here = stack.enter_context(ground(outside.url(SOUND)))
        key = create_client(here.engine, "storefront", "store", shops=(SHOP,), known_shops=(SHOP,), url=ears.url).key
        service = _service(here, outside)
        supervisor = Supervisor(service.children(), here.engines, report=lambda line: None)
        attended = Attended(supervisor)
        attended.start()
        stack.callback(attended.stop)
        pids = {name: pid for name, pid in attended.pids().items() if name != "gateway"}
        return _measured(here, outside, ears, _Door(service.url), key, list(pids.values()), count)


def _service(here: Ground, outside: Outside) -> Service:
    place, house = here.place, House(here.place)
    settings = Settings(
        database_url=place.database,
        redis_url=place.redis,
        smtp_url=f"smtp://127.0.0.1:{outside.ports['smtp']}",
        shukka_data=here.folder / "data",
        shukka_clock=START.isoformat(),
        shukka_clock_anchor=house.clock.anchor,
    )
    extra = {"SMTP_URL": settings.smtp_url or "", "SHUKKA_ALLOW_PRIVATE_TARGETS": "1"}
    return Service(settings, house.shops, here.folder / "data", place.database, place.redis, free_port(), extra=extra)


def theirs(peer: Peer, count: int) -> Run:
    """A peer's run: its web process and its two workers."""
    with ExitStack() as stack:
        outside, ears = stack.enter_context(Outside()), stack.enter_context(Ears())
        here = stack.enter_context(ground(outside.url(SOUND)))
        port, (secret, *_) = free_port(), here.secrets.values()
        place = replace(
            here.place,
            gateway=f"http://127.0.0.1:{port}",
            suppliers=outside.url(SOUND),
            storefront=ears.url,
            smtp=str(outside.ports["smtp"]),
            secret=secret,
            program=peer.path,
        )
        gateway = [sys.executable, "-m", "workers.sandbox.gateway", "--port", str(port)]
        gateway += ["--journal", str(here.folder / "gateway.jsonl"), "--clock", START.isoformat()]
        gateway += ["--clock-anchor", place.anchor]
        stack.enter_context(process(gateway, place, SANDBOX_GATEWAY_KEY=secret))
        door = _Door(f"http://127.0.0.1:{free_port()}")
        prepared(peer.prepare(peer.path), place)
        started = [stack.enter_context(process(argv, place)) for argv in peer.commands(is_whole=True)]
        started.append(stack.enter_context(process(peer.web(door.url.rpartition(":")[2]), place)))
        here.until(lambda: _answers(door.url), started)
        return _measured(here, outside, ears, door, secret, [one.pid for one in started], count)


def _measured(
    here: Ground, outside: Outside, ears: Ears, door: _Door, key: str, pids: Sequence[int], count: int
) -> Run:
    house, documents = House(here.place), orders("P", count, max(1, count * 2 // 3))
    reached = _Reached(door, here.engine, here.secrets, house.clock.anchor)

    def is_over(which: str, many: int, events: int) -> Callable[[], bool]:
        return lambda: here.resting(which) == many and not _unsent(here.engine, which) and ears.events >= events

    with Makers(reached):
        warm = orders(WARM, WARMING)
        _post(door, key, warm)
        before = sum(events_due(one, house.shops[SHOP]).total() for one in warm)
        here.until(is_over(WARM, WARMING, before))
        mails = len(set(outside.message_ids))
        events = before + sum(events_due(one, house.shops[SHOP]).total() for one in documents)
        run = here.clocked(pids, documents, house, lambda: _post(door, key, documents), is_over("P", count, events))
    return run._replace(faults=[*run.faults, *_unheard(outside, ears, documents, house, mails)])


def _post(door: _Door, key: str, documents: Sequence[Mapping[str, Any]]) -> None:
    """Post all of them, each connection as soon as its last one was taken."""
    places = itertools.count()

    def one_of_the_crowd() -> None:
        with httpx.Client(base_url=door.url, headers={"authorization": f"Bearer {key}"}, timeout=60) as client:
            while (n := next(places)) < len(documents):
                answer = client.post("/v1/orders", json=documents[n])
                assert answer.status_code == 202, answer.text

    with ThreadPoolExecutor(CROWD) as crowd:
        for member in [crowd.submit(one_of_the_crowd) for _ in range(CROWD)]:
            member.result()


def _unheard(
    outside: Outside, ears: Ears, documents: Sequence[Mapping[str, Any]], house: House, before: int
) -> Iterator[str]:
    """Where the storefront heard something else than is due, or the mail server took more or fewer mails."""
    shop, mails = house.shops[SHOP], 0
    for document in documents:
        asked, heard = events_due(document, shop), ears.heard[document["number"]]
        mails += sum(many for what, many in due(document, shop).items() if what.startswith("mail "))
        if asked != heard:
            yield f"{document['number']}: the storefront heard {dict(heard)}, where {dict(asked)} is due"
    if (taken := len(set(outside.message_ids)) - before) != mails:
        yield f"the mail server took {taken} mails, where {mails} are due"


def _unsent(engine: Engine, which: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(_UNSENT), {"which": f"{which}-%"}).scalar_one())


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
