"""How messages are written: as dramatiq writes them; and one that cannot be read is handed on as such.

dramatiq's consumer ends on a message that Python cannot decode (thousands of digits, thousands of brackets), and meets it
again after every restart, with all that waits behind it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from dramatiq import JSONEncoder
from dramatiq.encoder import MessageData
from dramatiq.errors import DecodeError

#: Whose names stand before what a message carries, and whose after it.
_BEFORE: Final = ("queue_name", "actor_name")
_AFTER: Final = ("redis_message_id", "message_id")


@dataclass(frozen=True)
class Undecodable:
    """Stands in the place of a message's arguments; equal for the same bytes."""

    digest: str


class Encoder(JSONEncoder):
    """JSON, as every storefront's dramatiq writes it."""

    def decode(self, data: bytes) -> MessageData:
        """The message of ``data``. Raises DecodeError where not even its actor can be told."""
        try:
            return super().decode(data)
        except (DecodeError, ValueError, RecursionError):
            told = {name: _text(data, name)[:1] for name in _BEFORE} | {name: _text(data, name)[-1:] for name in _AFTER}
        if not all(told[name] for name in (*_BEFORE, "message_id")):
            raise DecodeError("a message without an actor's name", b"", None)  # type: ignore[no-untyped-call]
        values = {name: found[0].decode() for name, found in told.items() if found}
        options = {name: value for name, value in values.items() if name == "redis_message_id"}
        return {
            "queue_name": values["queue_name"],
            "actor_name": values["actor_name"],
            "args": [Undecodable(sha256(data).hexdigest())],
            "kwargs": {},
            "options": options,
            "message_id": values["message_id"],
            "message_timestamp": 0,
        }


def _text(data: bytes, name: str) -> list[bytes]:
    """The plain texts that fields called ``name`` have, in their order."""
    return re.findall(rb'"%s"\s*:\s*"([\x20-\x21\x23-\x5b\x5d-\x7e]*)"' % name.encode(), data)
