"""The broker and the bells. Redis (or RabbitMQ) is a doorbell: a message says "look", never what there is to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping

import dramatiq
import structlog
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import DramatiqError
from dramatiq.middleware import AgeLimit, AsyncIO, CurrentMessage, Middleware, Retries, ShutdownNotifications, TimeLimit
from redis import ConnectionPool, Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from workers.encoding import Encoder

log = structlog.get_logger(__name__)

#: One queue for all decide stages: with a queue a stage five stages took 2.2 s instead of 0.05 s.
WAKE = "wake"
INTAKE = "intake"
#: Seconds for which nothing is rung after a ring that failed: a silent broker costs each ring its time-out.
HUSH = 1.0
#: A bell nobody answered for this long is stale: the clock has rung again since. Milliseconds.
BELL_AGE = 10_000


def stage_actor(stage: str) -> str:
    """Name of the actor that decides ``stage``."""
    return f"{stage}.decide"


def effect_actor(kind: str) -> str:
    """Name of the actor that performs effects of ``kind``."""
    return f"{kind}.perform"


def middleware() -> list[Middleware]:
    """What a worker runs with. Bells never retry and age quickly; long slices end by themselves."""
    return [
        AgeLimit(),
        TimeLimit(time_limit=600_000),
        ShutdownNotifications(),
        Retries(max_retries=0),
        CurrentMessage(),
        AsyncIO(),
    ]


def make_broker(url: str, *, consumer: bool) -> dramatiq.Broker:
    """A broker for ``url``: redis://, rediss://, unix:// or amqp://.

    A ``consumer`` reads messages by ``workers.encoding`` and waits out a minute of broken connections; a ringer gives up within a second, since the clock rings
    for whatever nobody rang for.
    """
    if consumer:
        dramatiq.set_encoder(Encoder())
    if url.startswith(("amqp://", "amqps://")):
        from dramatiq.brokers.rabbitmq import RabbitmqBroker

        return RabbitmqBroker(url=url, confirm_delivery=True, middleware=middleware() if consumer else [])
    retries = Retry(ExponentialBackoff(cap=2.0, base=0.05), 60) if consumer else Retry(ExponentialBackoff(), 0)
    pool = ConnectionPool.from_url(
        url,
        socket_connect_timeout=2,
        socket_timeout=10 if consumer else 1,
        retry=retries,
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=Redis(connection_pool=pool),
        middleware=middleware() if consumer else [],
        heartbeat_timeout=15_000,
        maintenance_chance=100_000,
    )


class Bell:
    """Rings actors after a commit. Never raises and never waits for an answer: a lost ring is only a late one."""

    def __init__(self, broker: dramatiq.Broker, queues: Mapping[str, str]) -> None:
        """``queues``: whose workers perform each kind of effect."""
        self._broker = broker
        self._queues = queues
        self._silent = False
        self._hushed_until = 0.0
        self._lock = threading.Lock()
        #: Set when a ring was lost, for whoever looks for himself then (``workers.lookout``).
        self.unheard = threading.Event()

    def ring(self, stages: Iterable[str] = (), effects: Iterable[str] = ()) -> None:
        """One message an actor, however many orders wait there."""
        for stage in stages:
            self._send(WAKE, stage_actor(stage))
        for kind in effects:
            self._send(self._queues[kind], effect_actor(kind))

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
        if isinstance(self._broker, RedisBroker):
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
