"""Addresses of the services we stand on, checked as soon as they are read; what is wrong never quotes a password."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

_DATABASE = ("postgresql://", "postgres://", "postgresql+psycopg://")
_REDIS = ("redis://", "rediss://", "unix://")
_PUBLIC = ("https://", "http://")
#: A password with a character of these parts the address elsewhere than it was meant.
_ENCODED = ", and /, #, ?, @ and [ in a user or password as %2F, %23, %3F, %40 and %5B"
_BROKER = ("amqp://", "amqps://", *_REDIS)


def database(url: str) -> str:
    """``url`` of a PostgreSQL; raises ValueError with the way out for anything else."""
    example = "postgresql://user:password@host:5432/name"
    _checked(url, _DATABASE, example)
    _parts_of_postgresql(url, example)
    if urlsplit(url).query:
        _options_of_postgresql(urlsplit(url).query)
    return url


def _parts_of_postgresql(url: str, example: str) -> None:
    """What comes after the first '@' of a password would be the host: it is looked up, and told."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        host = make_url(url).host or ""
    except (ArgumentError, ValueError):
        raise ValueError(f"cannot be read; write it as {example}{_ENCODED}") from None
    if "@" in host:
        raise ValueError("has an '@' in its password; write it there as %40")


def _options_of_postgresql(query: str) -> None:
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(f"postgresql:///?{query}")
    except ProgrammingError:
        raise ValueError("has an option that no connection to PostgreSQL has; look at what follows its '?'") from None


def redis(url: str) -> str:
    """``url`` of a Redis or Valkey; raises ValueError as ``database`` does."""
    example = "redis://host:6379/0 or unix:///path/to/socket"
    _checked(url, _REDIS, example)
    path = urlsplit(url).path.strip("/")
    if url.startswith("unix://"):
        if not path:
            raise ValueError(f"names no socket; write it as {example}")
    elif path and not path.isdecimal():
        raise ValueError(f"names a database that is no number; write it as {example}")
    _options_of_redis(url)
    return url


def _options_of_redis(url: str) -> None:
    from redis import ConnectionPool, RedisError

    if not urlsplit(url).query:
        return
    try:
        pool = ConnectionPool.from_url(url)
        pool.connection_class(**pool.connection_kwargs)  # connects nothing yet
    except (TypeError, ValueError, RedisError):
        raise ValueError("has an option that no connection to Redis has; look at what follows its '?'") from None


def broker(url: str) -> str:
    """``url`` of a RabbitMQ or Redis; raises ValueError as ``database`` does."""
    if url.startswith(_REDIS):
        return redis(url)
    return _checked(url, _BROKER, "amqp://user:password@host:5672/vhost")


def public(url: str) -> str:
    """``url`` at which people reach the web process, for links in mails; raises ValueError as ``database`` does."""
    example = "https://pages.shop.example"
    _checked(url, _PUBLIC, example, hint="")
    parts = urlsplit(url)
    if not parts.hostname or parts.query or parts.fragment or any(one.isspace() for one in url):
        raise ValueError(f"must be an address that links can begin with, as in {example}")
    return url


def is_reachable(url: str) -> bool:
    """Whether a request can be sent to ``url``: it names a host, its port is one, and nothing in it is blank."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and not any(one.isspace() for one in url)
    except ValueError:
        return False


def _checked(url: str, schemes: Sequence[str], example: str, hint: str = _ENCODED) -> str:
    if not url.startswith(tuple(schemes)):
        raise ValueError(f"must begin with {next(iter(schemes))}, as in {example}")
    try:
        urlsplit(url).port  # noqa: B018 - asking for it is what checks it
    except ValueError:
        raise ValueError(f"has a port that is no number; write it as {example}{hint}") from None
    return url
