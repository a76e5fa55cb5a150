"""A worker told to stop by a signal to its whole process group, as honcho and terminals send it, ends in good order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Running
from workers.process.child import wait_until
from workers.process.service import READY_FILE


@pytest.mark.journey
def test_a_signal_to_the_whole_group_ends_a_worker_in_good_order(
    running: Running, database_url: str, tmp_path: Path
) -> None:
    """It has a minute, needs a moment, and no process takes the second signal for a loss of patience."""
    (tmp_path / "mine.toml").write_text('name = "店"\n[payment]\nmethods.local = ["cod"]\n')
    ready, log = tmp_path / "ready", tmp_path / "log"
    settings = {
        "DATABASE_URL": database_url,
        "REDIS_URL": running.redis_url,
        "SMTP_URL": "smtp://127.0.0.1:9",
        "SHOPS_DIR": str(tmp_path),
        READY_FILE: str(ready),
    }
    argv = [Path(sys.executable).with_name("shukka"), "worker", "--processes", "1", "--stop-within", "60"]
    with log.open("wb") as output:
        worker = subprocess.Popen(argv, env={**os.environ, **settings}, stderr=output, start_new_session=True)
        try:
            assert wait_until(ready.exists, patience=60), log.read_text()
            os.killpg(worker.pid, signal.SIGTERM)
            assert worker.wait(30) == 0, log.read_text()
        finally:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait()
    assert "Killing worker" not in log.read_text()
