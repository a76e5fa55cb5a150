"""DBOS with SQLAlchemy's ORM: an order is one durable workflow of steps (https://docs.dbos.dev/python).

Tuned as its documentation says: workflows on a queue with a worker's concurrency, two processes with an executor's id each, a system database
in the same PostgreSQL, queues looked at ten times a second instead of once. Suppliers' news are messages to the workflow, mails and events
workflows of their own. The broker is not used.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from typing import Any, Final

from dbos import DBOS, DBOSClient

from benchmarks.peers.place import Place, once
from benchmarks.peers.steps import Followed, Steps, steps

ORDERS, LEAVING = "orders", "leaving"
PREPARE: Final = "prepare"
_NEWS_WITHIN: Final = 86_400.0
"""Seconds that an order waits for its supplier."""
_RETRIES: Final[dict[str, Any]] = {"retries_allowed": True, "max_attempts": 10}
_own: list[Steps] = []


@DBOS.workflow()
def fulfil(order_id: int) -> None:
    """The whole way of an order."""
    _follow(authorize(order_id))
    _follow(split(order_id))
    left = dispatch(order_id)
    _follow(left)
    news = left["news"][0] if left["news"] else DBOS.recv("shipped", timeout_seconds=_NEWS_WITHIN)
    _follow(notify(order_id, news))
    _follow(settle(order_id))
    _follow(reward(order_id))


@DBOS.step(**_RETRIES)
def authorize(order_id: int) -> dict[str, Any]:
    return vars(_steps().authorize(order_id))


@DBOS.step(**_RETRIES)
def split(order_id: int) -> dict[str, Any]:
    return vars(_steps().split(order_id))


@DBOS.step(**_RETRIES)
def dispatch(order_id: int) -> dict[str, Any]:
    return vars(_steps().dispatch(order_id))


@DBOS.step(**_RETRIES)
def notify(order_id: int, news: Mapping[str, Any]) -> dict[str, Any]:
    return vars(_steps().notify(order_id, news))


@DBOS.step(**_RETRIES)
def settle(order_id: int) -> dict[str, Any]:
    return vars(_steps().settle(order_id))


@DBOS.step(**_RETRIES)
def reward(order_id: int) -> dict[str, Any]:
    return vars(_steps().reward(order_id))


@DBOS.workflow()
def leave(mails: list[str], events: list[dict[str, Any]]) -> None:
    """Send what a step left, piece by piece."""
    for message_id in mails:
        send_mail(message_id)
    for event in events:
        tell_storefront(event)


@DBOS.step(**_RETRIES)
def send_mail(message_id: str) -> None:
    _steps().send(message_id)


@DBOS.step(**_RETRIES)
def tell_storefront(event: dict[str, Any]) -> None:
    _steps().tell(event)


def _follow(left: Mapping[str, Any]) -> None:
    if left["mails"] or left["events"]:
        DBOS.enqueue_workflow(LEAVING, leave, left["mails"], left["events"])


def _steps() -> Steps:
    (own,) = _own
    return own


def follow(left: Followed) -> None:
    """Enqueue what a step left to be done."""
    if left.mails or left.events:
        _client().enqueue({"queue_name": LEAVING, "workflow_name": leave.__qualname__}, left.mails, left.events)


def submit(order_id: int) -> None:
    """Enqueue an order that was stored."""
    options = {"queue_name": ORDERS, "workflow_name": fulfil.__qualname__, "workflow_id": _name(order_id)}
    _client().enqueue(options, order_id)


def hear(order_id: int, news: dict[str, Any]) -> None:
    """Tell an order's workflow its supplier's news."""
    _client().send(_name(order_id), news, "shipped")


def _name(order_id: int) -> str:
    return f"order-{order_id}"


@once
def _client() -> DBOSClient:
    return DBOSClient(system_database_url=Place.here().libpq)


def main() -> None:
    """Be the worker that is named, or make the system database and the queues (``prepare``)."""
    (name,) = sys.argv[1:]
    DBOS(
        config={
            "name": "peers",
            "system_database_url": Place.here().libpq,
            "application_version": "1",
            "executor_id": name,
            "sys_db_pool_size": 20,
            "console_log_level": "ERROR",
        }
    )
    if name != PREPARE:
        _own.append(steps())
    DBOS.launch()
    for queue in (ORDERS, LEAVING):
        DBOS.register_queue(queue, worker_concurrency=16, polling_interval_sec=0.1)
    if name == PREPARE:
        DBOS.destroy()
    else:
        threading.Event().wait()


if __name__ == "__main__":
    main()
