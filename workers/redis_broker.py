"""dramatiq's broker on Redis, where its script would not do: a user who may not call KEYS, and messages that are none.

KEYS looks through the whole database while everybody waits, so careful installations forbid it (``-@dangerous``); after the death
of a worker no consumer would get a message any more. And whatever a raw client pushed that does not name itself could never be
acknowledged: fetched, it would stop its consumer, and what was fetched beside it would wait for the next start.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from dramatiq.brokers.redis import RedisBroker
from redis import Redis

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


class CarefulRedisBroker(RedisBroker):
    """dramatiq's, with those places of its script changed; refuses to be made where a new version no longer has them."""

    def __init__(self, client: Redis, **options: Any) -> None:
        super().__init__(client=client, **options)  # type: ignore[no-untyped-call]
        script = files("dramatiq.brokers").joinpath("redis", "dispatch.lua").read_text()
        for theirs, ours in _CHANGES:
            if theirs not in script:
                raise LookupError("dramatiq's script has changed: look what has become of our changes to it")
            script = script.replace(theirs, ours)
        self.scripts["dispatch"] = client.register_script(script)

    def waiting(self, queue: str) -> int:
        """How many messages of ``queue`` nobody has fetched."""
        return int(self.client.llen(f"{self.namespace}:{queue}"))
