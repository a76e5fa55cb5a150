"""Whatever is under way, a process that is told to stop has ended in time, holds nothing, and lost no request."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from typer.main import get_command

from models.store import jobs
from pipelines.points.jobs import Period, PeriodicJob, Tools, midnight
from tests.conftest import Running
from tests.mail.raw_sink import Sink
from tests.process.world import eventually
from tests.world import World, document
from workers.cli.main import app
from workers.enrolment import create_client
from workers.periodic import Timekeeper
from workers.process.child import wait_until
from workers.process.keeper import READY_FILE
from workers.stopping import STOP_WITHIN

CHECKOUT = Path(__file__).parents[2]
TERM, INT, HUP = signal.SIGTERM, signal.SIGINT, signal.SIGHUP


@contextmanager
def started(
    tmp_path: Path, running: Running, database_url: str, *command: str, smtp: str = "smtp://127.0.0.1:9"
) -> Iterator[subprocess.Popen[bytes]]:
    """``shukka COMMAND`` on a shop of its own beside the world's, as leader of a group, once it is ready for work; killed with the
    block."""
    for shop in ("mine", "salon"):  # the world has orders of the other one
        (tmp_path / f"{shop}.toml").write_text('name = "店"\n[payment]\nmethods.local = ["cod"]\n')
    ready, log = tmp_path / "ready", tmp_path / "log"
    settings = {
        "DATABASE_URL": database_url,
        "REDIS_URL": running.redis_url,
        "SMTP_URL": smtp,
        "SHOPS_DIR": str(tmp_path),
        "SHUKKA_ALLOW_PRIVATE_TARGETS": "1",
        READY_FILE: str(ready),
    }
    argv = [Path(sys.executable).with_name("shukka"), *command]
    with log.open("wb") as output:
        process = subprocess.Popen(argv, env={**os.environ, **settings}, stderr=output, start_new_session=True)
        try:
            assert wait_until(ready.exists, patience=60), log.read_text()
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def silent_partner() -> Iterator[tuple[str, list[socket.socket]]]:
    """A storefront that takes every connection and never answers: where it is, and who asked."""
    asked: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def take() -> None:
            while True:
                try:
                    asked.append(listener.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", asked
        listener.shutdown(socket.SHUT_RDWR)
    for one in asked:
        one.close()


def events_for(world: World, client: int, count: int) -> None:
    """Events for a storefront that are due."""
    world.execute(
        "WITH new AS (INSERT INTO effect (key, kind, payload, state)"
        " SELECT 'event:' || n, 'storefront.event', jsonb_build_object('client', CAST(:client AS text), 'type', 'order.changed', 'at', now(),"
        " 'data', jsonb_build_object()), 'pending' FROM generate_series(1, :count) n RETURNING id)"
        " INSERT INTO effect_lease (kind, subject_id, due_at, attempts, token, target)"
        " SELECT 'storefront.event', id, clock_timestamp(), 0, 0, :client FROM new",
        client=str(client),
        count=count,
    )


@pytest.mark.journey
@pytest.mark.parametrize(
    "signals",
    [(TERM,), (INT, TERM, HUP)],
    ids=lambda each: "+".join(s.name for s in each),
)
def test_a_worker_beside_a_silent_partner_ends_in_time_and_holds_nothing(
    world: World, running: Running, database_url: str, tmp_path: Path, signals: Sequence[signal.Signals]
) -> None:
    """The whole group is told, as honcho and terminals do, and told again: nobody takes that for a loss of patience."""
    with silent_partner() as (url, asked):
        create_client(world.engine, "storefront", "slow", shops=["mine"], known_shops=["mine"], url=url)
        events_for(world, world.value("SELECT id FROM client WHERE name = 'slow'"), 300)
        with started(tmp_path, running, database_url, "worker", "--processes", "1", "--stop-within", "6") as worker:
            assert eventually(lambda: len(asked) > 0)
            for one in signals:
                os.killpg(worker.pid, one)
                worker.poll()
            assert worker.wait(9) == 0, (tmp_path / "log").read_text()
    held = "SELECT count(*) FROM effect_lease WHERE attempts > 0 AND due_at > clock_timestamp()"
    assert world.value(held) == 0
    assert world.value("SELECT count(*) FROM effect_lease WHERE token > 0") >= len(asked)
    assert world.value("SELECT count(*) FROM effect_lease") == 300


@pytest.mark.journey
def test_a_worker_takes_leave_of_the_mail_server(
    world: World, running: Running, database_url: str, tmp_path: Path
) -> None:
    """A server that is left without QUIT cannot tell whether its last answer was heard."""
    world.take(document("S-1"))
    world.decide("accept")
    world.execute("DELETE FROM work")
    with (
        mail_server() as server,
        started(tmp_path, running, database_url, "worker", "--processes", "1", smtp=server.url) as worker,
    ):
        assert eventually(lambda: world.value("SELECT state FROM mail") == "sent")
        assert server.said(b"QUIT") == []
        worker.send_signal(TERM)
        assert worker.wait(12) == 0, (tmp_path / "log").read_text()
        assert len(server.said(b"QUIT")) == server.connections


@contextmanager
def mail_server() -> Iterator[Sink]:
    """A mail server in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = Sink()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


