"""Real processes whose database falls silent, and comes back: they go on by themselves, and none is started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.wire import Wire
from tests.conftest import Running
from tests.world import World, document
from workers.process.child import wait_until
from workers.process.keeper import READY_FILE

#: Seconds of silence: longer than a pooled connection is trusted, and than a new one may take.
SILENT = 8.0


@pytest.mark.journey
def test_a_worker_and_the_clock_go_on_when_the_database_speaks_again(
    running: Running, database_url: str, tmp_path: Path, world: World
) -> None:
    """First a silence that ends by itself, then one in which the network forgets all connections."""
    ready = tmp_path / "ready"
    with Wire.before(database_url) as wire:
        settings = {
            **os.environ,
            "DATABASE_URL": wire.through(database_url),
            "REDIS_URL": running.redis_url,
            "SMTP_URL": "smtp://127.0.0.1:9",
            "SANDBOX_GATEWAY_URL": "http://127.0.0.1:9",
            "SANDBOX_GATEWAY_KEY": "unused",
            "SHUKKA_CLOCK": "2026-11-20T09:00:00+09:00",
            READY_FILE: str(ready),
        }
        shukka, log = Path(sys.executable).with_name("shukka"), tmp_path / "log"
        with log.open("wb") as output:
            started = [
                subprocess.Popen([shukka, *arguments], env=settings, stderr=output, start_new_session=True)
                for arguments in (("worker", "--processes", "1"), ("clock",))
            ]
            try:
                assert wait_until(ready.exists, patience=60), log.read_text()
                assert _is_decided(world, "S-1"), log.read_text()
                for number, forgets in (("S-2", False), ("S-3", True)):
                    wire.freeze()
                    world.take(document(number))
                    time.sleep(SILENT)
                    assert world.value(_DUE, number=number) == 1
                    if forgets:
                        wire.cut()
                    wire.heal()
                    assert _is_decided(world, number, taken=True), log.read_text()
                assert [one.poll() for one in started] == [None, None]
            finally:
                for one in started:
                    os.killpg(one.pid, signal.SIGKILL)
                    one.wait()
    said = log.read_text()
    assert "Traceback" not in said
    assert said.count("database") < 40, "a silent database is not one line a question"


_DUE = """SELECT count(*) FROM work w JOIN shop_order o ON o.id::text = w.subject_id
          WHERE w.stage = 'accept' AND o.number = :number"""


def _is_decided(world: World, number: str, *, taken: bool = False) -> bool:
    if not taken:
        world.take(document(number))
    return wait_until(lambda: world.value(_DUE, number=number) == 0, patience=60)
