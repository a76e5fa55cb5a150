"""dramatiq's broker on Redis, where its own ways would not do: idle consumers, a user who may not call KEYS, messages that are none.

A consumer of dramatiq's asks for messages twenty times a second and more, for each queue and process, or hears a bell late. Ours
wait in Redis for the next one.

KEYS looks through the whole database while everybody waits, so careful installations forbid it (``-@dangerous``); after the death
of a worker no consumer would get a message any more. And whatever a raw client pushed that does not name itself could never be
acknowledged: fetched, it would stop its consumer, and what was fetched beside it would wait for the next start.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from importlib.resources import files
from random import uniform
from socket import SHUT_RDWR
from typing import Any, Final

from dramatiq import MessageProxy
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed
from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.retry import Retry

#: Seconds a consumer waits in Redis before it looks all the same: its sign of life (the broker's ``heartbeat_timeout`` is twice that).
WAIT: Final = 7.0
#: The same where it holds messages that were sent with a delay: it is to pass them on in time.
_WAIT_WITH_DELAYED: Final = 0.5
#: Seconds between two looks where nobody can wait in Redis: before 6.2 it cannot.
_LOOK: Final = 0.05

#: How dramatiq ends the name of a queue of what was sent with a delay.
_DELAYED: Final = ".DQ"

#: What stands in dramatiq's script, and what stands there instead.
_CHANGES: Final = (
    (
        """local ack_queues = redis.call("keys", dead_worker_acks .. "*")
        if not next(ack_queues) then""",
        """local some_left = false
        local cursor = "0"
        repeat
            local found = redis.call("scan", cursor, "match", dead_worker_acks .. ".*", "count", 1000)
            cursor = found[1]
            some_left = some_left or next(found[2]) ~= nil
        until cursor == "0" or some_left
        if not some_left then""",
    ),
    (
        """return redis.call("hmget", queue_messages, unpack(message_ids))""",
        """local messages = {}
        for _, message_id in ipairs(message_ids) do
            local message = redis.call("hget", queue_messages, message_id)
            local named = '"redis_message_id"%s*:%s*"' .. string.gsub(message_id, "%p", "%%%0") .. '"'
            if message and string.find(message, named) then
                table.insert(messages, message)
            else
                redis.call("srem", queue_acks, message_id)
                redis.call("hdel", queue_messages, message_id)
                if message then
                    redis.call("zadd", xqueue_full_name, timestamp, message_id)
                    redis.call("hset", xqueue_messages, message_id, message)
                end
            end
        end
        return messages""",
    ),
)


class _Consumer(_RedisConsumer):
    """dramatiq's, which waits for the next message instead of asking again and again."""

    def __init__(self, broker: CarefulRedisBroker, queue: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker, queue, prefetch, timeout)  # type: ignore[no-untyped-call]
        self._waits = broker
        self._freed = threading.Event()

    def ack(self, message: MessageProxy) -> None:
        """The message is done with, and there is room for another."""
        super().ack(message)  # type: ignore[no-untyped-call]
        self._freed.set()

    def nack(self, message: MessageProxy) -> None:
        """The message failed, and there is room for another."""
        super().nack(message)  # type: ignore[no-untyped-call]
        self._freed.set()

    def __next__(self) -> MessageProxy | None:
        if not self.message_cache and not self._found():
            return None
        message: MessageProxy | None = super().__next__()  # type: ignore[no-untyped-call]
        return message

    def _found(self) -> bool:
        """Wait for messages and fetch as many as there is room for; whether there were any."""
        self._freed.clear()
        room = self.prefetch - self.outstanding_message_count
        if room <= 0:
            self._freed.wait(_LOOK)
            return False
        try:
            delayed = self.outstanding_message_count if self.queue_name.endswith(_DELAYED) else 0
            if not self._waits.wait(self.queue_name, _WAIT_WITH_DELAYED if delayed else self._waits.longest_wait):
                return False
            self.message_cache = self.broker.do_fetch(self.queue_name, room)
        except RedisConnectionError as gone:
            if self._waits.is_stopping:
                return False
            raise ConnectionClosed(gone) from None  # type: ignore[no-untyped-call]
        return bool(self.message_cache)


class CarefulRedisBroker(RedisBroker):
    """dramatiq's, with those places of its script changed; refuses to be made where a new version no longer has them."""

    consumer_class = _Consumer

    def __init__(self, client: Redis, **options: Any) -> None:
        super().__init__(client=client, **options)  # type: ignore[no-untyped-call]
        script = files("dramatiq.brokers").joinpath("redis", "dispatch.lua").read_text()
        for theirs, ours in _CHANGES:
            if theirs not in script:
                raise LookupError("dramatiq's script has changed: look what has become of our changes to it")
            script = script.replace(theirs, ours)
        self.scripts["dispatch"] = client.register_script(script)
        self._waiting_room = _patient(client)
        self.longest_wait = WAIT
        self.is_stopping = False

    def stop_waiting(self) -> None:
        """Wake those who wait: the process is to end, and fetches nothing more."""
        self.is_stopping = True
        for connection in list(self._waiting_room.connection_pool._in_use_connections):
            if (line := connection._sock) is not None:
                with suppress(OSError):  # it has just been closed
                    line.shutdown(SHUT_RDWR)  # not closed: that is for who reads from it

    def wait(self, queue: str, seconds: float) -> bool:
        """Wait until a message may be in ``queue``, at most ``seconds``; it stays there. Whether to look.

        Redis has no command that waits and only looks. Moving the head of a list to where it is does that, and wakes the next who
        waits.
        """
        key = f"{self.namespace}:{queue}"
        if self.is_stopping:
            time.sleep(_LOOK)
            return False
        try:
            # Apart from one another: those who look at one moment wake each other at the interpreter's lock, ten times and more.
            patience = seconds * uniform(0.75, 1.25)  # noqa: S311 - nothing hangs on it
            self._waiting_room.blmove(key, key, patience, "LEFT", "LEFT")  # type: ignore[arg-type]
        except ResponseError:  # it is too old to, may not, or is full for the moment
            time.sleep(_LOOK)
        return not self.is_stopping

    def waiting(self, queue: str) -> int:
        """How many messages of ``queue`` nobody has fetched."""
        return int(self.client.llen(f"{self.namespace}:{queue}"))


def _patient(client: Redis) -> Redis:
    """Connections for those who wait: an answer may take as long as that, and who lost one looks at once."""
    pool = client.connection_pool
    options = {
        **pool.connection_kwargs,
        "socket_timeout": WAIT + 3.0,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
    }
    return Redis(connection_pool=ConnectionPool(connection_class=pool.connection_class, **options))
