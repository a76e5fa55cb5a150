"""Clients: made, given new keys, told where they are reached, and revoked. A key and a webhook secret are shown once; of the
key only the hash is stored."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine

from models.database import glance
from models.partner import CLIENT_KINDS
from models.store import clients
from models.store.clients import LimitsRow, ListedRow, NewClientRow, ReplacedRow
from pipelines.errors import Invalid, Problem
from pipelines.values.mail_address import addr_spec
from workers.http.signing import new_secret
from workers.http.targets import malformed
from workers.payments import GATEWAYS
from workers.web.clients import hash_key

#: Who hears from us, and by what.
_BY_URL: Final = ("storefront", "supplier")
_BY_MAIL: Final = ("supplier",)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client is told, once. ``old_until`` is when the key and secret before these stop counting; None if there were
    none."""

    kind: str
    name: str
    key: str
    webhook_secret: str
    old_until: datetime | None = None


def create_client(
    engine: Engine,
    kind: str,
    name: str,
    *,
    shops: Sequence[str] = (),
    known_shops: Collection[str],
    url: str | None = None,
    mail: str | None = None,
) -> Credentials:
    """Store a client of ``kind``; raises Invalid for an unknown kind or shop, a name that is taken, and an address that
    cannot be one."""
    problems = []
    if kind not in CLIENT_KINDS:
        problems.append(Problem("KIND", f"must be one of {', '.join(CLIENT_KINDS)}"))
    if not name or len(name) > 64 or "/" in name or not name.isprintable():
        problems.append(Problem("NAME", "must have 1 to 64 visible characters and no slash"))
    if kind == "gateway" and name not in GATEWAYS:
        problems.append(Problem("NAME", f"must be the gateway's own name, {GATEWAYS.choice()}"))
    problems += [
        Problem("--shop", f"{shop} is unknown; there is {', '.join(sorted(known_shops))}")
        for shop in shops
        if shop not in known_shops
    ]
    problems += _unreachable(kind, url, mail)
    if problems:
        raise Invalid(problems)
    made = _credentials(kind, name)
    row = NewClientRow(
        kind, name, list(shops), hash_key(made.key), [made.webhook_secret], url, mail and addr_spec(mail)
    )
    with engine.begin() as connection:
        if not clients.add(connection, [row]):
            says = f"{_a(kind)} named {name} exists already; choose another name, or revoke it first"
            raise Invalid([Problem("NAME", says)])
    return made


def list_clients(engine: Engine) -> list[ListedRow]:
    """Every client there is or was, those that count first; neither keys nor secrets."""
    with glance(engine) as connection:
        return clients.listed(connection)


def rotate_client(engine: Engine, name: str, kind: str | None, *, now: datetime, grace: timedelta) -> Credentials:
    """Give a client a new key and secret; those it had count for ``grace`` longer, by the Clock that says ``now``.

    What was replaced before counts no longer. Raises Invalid if ``name`` is nobody's, or several clients' and ``kind`` says
    not whose.
    """
    with engine.begin() as connection:
        client = _named(connection, name, kind)
        made = _credentials(client.kind, client.name, now + grace)
        replaced = ReplacedRow(client.id, hash_key(made.key), made.webhook_secret, now + grace)
        clients.replace(connection, replaced)
    return made


def revoke_client(engine: Engine, name: str, kind: str | None, *, now: datetime) -> ListedRow:
    """Let a client count for nothing from ``now`` on, and free its name; raises Invalid as ``rotate_client`` does."""
    with engine.begin() as connection:
        client = _named(connection, name, kind)
        clients.revoke(connection, client.id, now)
    return client


def reach_client(engine: Engine, name: str, kind: str | None, *, url: str | None, mail: str | None) -> ListedRow:
    """Change where a client is reached: None leaves what stands, "" takes it away. What waits to be sent goes to the new place.

    Raises Invalid as ``rotate_client`` does, and for an address that cannot be one.
    """
    with engine.begin() as connection:
        client = _named(connection, name, kind)
        if problems := _unreachable(client.kind, url or None, mail or None):
            raise Invalid(problems)
        new_url = client.url if url is None else url or None
        new_mail = client.mail if mail is None else addr_spec(mail) if mail else None
        clients.reach(connection, client.id, new_url, new_mail)
    return client._replace(url=new_url, mail=new_mail)


def limit_client(
    engine: Engine,
    name: str,
    kind: str | None,
    *,
    requests_per_minute: int | None = None,
    orders_per_minute: int | None = None,
    burst_seconds: int | None = None,
) -> ListedRow:
    """Change how much a client may ask: None leaves what stands, 0 lets the installation's limit hold again.

    Raises Invalid as ``rotate_client`` does, and for a limit that nothing would count against.
    """
    with engine.begin() as connection:
        client = _named(connection, name, kind)
        if client.kind != "storefront" and orders_per_minute:
            raise Invalid([Problem("--orders-per-minute", f"{_a(client.kind)} sends no orders; leave it out")])
        limited = client._replace(
            requests_per_minute=_changed(client.requests_per_minute, requests_per_minute),
            orders_per_minute=_changed(client.orders_per_minute, orders_per_minute),
            burst_seconds=_changed(client.burst_seconds, burst_seconds),
        )
        row = LimitsRow(client.id, limited.requests_per_minute, limited.orders_per_minute, limited.burst_seconds)
        clients.limit(connection, row)
    return limited


def _changed(stands: int | None, told: int | None) -> int | None:
    return stands if told is None else told or None


def _credentials(kind: str, name: str, old_until: datetime | None = None) -> Credentials:
    return Credentials(kind, name, f"shk_{secrets.token_urlsafe(32)}", new_secret(), old_until)


def _named(connection: Connection, name: str, kind: str | None) -> ListedRow:
    if kind not in (None, *CLIENT_KINDS):
        raise Invalid([Problem("--kind", f"must be one of {', '.join(CLIENT_KINDS)}")])
    found = [] if "\x00" in name else clients.named(connection, name)
    found = [client for client in found if kind in (None, client.kind)]
    if not found:
        raise Invalid(
            [Problem("NAME", f"there is no {kind or 'client'} named {name}; `shukka client list` shows them")]
        )
    client, *others = found
    if others:
        kinds = " and ".join(_a(one.kind) for one in found)
        raise Invalid([Problem("--kind", f"{name} is the name of {kinds}; say which")])
    return client


def _a(kind: str) -> str:
    return f"an {kind}" if kind.startswith(("a", "e", "i", "o")) else f"a {kind}"


def _unreachable(kind: str, url: str | None, mail: str | None) -> list[Problem]:
    """What is wrong with where a client of ``kind`` is reached."""
    problems = []
    if url is not None:
        if kind in CLIENT_KINDS and kind not in _BY_URL:
            problems.append(Problem("--url", f"nothing is posted to {_a(kind)}; leave it out"))
        elif wrong := malformed(url):
            problems.append(Problem("--url", wrong))
    if mail is not None:
        if kind in CLIENT_KINDS and kind not in _BY_MAIL:
            problems.append(Problem("--mail", f"nothing is mailed to {_a(kind)}; leave it out"))
        else:
            try:
                addr_spec(mail)
            except ValueError as wrong_mail:
                problems.append(Problem("--mail", str(wrong_mail)))
    return problems
