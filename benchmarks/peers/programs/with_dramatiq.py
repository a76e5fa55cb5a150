"""dramatiq with SQLAlchemy's ORM: an actor a step, each of which enqueues the next (https://dramatiq.io/guide.html).

Tuned as its documentation says: processes rather than threads for work that needs the interpreter, few threads in each; no results
backend; Prometheus left out; retries for what fails, on by default.
"""

from __future__ import annotations

from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import default_middleware

from benchmarks.peers.place import Place
from benchmarks.peers.steps import Followed, steps

_BROKER = RedisBroker(
    url=Place.here().redis, middleware=[one() for one in default_middleware if one.__name__ != "Prometheus"]
)
dramatiq.set_broker(_BROKER)
_STEPS = steps()


@dramatiq.actor
def authorize(order_id: int) -> None:
    follow(_STEPS.authorize(order_id))
    split.send(order_id)


@dramatiq.actor
def split(order_id: int) -> None:
    follow(_STEPS.split(order_id))
    dispatch.send(order_id)


@dramatiq.actor
def dispatch(order_id: int) -> None:
    left = _STEPS.dispatch(order_id)
    follow(left)
    for news in left.news:
        notify.send(order_id, dict(news))


@dramatiq.actor
def notify(order_id: int, news: dict[str, Any]) -> None:
    follow(_STEPS.notify(order_id, news))
    settle.send(order_id)


@dramatiq.actor
def settle(order_id: int) -> None:
    follow(_STEPS.settle(order_id))
    reward.send(order_id)


@dramatiq.actor
def reward(order_id: int) -> None:
    follow(_STEPS.reward(order_id))


@dramatiq.actor
def send_mail(message_id: str) -> None:
    _STEPS.send(message_id)


@dramatiq.actor
def tell_storefront(event: dict[str, Any]) -> None:
    _STEPS.tell(event)


def follow(left: Followed) -> None:
    """Enqueue what a step left to be done."""
    for message_id in left.mails:
        send_mail.send(message_id)
    for event in left.events:
        tell_storefront.send(event)


def submit(order_id: int) -> None:
    """Enqueue an order that was stored."""
    authorize.send(order_id)


def hear(order_id: int, news: dict[str, Any]) -> None:
    """Enqueue a supplier's news."""
    notify.send(order_id, news)
