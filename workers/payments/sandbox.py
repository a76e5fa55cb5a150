"""The sandbox card gateway's adapter.

Every call carries its idempotency key.  Passing faults are repeated for a moment under the SAME key; what is still open
then is looked up, and only what the look-up cannot settle is reported as unknown (PAY-04, formats.md B.6.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx
from tenacity import AsyncRetrying, RetryError, retry_if_exception, stop_after_attempt, wait_random_exponential

from pipelines.errors import Misconfigured
from pipelines.ports import Outcome, Verdict
from workers.http.pool import SpreadTransport

_ATTEMPTS = 3
_EXTRAS = ("amount", "authorization", "expires_at", "funding", "released")
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class _Open(Exception):
    """An attempt that settled nothing. ``sent``: the gateway may have acted on it; ``again``: try once more now."""

    def __init__(self, code: str, *, sent: bool, again: bool = True, retry_after: float | None = None) -> None:
        self.code = code
        self.sent = sent
        self.again = again
        self.retry_after = retry_after
        super().__init__(code)


class SandboxGateway:
    """``PaymentGateway`` over the sandbox's HTTP API; never raises for what the network does."""

    name = "sandbox"
    multicapture = False
    minimum_amount = 50

    def __init__(self, base_url: str, key: str, timeout: float = 5.0) -> None:
        """``timeout``: seconds for one attempt; a call makes at most three, and one look-up."""
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers={"authorization": f"Bearer {key}"},
            timeout=timeout,
            transport=SpreadTransport(),
        )

    async def authorize(self, *, key: str, order: str, amount: int, token: str) -> Outcome:
        """Authorize ``amount`` yen (仮売上). OK: reference is the authorization id; data has funding and expires_at."""
        return await self._perform(key, "/v1/authorizations", {"order": order, "amount": amount, "token": token})

    async def capture(self, *, key: str, authorization: str, amount: int) -> Outcome:
        """Capture ``amount`` yen (実売上); the gateway releases the rest."""
        return await self._perform(key, _path(authorization, "capture"), {"amount": amount})

    async def void(self, *, key: str, authorization: str) -> Outcome:
        """Release an authorization (仮売上取消)."""
        return await self._perform(key, _path(authorization, "void"), {})

    async def refund(self, *, key: str, authorization: str, amount: int) -> Outcome:
        """Give ``amount`` yen of a capture back (返金)."""
        return await self._perform(key, _path(authorization, "refund"), {"amount": amount})

    async def lookup(self, *, key: str) -> Outcome | None:
        """What became of ``key``; None if the gateway never saw it, UNKNOWN if it cannot tell now."""
        try:
            response = await self._client.get(f"/v1/operations/{quote(key, safe='')}")
        except httpx.TransportError as error:
            return Outcome(Verdict.UNKNOWN, code=_code(error), says="the gateway could not be asked")
        if response.status_code == 404:
            return None
        known = _json(response)
        if response.status_code == 200 and isinstance(known.get("status"), int):
            settled = _settled(known["status"], known.get("answer"))
            if settled is not None:
                return settled
        code = f"http_{response.status_code}"
        return Outcome(Verdict.UNKNOWN, code=code, says="the gateway could not tell what became of it")

    async def aclose(self) -> None:
        """Give connections back."""
        await self._client.aclose()

    async def _perform(self, key: str, path: str, body: Mapping[str, Any]) -> Outcome:
        sent = False
        last = _Open("unreachable", sent=False)
        try:
            async for attempt in AsyncRetrying(
                stop=stop_after_attempt(_ATTEMPTS),
                wait=wait_random_exponential(multiplier=0.1, max=1.0),
                retry=retry_if_exception(lambda error: isinstance(error, _Open) and error.again),
            ):
                with attempt:
                    try:
                        return await self._attempt(key, path, body)
                    except _Open as error:
                        sent, last = sent or error.sent, error
                        raise
        except (RetryError, _Open):
            pass
        if not sent:
            return Outcome(Verdict.RETRY, code=last.code, says="the gateway took nothing", retry_after=last.retry_after)
        known = await self.lookup(key=key)
        if known is None:
            return Outcome(Verdict.RETRY, code=last.code, says="the gateway never saw it", retry_after=last.retry_after)
        return known

    async def _attempt(self, key: str, path: str, body: Mapping[str, Any]) -> Outcome:
        try:
            response = await self._client.post(path, json=body, headers={"idempotency-key": quote(key, safe=":/")})
        except _NEVER_SENT as error:
            raise _Open(_code(error), sent=False) from error
        except httpx.TransportError as error:
            raise _Open(_code(error), sent=True) from error
        status = response.status_code
        if status in (401, 403):
            raise _Open("auth", sent=False, again=False)
        if status == 429:
            raise _Open("rate_limit", sent=False, again=False, retry_after=_seconds(response))
        settled = None if status == 409 else _settled(status, _json(response))
        if settled is None:
            raise _Open("in_progress" if status == 409 else f"http_{status}", sent=True)
        return settled


def build(settings: Mapping[str, str]) -> SandboxGateway:
    """From ``SANDBOX_GATEWAY_URL`` and ``SANDBOX_GATEWAY_KEY``. Raises Misconfigured where one is missing or wrong."""
    url, key = (settings.get(name, "").strip() for name in ("SANDBOX_GATEWAY_URL", "SANDBOX_GATEWAY_KEY"))
    if not url.startswith(("http://", "https://")):
        raise Misconfigured("SANDBOX_GATEWAY_URL", "must be the gateway's address, such as http://127.0.0.1:9000")
    if not key:
        raise Misconfigured("SANDBOX_GATEWAY_KEY", "is missing; set it to the key the gateway issued")
    return SandboxGateway(url, key)


def _settled(status: int, answer: object) -> Outcome | None:
    """The outcome that an answer proves; None where it proves nothing (5xx, or no answer of this gateway)."""
    if not isinstance(answer, dict):
        return None
    if 200 <= status < 300 and isinstance(answer.get("id"), str):
        return Outcome(Verdict.OK, reference=answer["id"], data={k: answer[k] for k in _EXTRAS if k in answer})
    error = answer.get("error")
    if 400 <= status < 500 and isinstance(error, dict):
        data = {"info": error["info"]} if "info" in error else {}
        return Outcome(Verdict.DECLINED, code=str(error.get("code")), says=str(error.get("message", "")), data=data)
    return None


def _path(authorization: str, operation: str) -> str:
    return f"/v1/authorizations/{quote(authorization, safe='')}/{operation}"


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        value = response.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _seconds(response: httpx.Response) -> float | None:
    word = response.headers.get("retry-after", "")
    return float(word) if word.isdecimal() else None


def _code(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    return "unreachable" if isinstance(error, httpx.ConnectError) else "connection_lost"
