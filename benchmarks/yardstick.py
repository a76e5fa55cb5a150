"""A fixed piece of work in Python and PostgreSQL: what a machine makes of it beside a measurement is what the measurement is compared with.

Never change it: every figure of docs/bench-baseline.json is a multiple of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from sqlalchemy import Engine, text

from benchmarks.processor import processor_seconds

#: Passes in Python, and transactions; each takes some milliseconds.
_PASSES: Final = 60
_ROWS: Final = 200
_STATEMENTS: Final = (
    "INSERT INTO yardstick (id, state, document) SELECT n, 'new', CAST(:document AS json) FROM generate_series(CAST(:first AS int), :last) n",
    "UPDATE yardstick SET state = 'done' WHERE id BETWEEN :first AND :last",
    "SELECT state, count(*) FROM yardstick GROUP BY 1",
    "DELETE FROM yardstick WHERE id BETWEEN :first AND :last AND id % 2 = 0",
)


class Measure(NamedTuple):
    """What the work took: seconds, and processor seconds of this process and of PostgreSQL."""

    seconds: float
    processor: float


@contextmanager
def yardstick(engine: Engine) -> Iterator[None]:
    """The table that the work is done in, for as long as the block lasts."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE yardstick (id int PRIMARY KEY, state text, document json)"))
        connection.execute(text("CREATE INDEX ON yardstick (state, id)"))
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE yardstick"))


def measured(engine: Engine, postgres: int) -> Measure:
    """Do the work once; ``postgres`` is the server's process."""
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE yardstick"))
    processor, spent, began = processor_seconds([postgres]), time.process_time(), time.perf_counter()
    for number in range(_PASSES):
        document = _python(number)
        with engine.begin() as connection:
            told = {"first": number * _ROWS, "last": (number + 1) * _ROWS - 1, "document": document}
            for statement in _STATEMENTS:
                used = {name: value for name, value in told.items() if f":{name}" in statement}
                connection.execute(text(statement), used).close()
    own = time.process_time() - spent
    return Measure(time.perf_counter() - began, own + processor_seconds([postgres]) - processor)


def _python(seed: int) -> str:
    """A document of dictionaries, numbers and text, made, written and read again."""
    orders = [
        {"number": f"S-{seed}-{n}", "lines": [{"sku": f"SKU-{n * line % 97}", "yen": n * line} for line in range(8)]}
        for n in range(120)
    ]
    read = json.loads(json.dumps(orders))
    by_sku: dict[str, int] = {}
    for order in read:
        for line in order["lines"]:
            by_sku[line["sku"]] = by_sku.get(line["sku"], 0) + line["yen"]
    return json.dumps(sorted((-yen, sku) for sku, yen in by_sku.items()))
