"""The tutorials are what happens: each of their commands is run against a service of its own, and prints what the page shows."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.tutorials.tutorial import Command, commands, is_as_shown, run

CHECKOUT = Path(__file__).parents[2]
TUTORIALS = CHECKOUT / "docs" / "tutorials"
#: In the order in which they follow each other: the storefront's makes the key that the others use.
NAMES = ("storefront", "maker", "operator", "on-call")


def test_a_page_is_read_as_commands_and_what_they_print() -> None:
    page = "Words\n\n```console\n$ one\n$ two\n1\n2\n```\n\n```sh\nnot run\n```\n\n```console\n$ three\n```\n"
    assert commands(page) == [
        Command("one", ""),
        Command("two", "1\n2"),
        Command("three", ""),
    ]
    assert is_as_shown("id 7 at 12:00", "id ... at ...")
    assert not is_as_shown("id 7", "key ...")
    assert not is_as_shown("id 7\nand more", "id 7")


@pytest.fixture
def service() -> Iterator[dict[str, str]]:
    """What the second terminal of the tutorials has: a service, empty, on the Clock that they name."""
    data = Path(tempfile.mkdtemp(prefix="shukka-test-", dir="/tmp"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SHUKKA_")},
        "SHUKKA_DATA": str(data),
        "SHUKKA_CLOCK": "2026-11-20T13:00:00+09:00",
        "SHUKKA": f"http://127.0.0.1:{port}",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    up = subprocess.Popen(
        [f"{Path(sys.executable).parent}/shukka", "up", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _ready(environment["SHUKKA"])
        yield environment
    finally:
        up.terminate()
        up.wait(30)
        shutil.rmtree(data, ignore_errors=True)


def _ready(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError("the service does not get ready")


@pytest.mark.journey
@pytest.mark.parametrize(
    "names", [NAMES[:1], pytest.param(NAMES, marks=[pytest.mark.long, pytest.mark.timeout(500)])], ids=["first", "all"]
)
def test_every_command_prints_what_its_page_shows(service: dict[str, str], names: tuple[str, ...]) -> None:
    folder = CHECKOUT / "build" / "tutorial"
    folder.mkdir(parents=True, exist_ok=True)
    asked = [one for name in names for one in commands((TUTORIALS / f"{name}.md").read_text("utf-8"))]
    assert len(asked) > 12 * len(names) - 10
    printed = run(asked, folder, service)
    for one, said in zip(asked, printed, strict=True):
        assert is_as_shown(said, one.printed), f"$ {one.command}\n{said}\nis not, as the page shows,\n{one.printed}"
