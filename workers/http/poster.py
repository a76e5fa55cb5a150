"""Signed messages to partners over HTTP (Standard Webhooks): suppliers are instructed by them, storefronts told of moves.

The webhook-id is the message's key and stays the same over every attempt, so a partner that has seen it does nothing
twice; repeating is therefore always safe and nothing here is ever unknown.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import aiohttp
import orjson

from pipelines.errors import Misconfigured
from pipelines.ports import Outcome, Verdict
from workers.http.retry_after import seconds_of
from workers.http.signing import signed_headers
from workers.http.targets import CONNECTIONS, TargetRefused, public_connector

#: The code of a message that was not posted, since its target is not on the public internet.
TARGET_REFUSED = "target_refused"
_ANSWER_LIMIT = 65_536
#: Seconds for the rest of an answer whose status is known.
_ANSWER_SECONDS = 5.0
_AGAIN = frozenset({408, 409, 425, 429})


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted: ``key`` is the webhook-id, ``data`` the JSON body's data, ``at`` when it happened (aware), ``to`` the
    partner as an operator knows it."""

    key: str
    type: str
    data: Mapping[str, Any]
    at: datetime
    to: str


class Posts(Protocol):
    """Whoever hands a signed message to a partner."""

    async def post(self, message: Message, *, url: str, secrets: Sequence[str]) -> Outcome:
        """Post ``message`` to ``url``, signed with every secret (rotation). OK: the partner has it."""
        ...

    async def aclose(self) -> None:
        """Give connections back."""
        ...


class Poster:
    """``Posts`` over HTTP; never raises for what the network does."""

    def __init__(self, *, allow_private: bool, timeout: float = 10.0) -> None:
        """``allow_private``: also to hosts that are not on the public internet; ``timeout``: seconds for connecting, and
        between two reads."""
        self._allow_private = allow_private
        self._timeout = aiohttp.ClientTimeout(total=None, connect=timeout, sock_connect=timeout, sock_read=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, message: Message, *, url: str, secrets: Sequence[str]) -> Outcome:
        """Post ``message`` to ``url``, signed with every secret (rotation). OK: the partner has it.

        DECLINED for 4xx, except 408, 409, 425 and 429, and for a private host; those are RETRY as are 3xx, 5xx and
        everything the network does.
        """
        if not secrets:
            return Outcome(Verdict.RETRY, code="no_secret", says=f"{message.to} has no webhook secret")
        body = orjson.dumps({"type": message.type, "timestamp": message.at, "data": dict(message.data)})
        try:
            # Real time: the receiver's tolerance is in real time too.
            signed = signed_headers(secrets, message.key, int(time.time()), body)
            headers = {"content-type": "application/json", **signed}
            async with self._opened().post(url, data=body, headers=headers, allow_redirects=False) as response:
                if not await _read_up_to(response, _ANSWER_LIMIT):
                    response.close()
                return _outcome(response, message.to)
        except TargetRefused as refused:
            return Outcome(Verdict.DECLINED, code=TARGET_REFUSED, says=refused.says)
        except Misconfigured:
            return Outcome(Verdict.RETRY, code="bad_secret", says=f"a webhook secret of {message.to} is none")
        except aiohttp.ClientConnectorCertificateError as error:  # which is a ValueError besides
            says = f"the certificate of {message.to} is not trusted: {_why(error)}"
            return Outcome(Verdict.RETRY, code="certificate", says=says)
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, ValueError):
            return Outcome(Verdict.RETRY, code="bad_url", says=f"the address of {message.to} is no URL")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Outcome(Verdict.RETRY, code=_code(error), says=f"{message.to} did not answer")

    def _opened(self) -> aiohttp.ClientSession:
        """The session of the event loop that posts, opened at its first message."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_connector(self._allow_private),
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                headers={"user-agent": "shukka"},
            )
        return self._session

    async def aclose(self) -> None:
        """Give connections back."""
        if self._session is not None:
            await self._session.close()


def _connector(allow_private: bool) -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(**CONNECTIONS) if allow_private else public_connector()


async def _read_up_to(response: aiohttp.ClientResponse, limit: int) -> bool:
    """Read the answer so that its connection can be used again; whether it came whole, soon, and was no longer than ``limit``. What
    it says counts for nothing: its status is the answer."""
    size = 0
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            async for chunk in response.content.iter_any():
                size += len(chunk)
                if size > limit:
                    return False
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
    return True


def _outcome(response: aiohttp.ClientResponse, to: str) -> Outcome:
    status = response.status
    code = f"http_{status}"
    if 200 <= status < 300:
        return Outcome(Verdict.OK)
    if 400 <= status < 500 and status not in _AGAIN:
        return Outcome(Verdict.DECLINED, code=code, says=f"{to} refused the message")
    return Outcome(
        Verdict.RETRY,
        code=code,
        says=f"{to} did not take the message",
        retry_after=seconds_of(response.headers.get("retry-after", "")),
    )


def _why(error: aiohttp.ClientConnectorCertificateError) -> str:
    """OpenSSL's own words, such as "certificate has expired"."""
    told = error.certificate_error
    return told.verify_message.rstrip(".") if isinstance(told, ssl.SSLCertVerificationError) else type(told).__name__


def _code(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timeout"
    return "unreachable" if isinstance(error, aiohttp.ClientConnectorError) else "connection_lost"
