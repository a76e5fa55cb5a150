"""What handlers share: the house, the desk and the clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from workers.web.answers import HttpProblem
from workers.web.clients import Caller, Clients
from workers.web.desk import Desk
from workers.wiring import House


@dataclass(frozen=True)
class AppState:
    """One per web process."""

    house: House
    desk: Desk
    clients: Clients
    notice_secrets: Mapping[str, Sequence[str]]
    """Secrets of gateways' notices that come from their settings, by gateway."""

    async def caller(self, request: Request, *kinds: str) -> Caller:
        """Who asks, if one of ``kinds``; raises 401 without a valid key, 404 for a key of another kind."""
        caller = await self.clients.caller(request.headers.get("authorization"))
        if caller is None:
            raise HttpProblem(
                401,
                "Key needed",
                "Send Authorization: Bearer <key> with a key from `shukka client create`.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if caller.kind not in kinds:
            raise HttpProblem(404, "Not found", "There is nothing here that this key may see.")
        return caller


def state_of(request: Request) -> AppState:
    """The application's state, set when it starts."""
    state: AppState = request.app.state.shukka
    return state
