"""How much a client may ask at a time: a token bucket for its requests and one for its orders, in this process's memory.

Nothing is asked of the database: a client's own limits come with the row that proves who it is. Each web process counts for
itself, so that N of them behind a balancer let up to N times as much through.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable
from typing import Final, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workers.web.answers import HttpProblem

_STANDING: Final = "shukka.standing"


class Standing(NamedTuple):
    """Where a client stands with one of its limits: ``remaining`` of ``limit`` now, all of them in ``reset`` seconds.

    ``retry_after`` is the number of seconds after which what was refused may be sent again; 0: it was let through.
    """

    limit: int
    remaining: int
    reset: int
    retry_after: int = 0

    def headers(self) -> dict[str, str]:
        """As HTTP says it (draft-ietf-httpapi-ratelimit-headers, the version with three headers)."""
        told = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }
        return {**told, "Retry-After": str(self.retry_after)} if self.retry_after else told


class Bucket:
    """Tokens that come back steadily until it is full. More than it holds are let through when it is full, and owed."""

    def __init__(self, per_minute: int, burst_seconds: int, now: float) -> None:
        self.per_minute = per_minute
        self.size = max(1, per_minute * burst_seconds // 60)
        self._tokens = float(self.size)
        self._at = now

    def is_full(self, now: float) -> bool:
        """Whether it is as good as a new one at ``now`` (seconds)."""
        return self._tokens + (now - self._at) * self.per_minute / 60 >= self.size

    def take(self, count: int, now: float) -> Standing:
        """Take ``count`` tokens at ``now`` (seconds), or none of them where there are not as many."""
        a_second = self.per_minute / 60
        self._tokens = min(self.size, self._tokens + (now - self._at) * a_second)
        self._at = now
        missing = min(count, self.size) - self._tokens
        if missing <= 0:
            self._tokens -= count
        reset = math.ceil((self.size - self._tokens) / a_second)
        retry_after = max(1, math.ceil(missing / a_second)) if missing > 0 else 0
        return Standing(self.size, max(0, math.floor(self._tokens)), reset, retry_after)


#: Buckets that are kept: beyond that, those that are full again are forgotten, which changes nothing.
MOST_BUCKETS: Final = 10_000


class Limits:
    """The buckets of all clients that proved who they are, and of addresses that need not; ``now`` tells seconds that never go back."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._buckets: dict[tuple[str, Hashable], Bucket] = {}

    def take(self, what: str, client: Hashable, per_minute: int, burst_seconds: int, count: int = 1) -> Standing | None:
        """Count ``count`` of ``what`` for ``client``; None without a limit."""
        if not per_minute:
            return None
        now, key = self._now(), (what, client)
        bucket = self._buckets.get(key)
        fresh = Bucket(per_minute, burst_seconds, now)
        if bucket is None or (bucket.per_minute, bucket.size) != (per_minute, fresh.size):
            self._make_room(now)
            bucket = self._buckets[key] = fresh
        return bucket.take(count, now)

    def __len__(self) -> int:
        """How many buckets are kept."""
        return len(self._buckets)

    def _make_room(self, now: float) -> None:
        """Whoever may send from many addresses must not fill the memory: where all are still in use, the oldest goes."""
        if len(self._buckets) < MOST_BUCKETS:
            return
        self._buckets = {key: one for key, one in self._buckets.items() if not one.is_full(now)}
        if len(self._buckets) >= MOST_BUCKETS:
            del self._buckets[next(iter(self._buckets))]


def let_through(scope: Scope, standing: Standing | None, what: str, who: str = "This key") -> None:
    """Note where the client of a request stands, for the answer's headers. Raises HttpProblem(429) if it was refused."""
    if standing is None:
        return
    scope[_STANDING] = standing
    if standing.retry_after:
        says = f"{who} may send {standing.limit} {what} at once, and more as time goes by: come again in"
        raise HttpProblem(429, "Too many", f"{says} {standing.retry_after} s.")


class TellLimits:
    """ASGI middleware: the answer to a client says where it stands with the limit that was counted last."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""

        async def tell(message: Message) -> None:
            standing: Standing | None = scope.get(_STANDING)
            if standing is not None and message["type"] == "http.response.start":
                told = [(name.lower().encode(), value.encode()) for name, value in standing.headers().items()]
                message = {**message, "headers": [*message.get("headers", ()), *told]}
            await send(message)

        await self._app(scope, receive, tell)
