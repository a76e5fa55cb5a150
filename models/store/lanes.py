"""Fairness between shops: SQL by which a batch is taken from the queues of all shops in turns, not from the longest.

A queue is a table with ``shop`` and ``due_at`` and an index over (key, shop, due_at): finding its shops is a hop a shop, and
sharing a batch out reads no more entries of the index than the batch has for each.
"""

from __future__ import annotations


def lanes(table: str, key: str) -> str:
    """A recursive CTE ``lane(shop)``: the shops with rows of ``table`` where ``key`` (SQL over its columns), then NULL."""
    return f"""lane(shop) AS (
  (SELECT shop FROM {table} WHERE {key} ORDER BY shop LIMIT 1)
  UNION ALL
  SELECT (SELECT t.shop FROM {table} t WHERE {key} AND t.shop > lane.shop ORDER BY t.shop LIMIT 1)
  FROM lane WHERE lane.shop IS NOT NULL)"""


def shares(table: str, key: str, due: str) -> str:
    """A CTE ``share(shop, most)`` after ``lanes``: how many of each shop's rows that are ``due`` (SQL over ``t``) make up a
    batch of ``%(limit)s`` when shops take turns."""
    return f"""share(shop, most) AS (
  SELECT turn.shop, count(*) FROM (
    SELECT lane.shop FROM lane CROSS JOIN LATERAL (
      SELECT row_number() OVER () AS place FROM (
        SELECT FROM {table} t WHERE {key} AND t.shop = lane.shop AND {due} ORDER BY t.due_at LIMIT %(limit)s) AS found
    ) AS waiting ORDER BY waiting.place, lane.shop LIMIT %(limit)s) AS turn GROUP BY turn.shop)"""
