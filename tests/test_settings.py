"""Settings that cannot work are refused as they are read, with the variable and the way out, never with a secret."""

from __future__ import annotations

import pytest

from pipelines.errors import Misconfigured
from workers.settings import load


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("DATABASE_URL", "mysql://x", "must begin with postgresql://"),
        ("DATABASE_URL", "postgresql://u:geheim@127.0.0.1:x/d", "a port that is no number"),
        (
            "DATABASE_URL",
            "postgresql://u:ge@heim@127.0.0.1:5432/d",
            "has an '@' in its password; write it there as %40",
        ),
        ("DATABASE_URL", "postgresql://u:ge/heim@127.0.0.1:5432/d", "/, #, ?, @ and [ in a user or password as %2F"),
        ("DATABASE_URL", "postgresql://u:geheim@127.0.0.1:/d", "cannot be read; write it as postgresql://"),
        ("REDIS_URL", "http://x", "must begin with redis://"),
        ("REDIS_URL", "redis://:geheim@host:70000", "a port that is no number"),
        ("DATABASE_URL", "postgresql://u:geheim@host/d?foo=bar", "has an option that no connection to PostgreSQL has"),
        ("REDIS_URL", "redis://:geheim@host?foo=bar", "has an option that no connection to Redis has"),
        ("REDIS_URL", "redis://:geheim@host/orders", "a database that is no number"),
        ("REDIS_URL", "unix://", "names no socket"),
        ("BROKER_URL", "redis://host/orders", "a database that is no number"),
        ("SHUKKA_ALLOW_PRIVATE_TARGETS", "maybe", "write 1 or 0"),
        ("BROKER_URL", "rabbit", "must begin with amqp://"),
        ("SHUKKA_CLOCK_RATE", "0", "greater than 0"),
        ("SHUKKA_SMTP_CONNECTIONS", "many", "valid integer"),
        ("SHUKKA_WORKER_METRICS_PORT", "http", "valid integer"),
        ("SHUKKA_WORKER_METRICS_PORT", "70000", "less than or equal to 65000"),
        ("SHUKKA_PUBLIC_URL", "pages.shop.example", "must begin with https://"),
        ("SHUKKA_PUBLIC_URL", "https://", "links can begin with"),
        ("SHUKKA_PUBLIC_URL", "https://pages.shop.example/?from=mail", "links can begin with"),
        ("SHUKKA_PUBLIC_URL", "http://::1:8000", "a port that is no number"),
    ],
)
def test_a_setting_that_cannot_work_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(Misconfigured) as refused:
        load()
    assert str(refused.value).startswith(f"{variable}: ")
    assert says in str(refused.value)
    assert "heim" not in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "postgres://shop@db.example/shukka"),
        ("DATABASE_URL", "postgresql+psycopg:///shukka?host=/run/postgresql"),
        ("DATABASE_URL", "postgresql://shop@corp:ge%40heim@[::1]/shukka"),
        ("REDIS_URL", "unix:///run/valkey.sock?db=0"),
        ("BROKER_URL", "amqps://user:p%40ss@mq.example/vhost"),
        ("BROKER_URL", "rediss://mq.example"),
        ("SMTP_URL", ""),
        ("SHUKKA_PUBLIC_URL", "https://shop.example/orders/"),
        ("SHUKKA_PUBLIC_URL", "http://[::1]:8000"),
    ],
)
def test_a_setting_that_works_is_taken(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    assert getattr(load(), variable.lower()) == (value or None)


def test_settings_that_are_printed_show_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a traceback with local variables, or in a line of a log."""
    for variable, scheme in (
        ("DATABASE_URL", "postgresql"),
        ("REDIS_URL", "redis"),
        ("BROKER_URL", "amqp"),
        ("SMTP_URL", "smtp"),
    ):
        monkeypatch.setenv(variable, f"{scheme}://user:geheim@host/1")
    assert "geheim" not in f"{load()!r} {load()}"
