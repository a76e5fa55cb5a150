"""Clients that are made of the published schema: they hold the strictest type checks, and a call goes through."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.database import connect
from tests.conftest import Running, fresh_database
from tests.web.site import Site, served
from tests.world import World, document
from workers.mail.rendering import Renderer

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
CHECKOUT = Path(__file__).parents[2]
MADE = CHECKOUT / "build" / "clients"


def ran(*command: str, folder: Path = MADE) -> str:
    """What ``command`` printed; it must succeed."""
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=500, env=os.environ)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def made() -> None:
    """`make clients`, which needs the package registries."""
    ran("make", "-s", "clients", folder=CHECKOUT)


@pytest.fixture(scope="module")
def service(
    running: Running, template: str, renderer: Renderer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[str]]:
    """A running application: its URL, a storefront's key, and a file with an order."""
    file = tmp_path_factory.mktemp("order") / "order.json"
    with fresh_database(running, template) as url:
        engine = connect(url, application="shukka-test")
        with World(engine, url, renderer) as world:
            site = Site(world)
            with served(site.app) as address:
                file.write_text(json.dumps(document("S-1"), ensure_ascii=False), "utf-8")
                yield [address, site.storefront, str(file)]
            site.close()
        engine.dispose()


def test_the_python_client(made: None, service: list[str]) -> None:
    python = str(MADE / "tool" / "bin" / "python")
    ran(str(CHECKOUT / ".venv" / "bin" / "mypy"), "--strict", "--python-executable", python, "shukka_client", "call.py")
    assert ran(python, "call.py", *service) == "S-1 accepted 11000\n"


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not here: Debian's packages nodejs and npm have it")
def test_the_typescript_client(made: None, service: list[str]) -> None:
    ran("node_modules/.bin/tsc", "-p", ".")
    assert ran("node", "out/call.js", *service) == "S-1 accepted 11000\n"
