"""How a shop goes live: what docs/payments.md and each gateway's page tell a new user, done as it is written."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.payments.trial import DOCS, Step, section, settings, steps, trial
from tests.tutorials.tutorial import is_as_shown
from workers.payments import GATEWAYS

#: Every gateway that a shop may go live with.
PAGES = sorted(page.stem for page in (DOCS / "gateways").glob("*.md"))
MARK = "=== step ==="


def test_every_gateway_but_the_sandbox_has_its_page() -> None:
    assert sorted(set(GATEWAYS) - {"sandbox"}) == PAGES


@pytest.mark.parametrize("name", PAGES)
def test_its_page_names_the_settings_that_it_declares(name: str) -> None:
    """Those of the table are all there are, and the trial sets each that must be set."""
    declared = GATEWAYS[name].settings.model_fields
    assert settings(name) == {field.upper() for field in declared}
    start = steps(section(DOCS / "gateways" / f"{name}.md", "Against the fake"))[0].commands
    given = set(re.findall(r"\b([A-Z0-9_]+)=", start)) - {"GATEWAY", "METHOD", "TOKEN", "FAKE"}
    assert {field.upper() for field, one in declared.items() if one.is_required()} <= given
    assert given <= {field.upper() for field in declared}


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder, which the embedded engines' own user can enter."""
    path = Path(tempfile.mkdtemp(prefix="shukka-test-", dir="/tmp"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.mark.long
@pytest.mark.journey
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", PAGES)
def test_a_new_user_tries_it_with_only_the_docs(name: str, folder: Path) -> None:
    """From an empty folder to a captured, partly refunded and reconciled order, by the commands of the pages alone."""
    asked = trial(name)
    printed = done(asked, folder)
    for step, said in zip(asked, printed, strict=True):
        if step.printed is not None:
            assert is_as_shown(said, step.printed.rstrip()), f"{step.commands}\n{said}\nis not\n{step.printed}"


def done(asked: list[Step], folder: Path) -> list[str]:
    """What each step prints, in one shell, with ports and data of this run's own."""
    shukka, fake = free_ports()
    script = "".join(f"echo '{MARK}'\n{step.commands}" for step in asked)
    script = script.replace("127.0.0.1:8000", f"127.0.0.1:{shukka}").replace("shukka up", f"shukka up --port {shukka}")
    script = script.replace("127.0.0.1:9100", f"127.0.0.1:{fake}").replace("--port 9100", f"--port {fake}")
    script = script.replace("/tmp/shukka-trial", str(folder / "data"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHUKKA_")}
    shell = subprocess.Popen(
        ["bash", "-u"],
        cwd=folder,
        env={**kept, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "120"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = shell.communicate(script, timeout=260)
    except subprocess.TimeoutExpired as late:
        os.killpg(shell.pid, signal.SIGTERM)
        said, _ = shell.communicate(timeout=30)
        raise AssertionError(f"it does not end, after:\n{end_of(said)}") from late
    return ["\n".join(line.rstrip() for line in part.splitlines()).strip() for part in said.split(f"{MARK}\n")[1:]]


def end_of(said: str) -> str:
    """The last thing that was printed before it stopped."""
    return said[-2_000:]


def free_ports() -> list[int]:
    """Two that nobody listens at."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
