"""The broker and the bells. Redis (or RabbitMQ) is a doorbell: a message says "look", never what there is to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

import dramatiq
import structlog
from dramatiq.common import current_millis
from dramatiq.errors import ActorNotFound, DramatiqError
from dramatiq.middleware import (
    AsyncIO,
    CurrentMessage,
    Middleware,
    Retries,
    ShutdownNotifications,
    SkipMessage,
    TimeLimit,
)
from redis import ConnectionPool, Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from pipelines.errors import Misconfigured
from workers.encoding import Encoder
from workers.redis_broker import CarefulRedisBroker

log = structlog.get_logger(__name__)

#: One queue for all decide stages: with a queue a stage five stages took 2.2 s instead of 0.05 s.
WAKE = "wake"
INTAKE = "intake"
#: The actor that hears what nobody here does.
_NOBODY = "nobody"
#: Seconds for which nothing is rung after a ring that failed: a silent broker costs each ring its time-out.
HUSH = 1.0
#: A bell nobody answered for this long is stale: the clock has rung again since. Milliseconds.
BELL_AGE = 10_000
#: Bells that may wait in a queue; the clock rings for all others once somebody listens.
MOST_BELLS = 1_000
#: Seconds for which a look at a queue's length is good.
_LOOKED = 1.0


def stage_actor(stage: str) -> str:
    """Name of the actor that decides ``stage``."""
    return f"{stage}.decide"


def effect_actor(kind: str) -> str:
    """Name of the actor that performs effects of ``kind``."""
    return f"{kind}.perform"


class StaleBells(Middleware):
    """Lets bells that nobody answered in time pass in silence. dramatiq's own AgeLimit would count them as failed, and keep
    each for a week."""

    def before_process_message(self, broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:
        """Skip what is older than its ``max_age``, in milliseconds."""
        age = message.options.get("max_age")
        if isinstance(age, int) and current_millis() - message.message_timestamp >= age:
            raise SkipMessage("a stale bell")


class OthersBells(dramatiq.Broker):
    """Mixed into a broker: bells for what only a newer version does, which works beside us during a rollout, pass in silence;
    its clock rings again. dramatiq would keep each among the dead letters for a week."""

    def get_actor(self, actor_name: str) -> dramatiq.Actor[Any, Any]:
        """The actor of that name; for a bell that none of ours hears, one that does nothing. Raises ActorNotFound."""
        try:
            return super().get_actor(actor_name)
        except ActorNotFound:
            if not actor_name.endswith((stage_actor(""), effect_actor(""))):
                raise
            if _NOBODY not in self.actors:
                dramatiq.actor(broker=self, actor_name=_NOBODY, queue_name=WAKE)(lambda: None)
            return self.actors[_NOBODY]


class _Redis(OthersBells, CarefulRedisBroker):
    """Redis as workers and ringers use it."""


def middleware() -> list[Middleware]:
    """What a worker runs with. Bells never retry and age quickly; long slices end by themselves."""
    return [
        StaleBells(),
        TimeLimit(time_limit=600_000),
        ShutdownNotifications(),
        Retries(max_retries=0),
        CurrentMessage(),
        AsyncIO(),
    ]


def make_broker(url: str, *, consumer: bool) -> dramatiq.Broker:
    """A broker for ``url``: redis://, rediss://, unix:// or amqp://. Raises Misconfigured where the latter's client is
    missing, or has no such option.

    A ``consumer`` reads messages by ``workers.encoding`` and waits out a minute of broken connections; a ringer gives up within
    a second, since the clock rings for whatever nobody rang for.
    """
    if consumer:
        dramatiq.set_encoder(Encoder())
    if url.startswith(("amqp://", "amqps://")):
        try:
            from dramatiq.brokers.rabbitmq import RabbitmqBroker
        except ImportError:
            raise Misconfigured(
                "BROKER_URL", "needs pika: run pip install 'shukka[rabbitmq]', or name a Redis"
            ) from None

        class Rabbit(OthersBells, RabbitmqBroker):
            """RabbitMQ likewise."""

        try:
            return Rabbit(url=url, confirm_delivery=True, middleware=middleware() if consumer else [])
        except ValueError:
            raise Misconfigured(
                "BROKER_URL", "has an option that cannot be; write it as amqp://host/?heartbeat=60"
            ) from None
    retries = Retry(ExponentialBackoff(cap=2.0, base=0.05), 60) if consumer else Retry(ExponentialBackoff(), 0)
    pool = ConnectionPool.from_url(
        url,
        socket_connect_timeout=2,
        socket_timeout=10 if consumer else 1,
        retry=retries,
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )
    return _Redis(
        Redis(connection_pool=pool),
        middleware=middleware() if consumer else [],
        heartbeat_timeout=15_000,
        maintenance_chance=100_000,
    )


class Bell:
    """Rings actors after a commit. Never raises and never waits for an answer: a lost ring is only a late one."""

    def __init__(self, broker: dramatiq.Broker, queues: Mapping[str, str]) -> None:
        """``queues``: whose workers perform each kind of effect."""
        self._broker = broker
        self.queues = queues
        self._silent = False
        self._hushed_until = 0.0
        self._lock = threading.Lock()
        #: Set when a ring was lost, for whoever looks for himself then (``workers.lookout``).
        self.unheard = threading.Event()
        self._room: dict[str, tuple[float, int]] = {}

    def ring(self, stages: Iterable[str] = (), effects: Iterable[str] = (), *, about: int = 0) -> None:
        """One message an actor, however many orders it is ``about``."""
        for stage in stages:
            self._send(WAKE, stage_actor(stage))
        for kind in effects:
            self._send(self.queues[kind], effect_actor(kind))

    def answers(self) -> bool:
        """Whether the broker can be reached now."""
        try:
            self.check()
        except (RedisError, DramatiqError, OSError) as error:
            self._lost(error)
            return False
        return True

    def check(self) -> None:
        """Raise what the broker's client raises if it cannot be reached now."""
        if isinstance(self._broker, CarefulRedisBroker):
            self._broker.client.ping()
        else:
            with self._lock:
                self._broker.declare_queue(WAKE)

    def _send(self, queue: str, actor: str) -> None:
        if time.monotonic() < self._hushed_until:
            self.unheard.set()
            return
        message: dramatiq.Message[None] = dramatiq.Message(
            queue_name=queue, actor_name=actor, args=(), kwargs={}, options={"max_age": BELL_AGE}
        )
        try:
            with self._lock:
                self._broker.declare_queue(queue)
                if self._has_room(queue):
                    self._broker.enqueue(message)
        except (RedisError, DramatiqError, OSError) as error:
            self._lost(error)
        else:
            self._silent = False

    def _lost(self, error: Exception) -> None:
        if not self._silent:
            log.warning("bell.silent", error=type(error).__name__)
        self._silent, self._hushed_until = True, time.monotonic() + HUSH
        self.unheard.set()

    def _has_room(self, queue: str) -> bool:
        """Whether one more bell may wait there: where no worker listens they would pile up without end."""
        looked, room = self._room.get(queue, (0.0, 0))
        if time.monotonic() - looked >= _LOOKED:
            looked, room = time.monotonic(), MOST_BELLS - self._waiting(queue)
        self._room[queue] = (looked, room - 1)
        return room > 0

    def _waiting(self, queue: str) -> int:
        if isinstance(self._broker, CarefulRedisBroker):
            return self._broker.waiting(queue)
        counts = getattr(
            self._broker, "get_queue_message_counts", None
        )  # RabbitMQ's; a broker in memory lasts no longer than we
        return int(counts(queue)[0]) if counts else 0
