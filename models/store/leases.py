"""The effect loop's queue, of effects and mails alike: leases with a fencing token.

Leases count in the database's own time, so a fast or set Clock never shortens one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from models.effect import EffectLease
from models.store.lanes import Queue, by_ids
from models.store.statement import R, array, fetch, reader, scalars, values, writer


def held_by(shape: type[R], subject: str, kind: str = "%(kind)s") -> str:
    """SQL: the row ``l`` of ``effect_lease`` is that of the effect ``v.subject`` of ``kind``, still under the token ``v.token``, where ``v`` are
    the ``values`` of ``shape``."""
    found = by_ids("l.subject_id", array(shape, subject, "bigint"), "l.kind", kind)
    return f"{found} AND l.subject_id = v.{subject} AND l.token = v.token"


#: Leases that ran out while the database was away wait some seconds more: whoever held them and is alive has an outcome to
#: record.
_DUE: Final = """t.due_at <= now()
  AND (t.attempts = 0 OR t.due_at > pg_postmaster_start_time() OR now() > pg_postmaster_start_time() + interval '5 s')"""


class LeasedRow(NamedTuple):
    """An effect, or mail, that was leased: under which token, the how-manieth attempt from 1 this is, how many of those before
    may have happened, and for how many seconds it has been tried."""

    subject_id: int
    token: int
    attempts: int
    unknowns: int
    age: float


_KEY: Final = "kind = %(kind)s"
#: How many batches' worth of a shop's rows are read for those that go to targets which are not left out.
_DEPTH: Final = 4
_OPEN: Final = "({row}.target IS NULL OR {row}.target <> ALL(%(without)b::text[]))"
_OF_SHOPS: Final = Queue("effect_lease", _KEY, _DUE)
#: A shop's lanes by target: one that is left out is passed over with a hop, and not by reading what waits for it.
_OF_TARGETS: Final = _OF_SHOPS._replace(of={"shop": "t.shop", "target": "coalesce(t.target, '')"})
_NEAR: Final = f"""
  SELECT near.due_at FROM ({_OF_SHOPS.due_first("t.target", f"{_DEPTH} * %(limit)s")}) AS near
  WHERE {_OPEN.format(row="near")} ORDER BY near.due_at LIMIT %(limit)s"""


def _leasing(queue: Queue, shares: str, among: str) -> str:
    """SQL that leases what the CTE ``share`` of ``shares`` has of a queue, ``among`` (SQL over ``t``) the rows of a lane."""
    taken = f"""ARRAY(
  SELECT taken.subject_id FROM share CROSS JOIN LATERAL (
    SELECT t.subject_id FROM effect_lease t WHERE {_KEY} AND {queue.of_lane("share")} AND {among} AND {_DUE} AND t.due_at <= share.until
    ORDER BY t.due_at LIMIT share.most FOR UPDATE SKIP LOCKED) AS taken)"""
    return f"""
WITH RECURSIVE {queue.lanes}, {shares}
UPDATE effect_lease e SET due_at = clock_timestamp() + make_interval(secs => %(seconds)s), token = e.token + 1,
       attempts = e.attempts + 1
WHERE {by_ids("e.subject_id", taken, "e.kind", "%(kind)s")}
RETURNING e.subject_id, e.token, e.attempts, e.unknowns, extract(epoch FROM now() - e.opened_at)::float8
"""


_LEASE_NEAR = _leasing(_OF_SHOPS, _OF_SHOPS.shares("share", _NEAR), _OPEN.format(row="t"))
_LEASE_FAR = _leasing(
    _OF_TARGETS, _OF_TARGETS.shares("share", _OF_TARGETS.due_first(), _OPEN.format(row="lane")), "true"
)


def lease(
    connection: Connection, kind: str, limit: int, seconds: float, without: Collection[str] = ()
) -> list[LeasedRow]:
    """Take up to ``limit`` due effects of ``kind`` for ``seconds``, none that goes to a target of ``without``; shops take
    turns, and of a shop those due longest come first.

    What is near is found in the order in which it is due. Where that is not enough, the rest may lie behind the backlog of a target that is
    left out: it is looked for by targets, which costs more where there are many, and nothing for how much waits.
    """
    parameters = {"kind": kind, "limit": limit, "seconds": seconds, "without": list(without)}
    found = fetch(connection, LeasedRow, _LEASE_NEAR, parameters)
    if without and len(found) < limit:
        found += fetch(connection, LeasedRow, _LEASE_FAR, parameters | {"limit": limit - len(found)})
    return found


class HeldRow(NamedTuple):
    """An effect that is held under a token."""

    subject_id: int
    token: int


_OLDER: Final = f"""
WITH RECURSIVE {_OF_TARGETS.lanes}
SELECT over.subject_id, over.token FROM lane CROSS JOIN LATERAL (
  SELECT t.subject_id, t.token FROM effect_lease t WHERE {_KEY} AND {_OF_TARGETS.of_lane("lane")} AND {_DUE}
    AND t.opened_at <= now() - make_interval(secs => %(age)s)
  ORDER BY t.due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED) AS over
WHERE lane.target = %(target)s LIMIT %(limit)s
"""


def older(connection: Connection, kind: str, target: str, age: float, limit: int) -> list[HeldRow]:
    """Lock up to ``limit`` effects of ``kind`` that are due for ``target``, held by nobody, and were asked for ``age`` seconds ago or
    earlier; each with its token, which stays current as long as the transaction lasts."""
    parameters = {"kind": kind, "target": target, "age": age, "limit": limit}
    return fetch(connection, HeldRow, _OLDER, parameters)


_renew = reader(
    HeldRow,
    f"""UPDATE effect_lease l SET due_at = clock_timestamp() + make_interval(secs => %(seconds)s)
        FROM {values(HeldRow, EffectLease)} WHERE {held_by(HeldRow, "subject_id")}
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
        WHERE {held_by(PostponedRow, "subject_id")}""",
)


def postpone(connection: Connection, kind: str, rows: Sequence[PostponedRow]) -> int:
    """Make effects of ``kind`` due later, where the token is still current; how many."""
    return _postpone(connection, rows, kind=kind)


_DUE_KINDS = f"""
SELECT asked.name FROM unnest(%(kinds)b::text[]) AS asked(name)
WHERE {_OF_SHOPS._replace(key="kind = asked.name").any_due}
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
