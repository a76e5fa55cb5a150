"""Links that partners were sent: of which generation those are that count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from models.link import LinkGeneration
from models.store.statement import columns, execute, reader, values


class LinkHolder(NamedTuple):
    """Whose links of which ``purpose`` are meant."""

    purpose: str
    holder: str


class LinkGenerationRow(NamedTuple):
    """The generation of a holder's links that count."""

    purpose: str
    holder: str
    generation: int


#: Those of which one was ever taken back; of any other holder the links are of generation 0.
generations = reader(
    LinkHolder,
    f"""SELECT {columns(LinkGenerationRow, "g")} FROM {values(LinkHolder, LinkGeneration)}
        JOIN link_generation g ON g.purpose = v.purpose AND g.holder = v.holder""",
    LinkGenerationRow,
)

_REVOKE = """
INSERT INTO link_generation (purpose, holder, generation) VALUES (%(purpose)s, %(holder)s, 1)
ON CONFLICT (purpose, holder) DO UPDATE SET generation = link_generation.generation + 1
"""


def revoke(connection: Connection, whose: LinkHolder) -> None:
    """Let all links count no longer that the holder was given so far."""
    execute(connection, _REVOKE, whose._asdict())


def generation_of(connection: Connection, whose: LinkHolder) -> int:
    """The generation of the holder's links that count."""
    found: Sequence[LinkGenerationRow] = generations(connection, [whose])
    return found[0].generation if found else 0
