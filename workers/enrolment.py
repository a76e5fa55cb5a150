"""Clients: made with a key and a webhook secret that are shown once; only the key's hash is stored."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, insert
from sqlalchemy.exc import IntegrityError

from models.partner import CLIENT_KINDS, Client
from pipelines.errors import Invalid, Problem
from workers.http.signing import new_secret
from workers.payments import GATEWAYS
from workers.web.clients import hash_key


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a new client is told, once."""

    kind: str
    name: str
    key: str
    webhook_secret: str


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
    """Store a client of ``kind``; raises Invalid for an unknown kind or shop and for a name that is taken."""
    problems = []
    if kind not in CLIENT_KINDS:
        problems.append(Problem("KIND", f"must be one of {', '.join(CLIENT_KINDS)}"))
    if not name or len(name) > 64 or "/" in name:
        problems.append(Problem("NAME", "must have 1 to 64 characters and no slash"))
    if kind == "gateway" and name not in GATEWAYS:
        problems.append(Problem("NAME", f"must be the gateway's own name, {GATEWAYS.choice()}"))
    problems += [
        Problem("--shop", f"{shop} is unknown; there is {', '.join(sorted(known_shops))}")
        for shop in shops
        if shop not in known_shops
    ]
    if url is not None and not url.startswith(("http://", "https://")):
        problems.append(Problem("--url", "must start with https:// or http://"))
    if problems:
        raise Invalid(problems)
    made = Credentials(kind, name, f"shk_{secrets.token_urlsafe(32)}", new_secret())
    values: Mapping[str, object] = {
        "kind": kind,
        "name": name,
        "shops": list(shops),
        "key_hash": hash_key(made.key),
        "webhook_secrets": [made.webhook_secret],
        "url": url,
        "mail": mail,
    }
    try:
        with engine.begin() as connection:
            connection.execute(insert(Client).values(values))
    except IntegrityError:
        raise Invalid([Problem("NAME", f"a {kind} named {name} exists already; choose another name")]) from None
    return made