@pytest.mark.journey
def test_a_worker_whose_database_is_silent_ends_in_time(
    world: World, running: Running, database_url: str, tmp_path: Path
) -> None:
    """It can give nothing back then; leases run out."""
    with (
        silent_partner() as (url, asked),
        started(tmp_path, running, database_url, "worker", "--processes", "1", "--stop-within", "6") as worker,
    ):
        create_client(world.engine, "storefront", "slow", shops=["mine"], known_shops=["mine"], url=url)
        events_for(world, world.value("SELECT id FROM client WHERE name = 'slow'"), 20)
        assert eventually(lambda: len(asked) > 0)
        with world.engine.begin() as others:
            others.execute(text("LOCK TABLE effect_lease, work IN ACCESS EXCLUSIVE MODE"))
            worker.send_signal(TERM)
            worker.wait(9)


@pytest.mark.parametrize("times", [1, 2])
def test_a_lease_under_way_when_a_drain_is_broken_off_is_given_back(world: World, times: int) -> None:
    """The statement was sent already: what it leases is nobody's else."""
    from tests.engine.test_bulkheads import Storefronts, events
    from workers.effects.loop import EffectLoop

    events(world, ("3", 20))
    outside = Storefronts()
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FROM effect_lease%'"

    async def scenario() -> None:
        loop = EffectLoop(world.engine, world.clock, world.house.bell, outside.performers())
        with world.engine.connect() as others, world.engine.connect() as watching:
            others.execute(text("LOCK TABLE effect_lease IN ACCESS EXCLUSIVE MODE"))
            loop.ring("storefront.event")
            async with asyncio.timeout(10):
                while not watching.execute(text(waits)).scalar():
                    watching.rollback()
                    await asyncio.sleep(0.01)
            endings = [asyncio.create_task(loop.ended(0)) for _ in range(times)]
            await asyncio.sleep(0.1)
            others.rollback()
        await asyncio.gather(*endings)

    asyncio.run(scenario())
    assert world.value("SELECT count(*) FROM effect_lease WHERE due_at > clock_timestamp()") == 0
    assert outside.arrived == {}


def test_a_periodic_job_ends_after_the_step_it_is_at_and_is_free_at_once(world: World) -> None:
    """Another runner goes on with it without waiting for a lease to run out."""
    stop, steps = threading.Event(), list[int]()

    def endless(tools: Tools, period: Period) -> None:
        def step(connection: Connection) -> None:
            steps.append(len(steps))
            if len(steps) == 3:
                stop.set()

        while True:
            tools.transact(step)

    job = PeriodicJob("endless", midnight, endless)
    timekeeper = Timekeeper(world.engine, world.shops, world.runner.renderer, world.clock, jobs=[job])
    runner = threading.Thread(target=timekeeper.run, args=(stop,), daemon=True)
    runner.start()
    runner.join(10)
    assert not runner.is_alive()
    assert steps == [0, 1, 2]
    with world.engine.begin() as connection:
        assert jobs.lease(connection, "endless", midnight(world.clock.now()), 60) is not None


