"""Every row of a database as text, for tests of what is in none of them any more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from email import message_from_bytes
from email.policy import default

from sqlalchemy import text

from models.mail_packing import unpack
from models.schema import metadata
from tests.world import World


def dump(world: World) -> list[str]:
    """Every row of every table as text, and what is packed in it."""
    found = []
    with world.engine.connect() as connection:
        for table in metadata.sorted_tables:
            rows = connection.execute(text(f"SELECT {table.name}::text FROM {table.name}")).scalars()
            found += [f"{table.name} {row}" for row in rows]
        mails = connection.execute(text("SELECT id, packed FROM mail WHERE packed IS NOT NULL")).all()
        outputs = connection.execute(text("SELECT content FROM effect_output")).scalars()
        found += [f"mail {row.id} {_decoded(unpack(row.packed))}" for row in mails]
        found += [f"effect_output {bytes(content).decode('utf-8', 'replace')}" for content in outputs]
    return found


def _decoded(raw: bytes) -> str:
    """A mail with its texts and headers as people read them."""
    message = message_from_bytes(raw, policy=default)
    parts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*(f"{name}: {value}" for name, value in message.items()), *parts])


def naming(rows: Sequence[str], *pieces: str) -> list[str]:
    """The rows in which one of the pieces stands, however JSON writes it."""
    spelled = {one.lower() for piece in pieces for one in (piece, json.dumps(piece)[1:-1])}
    return [row for row in rows if any(one in row.lower() for one in spelled)]
