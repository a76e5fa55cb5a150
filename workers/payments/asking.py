"""How a gateway is asked: attempts under one key while nothing is settled, then a look-up, then an honest "unknown".

What each answer proves is the adapter's to say: it returns an ``Answer``, or raises ``Unsettled``. What the network does is
classified here, alike for all (gateways.md 0.2): refused before a byte was written is surely not done, anything after may be.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp
import httpx
from tenacity import AsyncRetrying, RetryError, retry_if_exception, stop_after_attempt, wait_random_exponential

from pipelines.gateway import Answer, CodeClass
from pipelines.ports import Verdict
from pipelines.values.moment import bounded
from workers.http.retry_after import seconds_of

ATTEMPTS: Final = 3
"""Attempts of one call, the first included."""
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Unsettled(Exception):
    """An attempt that settled nothing. ``sent``: the gateway may have acted on it; ``again``: try once more now.

    ``retry_after`` are seconds to leave the gateway alone, where it said so."""

    def __init__(
        self,
        code: str,
        code_class: CodeClass,
        *,
        sent: bool,
        again: bool = True,
        retry_after: float | None = None,
    ) -> None:
        self.code = code
        self.code_class = code_class
        self.sent = sent
        self.again = again
        self.retry_after = retry_after
        super().__init__(code)


async def sent(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """The response to ``request``, whatever its status. Raises Unsettled for what the network does, 401, 403 and 429."""
    try:
        response = await client.send(request)
    except _NEVER_SENT as error:
        raise Unsettled(code_of(error), CodeClass.TRANSIENT, sent=False) from error
    except httpx.RequestError as error:  # an answer whose encoding is not what it says among them
        raise Unsettled(code_of(error), CodeClass.UNKNOWN, sent=True) from error
    if response.status_code in (401, 403):
        raise Unsettled("auth", CodeClass.CONFIGURATION, sent=False, again=False)
    if response.status_code == 429:
        raise Unsettled(
            "rate_limit",
            CodeClass.TRANSIENT,
            sent=False,
            again=False,
            retry_after=seconds_of(response.headers.get("retry-after", "")),
        )
    return response


async def settle(
    attempt: Callable[[], Awaitable[Answer]], look: Callable[[], Awaitable[Answer | None]], *, repeats: bool = True
) -> Answer:
    """What the call comes to, never an exception of the network: settled, RETRY (surely not done) or UNKNOWN.

    ``attempt`` raises Unsettled where it proves nothing; ``look`` tells what became of it as ``LooksUp.lookup`` does.
    ``repeats``: the gateway knows a repetition by its key; without, nothing that may have been done is sent a second time
    before ``look`` has said that it was not.
    """
    was_sent = False
    last = Unsettled("unreachable", CodeClass.TRANSIENT, sent=False)
    try:
        async for trial in AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.1, max=1.0),
            retry=retry_if_exception(
                lambda error: isinstance(error, Unsettled) and error.again and (repeats or not error.sent)
            ),
        ):
            with trial:
                try:
                    return await attempt()
                except Unsettled as error:
                    was_sent, last = was_sent or error.sent, error
                    raise
    except (RetryError, Unsettled):
        pass
    if not was_sent:
        return not_done(last, "the gateway took nothing")
    known = await look()
    if known is None:
        return not_done(last, "the gateway never saw it")
    if known.verdict is Verdict.RETRY:
        return unknown(known.code or "", "the gateway may have acted, and could not be asked")
    return known


async def looked_up(look: Callable[[], Awaitable[Answer | None]]) -> Answer | None:
    """What ``look`` tells, or RETRY where the gateway could not be asked; UNKNOWN where its answer says nothing."""
    try:
        return await look()
    except Unsettled as error:
        if error.code_class is CodeClass.UNKNOWN and error.code.startswith("http_2"):
            return unknown(error.code, "the gateway could not tell what became of it")
        return not_asked(error.code, error.retry_after)


def not_done(last: Unsettled, says: str) -> Answer:
    """Surely nothing was done: to be asked again later."""
    return Answer(Verdict.RETRY, code=last.code, code_class=last.code_class, says=says, retry_after=last.retry_after)


def not_asked(code: str, after: float | None = None) -> Answer:
    """A look-up that did not reach the gateway says nothing."""
    return Answer(
        Verdict.RETRY,
        code=code,
        code_class=CodeClass.TRANSIENT,
        says="the gateway could not be asked",
        retry_after=after,
    )


def unknown(code: str, says: str) -> Answer:
    """It may have been done."""
    return Answer(Verdict.UNKNOWN, code=code, code_class=CodeClass.UNKNOWN, says=says)


def proves_nothing(response: httpx.Response) -> Unsettled:
    """For an answer that says neither yes nor no: 5xx, a proxy's page, a body that is cut or empty (gateways.md 9, 8)."""
    return Unsettled(f"http_{response.status_code}", CodeClass.UNKNOWN, sent=True)


def json_of(response: httpx.Response) -> dict[str, Any]:
    """The JSON object in it; empty for anything else."""
    try:
        value = response.json()
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def told_at(response: httpx.Response) -> datetime:
    """The moment (aware, whole seconds) of an answer by its sender's clock (RFC 9110), by ours where it tells none."""
    return date_of(response) or datetime.now(UTC).replace(microsecond=0)


def date_of(response: httpx.Response) -> datetime | None:
    """The moment (UTC, whole seconds) of an answer by its sender's clock (RFC 9110); None where it tells none."""
    with contextlib.suppress(ValueError, OverflowError):
        return bounded(parsedate_to_datetime(response.headers.get("date", "")).astimezone(UTC))
    return None


def code_of(error: httpx.RequestError) -> str:
    """A short code of ours for what the network did."""
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if isinstance(error, httpx.DecodingError):
        return "unreadable"
    if isinstance(error.__cause__, aiohttp.ClientConnectorCertificateError):
        return "certificate"
    return "unreachable" if isinstance(error, httpx.ConnectError) else "connection_lost"
