"""All that a house has stored, as lines to search: every row of every table, the mails unpacked and suppliers' files read."""

from __future__ import annotations

import re

from models.mail_packing import unpack
from tests.world import World

_BYTES = re.compile(r"\\+x[0-9a-f]+")  # digests and packed mails: a run of their digits may look like anything


def everything_stored(world: World) -> list[str]:
    """Lines of text."""
    tables = [row.name for row in world.rows("SELECT relname AS name FROM pg_stat_user_tables")]
    rows = [str(tuple(row)) for table in tables for row in world.rows(f'SELECT t::text FROM "{table}" t')]
    mails = [unpack(row.packed).decode("utf-8", "replace") for row in world.rows("SELECT packed FROM mail")]
    mails += [bytes(row.content).decode("cp932", "replace") for row in world.rows("SELECT content FROM supplier_file")]
    return [_BYTES.sub("", row) for row in rows] + "\n".join(mails).splitlines()
