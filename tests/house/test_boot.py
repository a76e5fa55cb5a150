"""``dramatiq workers.main:boot`` refuses to start with one line and exit 2 for whatever is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pipelines.errors import Misconfigured
from pipelines.shops import PACKAGED
from workers.settings import Settings
from workers.stopping import Stop

CHECKOUT = Path(__file__).parents[2]
COMPLETE = {
    "DATABASE_URL": "postgresql://nobody@/nothing?host=/nowhere",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SMTP_URL": "smtp://127.0.0.1:1",
    "SANDBOX_GATEWAY_URL": "http://127.0.0.1:1",
    "SANDBOX_GATEWAY_KEY": "key",
    "SHUKKA_PUBLIC_URL": "https://pages.shukka.example",
    "SHUKKA_LINK_SECRET": "of-the-tests-" * 3,
}


def boot(settings: Mapping[str, str], code: str = "", cwd: Path = CHECKOUT) -> subprocess.CompletedProcess[str]:
    """Import the worker in ``cwd`` as dramatiq does, with these settings alone."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", f"{code}\nimport workers.main\nworkers.main.boot()"],
        cwd=cwd,
        env={**kept, "SHUKKA_DATA": "/nowhere", **settings},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


def refusal(run: subprocess.CompletedProcess[str]) -> str:
    """The one line that says why."""
    assert run.returncode == 2, run.stderr
    assert "Traceback" not in run.stderr
    (line,) = run.stderr.strip().splitlines()
    assert line.startswith("shukka worker: ")
    return line


def test_a_complete_worker_starts_without_a_connection() -> None:
    """Nothing connects before it is needed: an engine that is away is waited for, not died of."""
    run = boot(COMPLETE)
    assert (run.returncode, run.stderr) == (0, "")


def test_what_is_missing_is_one_line_and_exit_2() -> None:
    assert "SANDBOX_GATEWAY_KEY" in refusal(boot({n: v for n, v in COMPLETE.items() if n != "SANDBOX_GATEWAY_KEY"}))


@pytest.mark.parametrize("name", ["SHUKKA_PUBLIC_URL", "SHUKKA_LINK_SECRET"])
def test_links_in_mails_must_open_something(name: str, refused: Callable[..., str]) -> None:
    assert refused(**{name: ""}).startswith(name)


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Why a worker with these settings does not start; without a process of its own, since most say the same way."""
    for name, value in {"SHUKKA_DATA": "/nowhere", **COMPLETE}.items():
        monkeypatch.setenv(name, value)
    from workers.main import make

    def why(**environment: str) -> str:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(Misconfigured) as misconfigured:
            make(Settings(), Stop())
        return str(misconfigured.value)

    return why


@pytest.mark.parametrize("missing", ["DATABASE_URL", "REDIS_URL", "SMTP_URL", "SANDBOX_GATEWAY_URL"])
def test_a_missing_setting_is_named(refused: Callable[..., str], missing: str) -> None:
    assert missing in refused(**{missing: ""})


def test_a_smtp_url_that_is_none_is_refused_without_repeating_it(refused: Callable[..., str]) -> None:
    why = refused(SMTP_URL="ftp://user:secret@host")
    assert "SMTP_URL" in why
    assert "secret" not in why


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ('[payment]\ngateways.card = "nobody"', "nobody"),
        ('[payment]\nmethods.local = ["cheque"]', "payment.methods.local[0]"),
        ('[payment]\ncapture_policy = "per_shipment"', "capture_policy"),
        ('colour = "red"', "colour"),
        (
            '[suppliers.warehouse]\nchannel = "pigeon"',
            "'pigeon' is no supplier channel; there is auto, files, mail, poll, portal, webhook",
        ),
    ],
    ids=[
        "unknown gateway",
        "unknown method",
        "a policy that the gateway cannot follow",
        "unknown key",
        "unknown supplier channel",
    ],
)
def test_a_wrong_profile_is_named(refused: Callable[..., str], tmp_path: Path, wrong: str, named: str) -> None:
    (tmp_path / "mine.toml").write_text(f'name = "店"\n{wrong}\n', encoding="utf-8")
    assert named in refused(SHOPS_DIR=str(tmp_path))


def test_a_mail_without_its_template_is_named(tmp_path: Path) -> None:
    """The packages are copied, and one template is not."""
    for package in ("models", "pipelines", "templates_mail", "workers"):
        shutil.copytree(CHECKOUT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.rmtree(tmp_path / "templates_mail" / "order_accepted")
    run = boot(COMPLETE, f"import sys; sys.path.insert(0, {str(tmp_path)!r})", tmp_path)
    assert "order_accepted" in refusal(run)


def test_an_effect_that_nothing_performs_is_named() -> None:
    code = "import pipelines.route as r; r.ASKED |= {'carrier.book'}"
    assert "carrier.book" in refusal(boot(COMPLETE, code))


def test_every_packaged_profile_is_shipped() -> None:
    assert {path.stem for path in PACKAGED.glob("*.toml")} >= {"apparel", "clinic", "reuse", "salon"}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "DATABASE_URL: it is not set"),
        ({name: value for name, value in COMPLETE.items() if "GATEWAY" not in name}, "SANDBOX_GATEWAY_"),
    ],
    ids=["a database", "the gateway that it asks at night"],
)
def test_a_clock_that_cannot_work_says_why_and_ends_with_2(settings: Mapping[str, str], says: str) -> None:
    """Whoever supervises it knows that to start it again is of no use."""
    run = subprocess.run(
        [sys.executable, "-m", "workers.pacemaker"],
        env={"PATH": os.environ["PATH"], "SHUKKA_DATA": "/nowhere", **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (run.returncode, run.stderr.startswith(f"shukka clock: {says}")) == (2, True), run.stderr
