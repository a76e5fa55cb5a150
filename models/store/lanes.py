"""Fairness between shops: SQL by which a batch is taken from the queues of all shops in turns, not from the longest.

A queue consists of lanes, each with what it is ``of``: a shop, and maybe more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

OF_SHOPS: Final[Mapping[str, str]] = {"shop": "t.shop"}
"""What a lane is of, by name, and the SQL over ``t`` for it, as the index has it."""


def by_ids(column: str, ids: str, key: str, value: str) -> str:
    """SQL: rows of a queue whose ``column`` is one of the array ``ids`` and whose ``key`` is ``value``, found by their ids alone.

    A queue fills and empties faster than it is counted, and a statement is planned once: whoever takes the few that were counted for all
    that have a key reads a backlog from end to end, for each outcome. So no index may be used for the key, and none but that of the ids is left.
    """
    return f"{column} = ANY({ids}) AND {key} || '' = {value}"


class Queue(NamedTuple):
    """Rows of ``table`` that wait in lanes: those where ``key`` is true, of which each is to be taken once ``due`` is (SQL over ``t``), the
    smallest ``by`` first. ``of`` is what a lane is of, and ``name`` what it is called where a statement has several queues.

    With an index over (key, ``of``, ``by``) finding the lanes is a hop a lane, and a batch reads no more entries of it than it has room
    for each, as long as what is not ``due`` lies behind what is.
    """

    table: str
    key: str
    due: str
    by: str = "t.due_at"
    of: Mapping[str, str] = OF_SHOPS
    name: str = "lane"

    @property
    def lanes(self) -> str:
        """A recursive CTE, ``name``, with the columns ``of``: the lanes that have rows."""
        names, columns = ", ".join(self.of), ", ".join(self.of.values())
        here = ", ".join(f"{self.name}.{name}" for name in self.of)
        return f"""{self.name}({names}) AS (
  (SELECT {columns} FROM {self.table} t WHERE {self.key} ORDER BY {columns} LIMIT 1)
  UNION ALL
  SELECT next.* FROM {self.name} CROSS JOIN LATERAL (
    SELECT {columns} FROM {self.table} t WHERE {self.key} AND ({columns}) > ({here}) ORDER BY {columns} LIMIT 1) AS next)"""

    def of_lane(self, lane: str) -> str:
        """SQL: ``t`` is of the one that is called ``lane``."""
        return " AND ".join(f"{column} = {lane}.{name}" for name, column in self.of.items())

    def due_first(self, columns: str = "", most: str = "%(limit)s") -> str:
        """SQL: since when (``due_at``) those of a lane are due that have been so longest, at most ``most``, with further ``columns``."""
        return f"""SELECT {self.by} AS due_at{columns and ", " + columns} FROM {self.table} t
    WHERE {self.key} AND {self.of_lane(self.name)} AND {self.due} ORDER BY {self.by} LIMIT {most}"""

    def shares(self, share: str, found: str, where: str = "true", limit: str = "%(limit)s") -> str:
        """A CTE ``share`` after ``lanes``, with the columns ``of``, ``most`` and ``until``: how many of what was ``found`` (as ``due_first``
        does) in each lane, ``where`` it is not left out, make up a batch of ``limit`` when shops take turns and what has been due
        longest comes first, and since when the last of them is."""
        names = ", ".join(self.of)
        return f"""{share}({names}, most, until) AS (
  SELECT {names}, count(*), max(due_at) FROM (
    SELECT * FROM (
      SELECT {self.name}.*, found.due_at, row_number() OVER (PARTITION BY {self.name}.shop ORDER BY found.due_at) AS place
      FROM {self.name} CROSS JOIN LATERAL ({found}) AS found WHERE {where}) AS waiting
    ORDER BY place, shop LIMIT {limit}) AS turn GROUP BY {names})"""

    @property
    def any_due(self) -> str:
        """SQL: whether any row is due; of each lane one is read."""
        return f"""EXISTS (WITH RECURSIVE {self.lanes}
  SELECT FROM {self.name} CROSS JOIN LATERAL ({self.due_first(most="1")}) AS found)"""
