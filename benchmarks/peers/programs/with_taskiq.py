"""taskiq with SQLAlchemy's AsyncSession: a coroutine a step, each of which kicks the next (https://taskiq-python.github.io).

Tuned as its documentation says: Redis streams, whose messages are acknowledged once a task was executed; two workers; no result backend;
uvloop, which it takes where it is; the retry middleware.
"""

from __future__ import annotations

from typing import Any, Final

from taskiq import SimpleRetryMiddleware, TaskiqEvents, TaskiqState
from taskiq_redis import RedisStreamBroker

from benchmarks.peers.async_steps import AsyncSteps, OwnLoop
from benchmarks.peers.place import Place, once
from benchmarks.peers.steps import Followed

broker = RedisStreamBroker(Place.here().redis, consumer_id="0").with_middlewares(SimpleRetryMiddleware(10))
_RETRIES: Final[dict[str, Any]] = {"retry_on_error": True}
_own: list[AsyncSteps] = []


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def _begin(_: TaskiqState) -> None:
    _own.append(AsyncSteps(Place.here()))


@broker.task(**_RETRIES)
async def authorize(order_id: int) -> None:
    await _follow(await _steps().authorize(order_id))
    await split.kiq(order_id)


@broker.task(**_RETRIES)
async def split(order_id: int) -> None:
    await _follow(await _steps().split(order_id))
    await dispatch.kiq(order_id)


@broker.task(**_RETRIES)
async def dispatch(order_id: int) -> None:
    left = await _steps().dispatch(order_id)
    await _follow(left)
    for news in left.news:
        await notify.kiq(order_id, dict(news))


@broker.task(**_RETRIES)
async def notify(order_id: int, news: dict[str, Any]) -> None:
    await _follow(await _steps().notify(order_id, news))
    await settle.kiq(order_id)


@broker.task(**_RETRIES)
async def settle(order_id: int) -> None:
    await _follow(await _steps().settle(order_id))
    await reward.kiq(order_id)


@broker.task(**_RETRIES)
async def reward(order_id: int) -> None:
    await _follow(await _steps().reward(order_id))


@broker.task(**_RETRIES)
async def send_mail(message_id: str) -> None:
    await _steps().send(message_id)


@broker.task(**_RETRIES)
async def tell_storefront(event: dict[str, Any]) -> None:
    await _steps().tell(event)


def _steps() -> AsyncSteps:
    (own,) = _own
    return own


async def _follow(left: Followed) -> None:
    for message_id in left.mails:
        await send_mail.kiq(message_id)
    for event in left.events:
        await tell_storefront.kiq(event)


def follow(left: Followed) -> None:
    """Enqueue what a step left to be done."""
    _loop().run(_follow(left))


def submit(order_id: int) -> None:
    """Enqueue an order that was stored."""
    _loop().run(authorize.kiq(order_id))


def hear(order_id: int, news: dict[str, Any]) -> None:
    """Enqueue a supplier's news."""
    _loop().run(notify.kiq(order_id, news))


@once
def _loop() -> OwnLoop:
    loop = OwnLoop()
    loop.run(broker.startup())
    return loop
