"""procrastinate with SQLAlchemy's AsyncSession: a coroutine a step, each of which defers the next (https://procrastinate.readthedocs.io).

Tuned as its "how-to" pages say: asynchronous tasks with concurrency, two workers, LISTEN and NOTIFY, jobs deleted once they succeeded, several
deferred in one statement. Its queue is PostgreSQL; the broker is not used.
"""

from __future__ import annotations

from typing import Any, Final

from procrastinate import App, PsycopgConnector, RetryStrategy

from benchmarks.peers.async_steps import AsyncSteps
from benchmarks.peers.place import Place, once
from benchmarks.peers.steps import Followed

app = App(connector=PsycopgConnector(conninfo=Place.here().libpq, min_size=4, max_size=12))
_RETRIES: Final = RetryStrategy(max_attempts=10, exponential_wait=2)


@app.task(queue="orders", retry=_RETRIES)
async def authorize(order_id: int) -> None:
    await _follow(await _steps().authorize(order_id))
    await split.defer_async(order_id=order_id)


@app.task(queue="orders", retry=_RETRIES)
async def split(order_id: int) -> None:
    await _follow(await _steps().split(order_id))
    await dispatch.defer_async(order_id=order_id)


@app.task(queue="orders", retry=_RETRIES)
async def dispatch(order_id: int) -> None:
    left = await _steps().dispatch(order_id)
    await _follow(left)
    for news in left.news:
        await notify.defer_async(order_id=order_id, news=dict(news))


@app.task(queue="orders", retry=_RETRIES)
async def notify(order_id: int, news: dict[str, Any]) -> None:
    await _follow(await _steps().notify(order_id, news))
    await settle.defer_async(order_id=order_id)


@app.task(queue="orders", retry=_RETRIES)
async def settle(order_id: int) -> None:
    await _follow(await _steps().settle(order_id))
    await reward.defer_async(order_id=order_id)


@app.task(queue="orders", retry=_RETRIES)
async def reward(order_id: int) -> None:
    await _follow(await _steps().reward(order_id))


@app.task(queue="mails", retry=_RETRIES)
async def send_mail(message_id: str) -> None:
    await _steps().send(message_id)


@app.task(queue="events", retry=_RETRIES)
async def tell_storefront(event: dict[str, Any]) -> None:
    await _steps().tell(event)


@once
def _steps() -> AsyncSteps:
    return AsyncSteps(Place.here())


async def _follow(left: Followed) -> None:
    if left.mails:
        await send_mail.batch_defer_async(*({"message_id": one} for one in left.mails))
    if left.events:
        await tell_storefront.batch_defer_async(*({"event": one} for one in left.events))


def follow(left: Followed) -> None:
    """Defer what a step left to be done."""
    _open()
    if left.mails:
        send_mail.batch_defer(*({"message_id": one} for one in left.mails))
    if left.events:
        tell_storefront.batch_defer(*({"event": one} for one in left.events))


def submit(order_id: int) -> None:
    """Defer an order that was stored."""
    _open()
    authorize.defer(order_id=order_id)


def hear(order_id: int, news: dict[str, Any]) -> None:
    """Defer a supplier's news."""
    _open()
    notify.defer(order_id=order_id, news=news)


@once
def _open() -> App:
    return app.open()
