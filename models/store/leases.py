"""The effect loop's queue, of effects and mails alike: leases with a fencing token.

Leases count in the database's own time, so a fast or set Clock never shortens one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from models.effect import EffectLease
from models.store.lanes import any_due, by_ids, lanes, of_lane, shares
from models.store.statement import fetch, reader, scalars, values, writer


def held_by(subject: str, kind: str = "%(kind)s") -> str:
    """SQL: the row ``l`` of ``effect_lease`` is that of the effect ``v.subject`` of ``kind``, still under the token ``v.token``;
    ``subject`` is the first column of ``v``."""
    return f"{by_ids('l.subject_id', '%(c0)b::bigint[]', 'l.kind', kind)} AND l.subject_id = v.{subject} AND l.token = v.token"


#: Leases that ran out while the database was away wait some seconds more: whoever held them and is alive has an outcome to
#: record.
_DUE: Final = """t.due_at <= now()
  AND (t.attempts = 0 OR t.due_at > pg_postmaster_start_time() OR now() > pg_postmaster_start_time() + interval '5 s')"""


class LeasedRow(NamedTuple):
    """An effect, or mail, that was leased: under which token, the how-manieth attempt from 1 this is, and how many of those
    before may have happened."""

    subject_id: int
    token: int
    attempts: int
    unknowns: int


_KEY: Final = "kind = %(kind)s"
#: A target with a long backlog that has no room now is passed over with one hop, and not by reading what waits for it.
_OF: Final = {"shop": "t.shop", "target": "coalesce(t.target, '')"}
_OPEN: Final = "lane.target <> ALL(%(without)b::text[])"
_TAKEN: Final = f"""ARRAY(
  SELECT taken.subject_id FROM share CROSS JOIN LATERAL (
    SELECT t.subject_id FROM effect_lease t WHERE {_KEY} AND {of_lane("share", _OF)} AND {_DUE}
    ORDER BY t.due_at LIMIT share.most FOR UPDATE SKIP LOCKED) AS taken)"""
_LEASE = f"""
WITH RECURSIVE {lanes("effect_lease", _KEY, _OF)}, {shares("effect_lease", _KEY, _DUE, _OF, _OPEN)}
UPDATE effect_lease e SET due_at = clock_timestamp() + make_interval(secs => %(seconds)s), token = e.token + 1,
       attempts = e.attempts + 1
WHERE {by_ids("e.subject_id", _TAKEN, "e.kind", "%(kind)s")}
RETURNING e.subject_id, e.token, e.attempts, e.unknowns
"""


def lease(
    connection: Connection, kind: str, limit: int, seconds: float, without: Collection[str] = ()
) -> list[LeasedRow]:
    """Take up to ``limit`` due effects of ``kind`` for ``seconds``, none that goes to a target of ``without``; shops take
    turns, and of a shop those due longest come first."""
    parameters = {"kind": kind, "limit": limit, "seconds": seconds, "without": list(without)}
    return fetch(connection, LeasedRow, _LEASE, parameters)


class HeldRow(NamedTuple):
    """An effect that is held under a token."""

    subject_id: int
    token: int


_renew = reader(
    HeldRow,
    f"""UPDATE effect_lease l SET due_at = clock_timestamp() + make_interval(secs => %(seconds)s)
        FROM {values(HeldRow, EffectLease)} WHERE {held_by("subject_id")}
        RETURNING l.subject_id, l.token""",
    HeldRow,
)


def renew(connection: Connection, kind: str, held: Sequence[HeldRow], seconds: float) -> list[HeldRow]:
    """Keep effects of ``kind`` for ``seconds`` from now; those whose token is still current."""
    return _renew(connection, held, kind=kind, seconds=seconds)


class PostponedRow(NamedTuple):
    """A leased effect that is due again in ``seconds``: whether it was attempted at all, and may have happened; the target that
    it goes to."""

    subject_id: int
    token: int
    seconds: float
    begun: bool = True
    unknown: bool = False
    target: str | None = None


_postpone = writer(
    PostponedRow,
    f"""UPDATE effect_lease l SET due_at = clock_timestamp() + make_interval(secs => v.seconds),
               attempts = l.attempts - (NOT v.begun)::int,
               unknowns = l.unknowns + v.unknown::int, target = coalesce(v.target, l.target)
        FROM {values(PostponedRow, EffectLease, seconds="float8", begun="bool", unknown="bool")}
        WHERE {held_by("subject_id")}""",
)


def postpone(connection: Connection, kind: str, rows: Sequence[PostponedRow]) -> int:
    """Make effects of ``kind`` due later, where the token is still current; how many."""
    return _postpone(connection, rows, kind=kind)


_DUE_KINDS = f"""
SELECT asked.name FROM unnest(%(kinds)b::text[]) AS asked(name)
WHERE {any_due("effect_lease", "kind = asked.name", _DUE, _OF)}
"""


_NOW = """
UPDATE effect_lease SET due_at = CASE WHEN due_at > now() + make_interval(secs => %(seconds)s) THEN now() ELSE due_at END
WHERE subject_id = ANY(%(ids)b::bigint[]) AND kind LIKE 'payment.%%' RETURNING kind
"""


def ask_now(connection: Connection, ids: Sequence[int], seconds: float) -> list[str]:
    """Make effects of payments that pause due at once; the kind of each that has not ended. What is due within ``seconds``, the
    longest lease, is left alone: it may be held."""
    return scalars(connection, _NOW, {"ids": ids, "seconds": seconds})


def due_kinds(connection: Connection, kinds: Sequence[str]) -> list[str]:
    """Which kinds of effect wait to be performed."""
    return scalars(connection, _DUE_KINDS, {"kinds": list(kinds)})


def opened(new: str, kind: str, target: str, attempts: int = 0, due: str = "now()") -> str:
    """SQL that makes the rows of the CTE ``new`` (id, order_id, and whatever ``kind``, ``target`` and ``due`` name) due at ``due``."""
    shop = f"coalesce((SELECT o.shop FROM shop_order o WHERE o.id = {new}.order_id), '')"
    return f"""INSERT INTO effect_lease (kind, subject_id, due_at, attempts, token, target, shop)
               SELECT {kind}, id, {due}, {attempts}, 0, {target}, {shop} FROM {new}"""
