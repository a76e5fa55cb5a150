"""Celery with SQLAlchemy's ORM: a task a step, each of which enqueues the next (https://docs.celeryq.dev/en/stable/userguide).

Tuned as "Tasks" and "Optimizing" say: prefork, results ignored, acknowledged late since every step may be repeated, many short tasks
prefetched, no gossip, mingle and events; JSON. Retries of what fails as "Automatic retry for known exceptions" has them.
"""

from __future__ import annotations

from typing import Any, Final

from celery import Celery
from celery.signals import worker_process_init

from benchmarks.peers.place import Place
from benchmarks.peers.steps import Followed, Steps, steps

app = Celery("peers", broker=Place.here().redis.replace("unix://", "redis+socket://"))
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_serializer="json",
    task_default_queue="orders",
    worker_prefetch_multiplier=64,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)
_RETRIES: Final[dict[str, Any]] = {"autoretry_for": (Exception,), "retry_backoff": True, "max_retries": 10}
_own: list[Steps] = []


@worker_process_init.connect
def _begin(**_: object) -> None:
    """Connections are each process's own: none is made before the fork."""
    _own.append(steps())


@app.task(**_RETRIES)
def authorize(order_id: int) -> None:
    follow(_steps().authorize(order_id))
    split.delay(order_id)


@app.task(**_RETRIES)
def split(order_id: int) -> None:
    follow(_steps().split(order_id))
    dispatch.delay(order_id)


@app.task(**_RETRIES)
def dispatch(order_id: int) -> None:
    left = _steps().dispatch(order_id)
    follow(left)
    for news in left.news:
        notify.delay(order_id, dict(news))


@app.task(**_RETRIES)
def notify(order_id: int, news: dict[str, Any]) -> None:
    follow(_steps().notify(order_id, news))
    settle.delay(order_id)


@app.task(**_RETRIES)
def settle(order_id: int) -> None:
    follow(_steps().settle(order_id))
    reward.delay(order_id)


@app.task(**_RETRIES)
def reward(order_id: int) -> None:
    follow(_steps().reward(order_id))


@app.task(**_RETRIES)
def send_mail(message_id: str) -> None:
    _steps().send(message_id)


@app.task(**_RETRIES)
def tell_storefront(event: dict[str, Any]) -> None:
    _steps().tell(event)


def _steps() -> Steps:
    (own,) = _own
    return own


def follow(left: Followed) -> None:
    """Enqueue what a step left to be done."""
    for message_id in left.mails:
        send_mail.delay(message_id)
    for event in left.events:
        tell_storefront.delay(event)


def submit(order_id: int) -> None:
    """Enqueue an order that was stored."""
    authorize.delay(order_id)


def hear(order_id: int, news: dict[str, Any]) -> None:
    """Enqueue a supplier's news."""
    notify.delay(order_id, news)
