"""What handlers share: the house, the desk and the clients."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from workers.allowance import Allowance
from workers.measuring import Measuring
from workers.web.answers import HttpProblem
from workers.web.clients import Caller, Clients
from workers.web.desk import Desk
from workers.web.limits import Limits, let_through
from workers.web.links import Links
from workers.wiring import House


@dataclass(frozen=True)
class AppState:
    """One per web process."""

    house: House
    desk: Desk
    clients: Clients
    limits: Limits
    measuring: Measuring
    notice_secrets: Mapping[str, Sequence[str]]
    """Secrets of gateways' notices that come from their settings, by gateway."""
    mail_doors: Mapping[str, Any]
    """Settings of the providers whose reports of mails are heard, by provider."""
    links: Links | None = None
    """What opens the pages that mails link to; None: nothing does."""

    async def caller(self, request: Request, *kinds: str) -> Caller:
        """Who asks, if one of ``kinds``; raises 401 without a valid key, 429 where it asks too much, 404 for a key of another
        kind."""
        caller = await self.clients.caller(request.headers.get("authorization"))
        if caller is None:
            raise HttpProblem(
                401,
                "Key needed",
                "Send Authorization: Bearer <key> with a key from `shukka client create`.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        may = caller.may
        standing = self.limits.take("requests", caller.id, may.requests_per_minute, may.burst_seconds)
        let_through(request.scope, standing, "requests")
        if caller.kind not in kinds:
            raise HttpProblem(404, "Not found", "There is nothing here that this key may see.")
        return caller

    def count_orders(self, request: Request, caller: Caller, orders: int) -> None:
        """Count the orders of a request; raises 429 where its caller sends too many, and takes none of them."""
        may = caller.may
        standing = self.limits.take("orders", caller.id, may.orders_per_minute, may.burst_seconds, orders)
        let_through(request.scope, standing, "orders")

    def count_page(self, request: Request, holder: Hashable) -> None:
        """Count a request by a link that was given to ``holder``; raises 429 where it asks too much."""
        may = self.clients.may
        standing = self.limits.take("pages", holder, may.requests_per_minute, may.burst_seconds)
        let_through(request.scope, standing, "requests")

    def count_public(self, request: Request) -> None:
        """Count a request that needs no key, for the address it came from; raises 429 where that asks too much. An answer that was
        let through says nothing of it: caches share it."""
        settings, address = self.house.settings, request.client.host if request.client is not None else ""
        standing = self.limits.take("public", address, settings.shukka_public_per_minute, settings.shukka_burst_seconds)
        if standing is not None and standing.retry_after:
            let_through(request.scope, standing, "requests", who="Your address")

    def count_webhook(self, request: Request, sender: Hashable, may: Allowance) -> None:
        """Count a webhook that was proven to be of ``sender``; raises 429 where it sends too many."""
        standing = self.limits.take("webhooks", sender, may.requests_per_minute, may.burst_seconds)
        let_through(request.scope, standing, "webhooks")


def state_of(request: Request) -> AppState:
    """The application's state, set when it starts."""
    state: AppState = request.app.state.shukka
    return state
