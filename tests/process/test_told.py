"""Commands of a data directory go by the Clock of the service that runs there, print links to it, and reach the gateway that it started."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.shops import load_shops
from workers.clock import SettableClock, SystemClock, from_settings
from workers.installation import INSTALLATION
from workers.process.embedded import EmbeddedEngines, Urls
from workers.process.engines.directory import DataDirectory, engine_account
from workers.process.service import Service
from workers.settings import Settings, load

pytestmark = pytest.mark.journey
START = "2026-12-15T10:00:00+09:00"


@pytest.fixture
def engines(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Urls]:
    """The engines of a service; commands are given its data directory and nothing else."""
    for name in ("DATABASE_URL", "REDIS_URL", "SANDBOX_GATEWAY_URL", "SANDBOX_GATEWAY_KEY", "SHUKKA_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SHUKKA_DATA", str(data))
    with EmbeddedEngines(data) as urls:
        yield urls


def service_on(urls: Urls, data: Path, **settings: object) -> Service:
    """A service that told what it has to tell; its processes are not started."""
    shops = load_shops(None, INSTALLATION)
    service = Service(Settings.model_validate(settings), shops, data, urls.database_url or "", urls.redis_url or "", 1)
    service.tell_commands()
    return service


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("shop.example", "http://shop.example:8000"),
    ],
)
def test_where_a_service_is_reached_can_be_opened(host: str, url: str, tmp_path: Path) -> None:
    """What is printed, what links in mails begin with, and where the sandbox sends its notices."""
    service = Service(Settings(), load_shops(None, INSTALLATION), tmp_path, "", "", port=8000, host=host)
    assert service.url == url
    assert Settings(shukka_public_url=url).shukka_public_url == url


def test_a_command_shows_the_time_of_the_service_beside_it(engines: Urls, data: Path) -> None:
    service = service_on(engines, data, shukka_clock=START, shukka_clock_rate=60.0)
    processes = from_settings(START, 60.0, float(service.extra["SHUKKA_CLOCK_ANCHOR"]))
    assert load().clock == processes


def test_a_clock_that_only_runs_fast_is_one_for_all_too(engines: Urls, data: Path) -> None:
    extra = service_on(engines, data, shukka_clock_rate=60.0).extra
    assert load().clock == from_settings(extra["SHUKKA_CLOCK"], 60.0, float(extra["SHUKKA_CLOCK_ANCHOR"]))


def test_a_service_on_real_time_has_commands_on_real_time(engines: Urls, data: Path) -> None:
    service_on(engines, data)
    assert load().clock == SystemClock()


@pytest.mark.parametrize("own", [{"SHUKKA_CLOCK": "2026-11-20T08:00:00+09:00"}, {"SHUKKA_CLOCK_RATE": "2"}])
def test_a_clock_of_the_commands_own_goes_first(
    engines: Urls, data: Path, monkeypatch: pytest.MonkeyPatch, own: dict[str, str]
) -> None:
    service_on(engines, data, shukka_clock=START)
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    clock = load().clock
    assert isinstance(clock, SettableClock)
    assert clock.start.isoformat() != START


def test_a_command_reaches_the_sandbox_gateway(engines: Urls, data: Path) -> None:
    extra = service_on(engines, data).extra
    told = load().environment
    assert told["SANDBOX_GATEWAY_URL"] == extra["SANDBOX_GATEWAY_URL"]
    assert told["SANDBOX_GATEWAY_KEY"] == extra["SANDBOX_GATEWAY_KEY"]


def test_a_gateway_that_the_command_names_goes_first(
    engines: Urls, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service_on(engines, data)
    monkeypatch.setenv("SANDBOX_GATEWAY_URL", "http://gateway.example")
    told = load().environment
    assert (told["SANDBOX_GATEWAY_URL"], "SANDBOX_GATEWAY_KEY" in told) == ("http://gateway.example", False)


def test_a_link_of_a_command_opens_at_the_service(engines: Urls, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its port; where it has a public address that one, and a command's own before either."""
    service_on(engines, data)
    assert load().environment["SHUKKA_PUBLIC_URL"] == "http://127.0.0.1:1"
    service_on(engines, data, shukka_public_url="https://orders.example.jp")
    assert load().environment["SHUKKA_PUBLIC_URL"] == "https://orders.example.jp"
    monkeypatch.setenv("SHUKKA_PUBLIC_URL", "https://other.example.jp")
    assert load().environment["SHUKKA_PUBLIC_URL"] == "https://other.example.jp"


def test_who_names_a_database_names_the_rest(engines: Urls, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service_on(engines, data, shukka_clock=START)
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/shukka")
    assert load().clock == SystemClock()
    assert load().environment is os.environ


def test_it_is_its_users_own_and_gone_with_the_engines(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHUKKA_DATA", str(data))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    left = DataDirectory(data, engine_account()).run / "service.json"
    with EmbeddedEngines(data) as urls:
        service_on(urls, data, shukka_clock=START)
        assert stat.S_IMODE(left.stat().st_mode) == 0o600
    assert not left.exists()
    assert load().clock == SystemClock()


def test_what_a_killed_service_left_says_nothing(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHUKKA_DATA", str(data))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    run = DataDirectory(data, engine_account()).run
    run.mkdir(mode=0o700, exist_ok=True)
    (run / "service.json").write_text('{"SHUKKA_CLOCK": "2026-12-15T10:00:00+09:00"}')
    assert load().clock == SystemClock()
