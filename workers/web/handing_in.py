"""Handing a request about an order in: it is looked at on the order as it stands, and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from models.database import glance
from pipelines.orders.act import Asking, Looked, look
from workers.web.app_state import AppState


async def hand_in(
    state: AppState,
    asking: Asking,
    now: datetime,
    locale: str | None,
    before: Callable[[str], Awaitable[None]] | None = None,
) -> Looked:
    """What became of a request. ``before`` it is kept, ``before`` is told the id of what it opens. Raises as `pipelines.orders.act.look`.

    Two requests of one key and one moment are both looked at before either is kept: the second is answered as if it had come
    a moment later, so that what asks for something else is a conflict, and nothing is dropped in silence.
    """

    def look_at() -> Looked:
        with glance(state.house.engine) as connection:
            return look(connection, state.house.shops, asking, now, locale)

    looked = await asyncio.to_thread(look_at)
    if looked.event is None:
        return looked
    if before is not None and looked.opened is not None:
        await before(looked.opened)
    if await state.desk.event(looked.event):
        return looked
    return await asyncio.to_thread(look_at)
