"""Patience with the database: what a request asks of it waits while it is away, for some seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import retry, retry_if_exception, stop_after_delay, wait_exponential_jitter

from models.database import is_away

Result = TypeVar("Result")

#: Seconds a request waits for a database that is away, before it is told to come again (503).
PATIENCE = 15.0


def patiently(attempt: Callable[[], Result]) -> Result:
    """Wait out a short absence of the database. ``attempt`` may be made twice: keys in the schema have to make that safe."""
    return retry(
        retry=retry_if_exception(is_away),
        wait=wait_exponential_jitter(multiplier=0.05, max=1.0),
        stop=stop_after_delay(PATIENCE),
        reraise=True,
    )(attempt)()
