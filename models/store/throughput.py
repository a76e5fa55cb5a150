"""How much went through lately, in the database's own time."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from models.store.statement import fetch


class MovedRow(NamedTuple):
    """How many orders came to a state."""

    what: str
    number: int


_MOVED = """
SELECT to_state, count(*) FROM transition
WHERE id > coalesce((SELECT max(id) FROM transition), 0) - 200000 AND entity = 'order'
  AND recorded_at > now() - make_interval(secs => %(seconds)s)
GROUP BY 1 ORDER BY 2 DESC, 1
"""


def moved(connection: Connection, seconds: int) -> list[MovedRow]:
    """How many orders came to each state in the last so many ``seconds``, the busiest first; of the newest 200,000 moves at most."""
    return fetch(connection, MovedRow, _MOVED, {"seconds": seconds})


class EndedRow(NamedTuple):
    """Effects of a kind that ended alike: how many, and the real seconds from the wish to the end, at the median and at 95 %."""

    kind: str
    state: str
    number: int
    p50: float
    p95: float


_ENDED = """
WITH ended AS (
  SELECT kind, state, extract(epoch FROM finished_at - recorded_at) AS took FROM effect
  WHERE id > coalesce((SELECT max(id) FROM effect), 0) - 200000 AND finished_at > now() - make_interval(secs => %(seconds)s)
  UNION ALL
  SELECT 'mail.send', state, NULL FROM mail
  WHERE id > coalesce((SELECT max(id) FROM mail), 0) - 200000 AND sent_at > now() - make_interval(secs => %(seconds)s))
SELECT kind, state, count(*), coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY took), 0)::float8,
       coalesce(percentile_cont(0.95) WITHIN GROUP (ORDER BY took), 0)::float8
FROM ended GROUP BY 1, 2 ORDER BY 1, 2
"""


def ended(connection: Connection, seconds: int) -> list[EndedRow]:
    """What ended in the last so many ``seconds``; mails have no time of their wish, and count as 0. Of the newest 200,000 at most."""
    return fetch(connection, EndedRow, _ENDED, {"seconds": seconds})
