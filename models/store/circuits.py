"""Circuits that are open: written by the worker that found a target failing, read by operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from models.effect import Circuit
from models.store.statement import fetch, values, writer

#: Seconds after a probe was due in which it must have told; a worker that ended tells nothing any more.
FORGOTTEN: Final = 300


class OpenRow(NamedTuple):
    """A target of ``kind`` that is asked again in ``seconds``, after so many failures on end, the last with ``code``."""

    kind: str
    target: str
    seconds: float
    failures: int
    code: str


#: A circuit that was open already keeps the moment at which it opened.
open_ = writer(
    OpenRow,
    f"""INSERT INTO circuit (kind, target, probe_at, failures, code)
        SELECT kind, target, clock_timestamp() + make_interval(secs => seconds), failures, code
        FROM {values(OpenRow, Circuit, seconds="float8")} ORDER BY kind, target
        ON CONFLICT (kind, target) DO UPDATE
        SET probe_at = excluded.probe_at, failures = excluded.failures, code = excluded.code,
            opened_at = CASE WHEN circuit.probe_at < now() - interval '{FORGOTTEN} s'
                             THEN excluded.opened_at ELSE circuit.opened_at END""",
)


class ClosedRow(NamedTuple):
    """A target of ``kind`` that answered."""

    kind: str
    target: str


_close = writer(
    ClosedRow,
    f"""DELETE FROM circuit c USING {values(ClosedRow, Circuit)} WHERE c.kind = v.kind AND c.target = v.target""",
)


def close(connection: Connection, rows: Sequence[ClosedRow]) -> int:
    """Forget circuits whose target answered; how many."""
    return _close(connection, rows)


class WaitingRow(NamedTuple):
    """A target that failed: how often on end, and whether it is still left alone."""

    target: str
    failures: int
    rests: bool


def of_kind(connection: Connection, kind: str) -> list[WaitingRow]:
    """The targets of ``kind`` that failed when they were asked last."""
    statement = "SELECT target, failures, probe_at > clock_timestamp() FROM circuit WHERE kind = %(kind)s"
    return fetch(connection, WaitingRow, statement, {"kind": kind})
