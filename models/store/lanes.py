"""Fairness between shops: SQL by which a batch is taken from the queues of all shops in turns, not from the longest.

A queue is a table with ``shop`` and ``due_at`` that consists of lanes, each with what it is ``of``: a shop, and maybe more. With an index
over (key, those, due_at) finding its lanes is a hop a lane, and sharing a batch out reads no more entries of the index than the batch
has for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

OF_SHOPS: Final[Mapping[str, str]] = {"shop": "t.shop"}
"""What a lane is of, by name, and the SQL over ``t`` for it, as the index has it."""


def by_ids(column: str, ids: str, key: str, value: str) -> str:
    """SQL: rows of a queue whose ``column`` is one of the array ``ids`` and whose ``key`` is ``value``, found by their ids alone.

    A queue fills and empties faster than it is counted, and a statement is planned once: whoever takes the few that were counted for all
    that have a key reads a backlog from end to end, for each outcome. So no index may be used for the key, and none but that of the ids is left.
    """
    return f"{column} = ANY({ids}) AND {key} || '' = {value}"


def lanes(table: str, key: str, of: Mapping[str, str] = OF_SHOPS) -> str:
    """A recursive CTE ``lane`` with the columns ``of``: the lanes of ``table`` that have rows where ``key`` (SQL over ``t``)."""
    names, columns = ", ".join(of), ", ".join(of.values())
    here = ", ".join(f"lane.{name}" for name in of)
    return f"""lane({names}) AS (
  (SELECT {columns} FROM {table} t WHERE {key} ORDER BY {columns} LIMIT 1)
  UNION ALL
  SELECT next.* FROM lane CROSS JOIN LATERAL (
    SELECT {columns} FROM {table} t WHERE {key} AND ({columns}) > ({here}) ORDER BY {columns} LIMIT 1) AS next)"""


def of_lane(lane: str, of: Mapping[str, str] = OF_SHOPS) -> str:
    """SQL: ``t`` is of the one that is called ``lane``."""
    return " AND ".join(f"{column} = {lane}.{name}" for name, column in of.items())


def due_in_lane(
    table: str,
    key: str,
    due: str,
    of: Mapping[str, str] = OF_SHOPS,
    *,
    columns: str = "t.due_at",
    most: str = "%(limit)s",
) -> str:
    """SQL: ``columns`` of the rows of ``lane`` that are ``due`` (SQL over ``t``), those due longest first, at most ``most``."""
    return f"SELECT {columns} FROM {table} t WHERE {key} AND {of_lane('lane', of)} AND {due} ORDER BY t.due_at LIMIT {most}"


def shares(found: str, of: Mapping[str, str] = OF_SHOPS, where: str = "true") -> str:
    """A CTE ``share`` after ``lanes``, with the columns ``of``, ``most`` and ``until``: how many of what was ``found`` (as ``due_in_lane`` does)
    in each lane, ``where`` it is not left out, make up a batch of ``%(limit)s`` when shops take turns and what has been due longest comes
    first, and since when the last of them is."""
    names = ", ".join(of)
    return f"""share({names}, most, until) AS (
  SELECT {names}, count(*), max(due_at) FROM (
    SELECT * FROM (
      SELECT lane.*, found.due_at, row_number() OVER (PARTITION BY lane.shop ORDER BY found.due_at) AS place
      FROM lane CROSS JOIN LATERAL ({found}) AS found WHERE {where}) AS waiting
    ORDER BY place, shop LIMIT %(limit)s) AS turn GROUP BY {names})"""


def any_due(table: str, key: str, due: str) -> str:
    """SQL: whether any row where ``key`` is ``due`` (SQL over ``t``); of each shop one row is read."""
    return f"""EXISTS (WITH RECURSIVE {lanes(table, key)}
  SELECT FROM lane CROSS JOIN LATERAL ({due_in_lane(table, key, due, most="1")}) AS found)"""