def test_no_fault_ends_the_periodic_jobs(world: World) -> None:
    """Not even one where a job is asked whether it is behind, which is outside the job."""
    stop, asked = threading.Event(), list[int]()

    def boundary(now: datetime) -> datetime:
        asked.append(len(asked))
        if len(asked) == 1:
            raise OverflowError
        stop.set()
        return now

    job = PeriodicJob("odd", boundary, lambda tools, period: None)
    timekeeper = Timekeeper(world.engine, world.shops, world.runner.renderer, world.clock, jobs=[job], period=0.01)
    runner = threading.Thread(target=timekeeper.run, args=(stop,), daemon=True)
    runner.start()
    runner.join(10)
    assert not runner.is_alive()
    assert asked == [0, 1]


class KeptAlive:
    """A client's connection that is kept alive, byte by byte."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=STOP_WITHIN)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> tuple[bytes, bool]:
        """The next answer's status line, and whether it says that the connection is closed."""
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.socket.recv(1)
            assert piece, f"the connection was closed after {head!r}"
            head += piece
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while length:
            length -= len(self.socket.recv(length))
        return head.split(b"\r\n")[0], b"connection: close" in head.lower()


HEALTH = b"GET /healthz HTTP/1.1\r\nhost: shukka\r\n\r\n"
ORDER = (
    b"POST /v1/orders HTTP/1.1\r\nhost: shukka\r\nauthorization: Bearer %s\r\n"
    b"content-length: 2\r\ncontent-type: application/json\r\n\r\n"
)


@pytest.mark.journey
@pytest.mark.parametrize("signals", [(TERM,), (INT, TERM, INT)], ids=lambda each: "+".join(s.name for s in each))
def test_a_web_process_answers_what_was_asked_and_what_comes_on_connections_that_it_has(
    world: World, running: Running, database_url: str, tmp_path: Path, signals: Sequence[signal.Signals]
) -> None:
    key = create_client(world.engine, "storefront", "shop", known_shops=["mine"]).key
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with started(tmp_path, running, database_url, "web", "--port", str(port)) as web:
        idle, busy, silent = KeptAlive(port), KeptAlive(port), KeptAlive(port)
        idle.send(HEALTH)
        assert idle.answer() == (b"HTTP/1.1 200 OK", False)
        busy.send(ORDER % key.encode())
        for one in signals:
            web.send_signal(one)
            assert not wait_until(lambda: web.poll() is not None, patience=0.3), "a request is under way"
        idle.send(HEALTH)
        assert idle.answer() == (b"HTTP/1.1 200 OK", True)
        busy.send(b"{}")
        assert busy.answer() == (b"HTTP/1.1 422 Unprocessable Entity", True)
        assert web.wait(STOP_WITHIN) == 0, (tmp_path / "log").read_text()
        assert silent.socket.recv(1) == b""


@pytest.mark.journey
def test_the_clock_ends_in_time(running: Running, database_url: str, tmp_path: Path) -> None:
    with started(tmp_path, running, database_url, "clock") as clock:
        clock.send_signal(TERM)
        clock.send_signal(INT)
        assert clock.wait(STOP_WITHIN) == 0


def test_each_process_of_the_procfile_ends_before_honcho_kills_it() -> None:
    """honcho kills after five seconds: each is told to be over in four, with an option that it has."""
    lines = dict(line.split(": ", 1) for line in (CHECKOUT / "Procfile").read_text("utf-8").splitlines())
    for name in ("web", "worker", "clock"):
        assert lines[name].startswith(f"shukka {name} ")
        assert lines[name].endswith(" --stop-within 4"), name
        has = {option for one in get_command(app).commands[name].params for option in one.opts}  # type: ignore[attr-defined]
        assert "--stop-within" in has, name


@pytest.mark.journey
def test_a_clock_in_the_middle_of_a_step_ends_when_it_was_told_to(
    running: Running, world: World, database_url: str, tmp_path: Path
) -> None:
    """What a job's step waits for is not waited for beyond ``--stop-within``."""
    with world.engine.connect() as blocker, blocker.begin():
        blocker.execute(text("LOCK TABLE job IN ACCESS EXCLUSIVE MODE"))
        with started(tmp_path, running, database_url, "clock", "--stop-within", "2") as clock:
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'job'::regclass"
            assert wait_until(lambda: world.value(waits) > 0, patience=30)
            clock.send_signal(TERM)
            clock.wait(4)
