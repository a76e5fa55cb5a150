"""Patience with the database: what is asked of it waits while it is away, for some seconds, and is then asked again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import retry, retry_if_exception, stop_after_delay, wait_exponential_jitter

from models.database import is_away

Result = TypeVar("Result")

#: Seconds a request waits for a database that is away, before it is told to come again (503).
PATIENCE = 15.0


def patiently(attempt: Callable[[bool], Result]) -> Result:
    """Wait out a short absence of the database.

    ``attempt`` is told whether it is made again: the commit of the time before may have happened without an answer, so that keys
    in the schema have to make it safe, and what is known already under them may be its own.
    """
    again = False

    def once() -> Result:
        nonlocal again
        made_before, again = again, True
        return attempt(made_before)

    return retry(
        retry=retry_if_exception(is_away),
        wait=wait_exponential_jitter(multiplier=0.05, max=1.0),
        stop=stop_after_delay(PATIENCE),
        reraise=True,
    )(once)()
