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

_SHAPE: Final[dict[str, type | tuple[type, ...]]] = {
    "queue_name": str,
    "actor_name": str,
    "args": list,
    "kwargs": dict,
    "options": dict,
    "message_id": str,
    "message_timestamp": (int, float),
}


@dataclass(frozen=True)
class Undecodable:
    """Stands in the place of a message's arguments; equal for the same bytes."""

    digest: str


class Encoder(JSONEncoder):
    """JSON, as every storefront's dramatiq writes it."""

    def decode(self, data: bytes) -> MessageData:
        """The message of ``data``; where no actor can be told, one for the actor "", which there is not: a dead letter."""
        try:
            message = super().decode(data)
            if _is_message(message):
                return message
        except (DecodeError, ValueError, RecursionError):
            pass
        told = {name: _text(data, name)[:1] for name in _BEFORE} | {name: _text(data, name)[-1:] for name in _AFTER}
        values = {name: found[0].decode() for name, found in told.items() if found}
        options = {name: value for name, value in values.items() if name == "redis_message_id"}
        digest = sha256(data).hexdigest()
        return {
            "queue_name": values.get("queue_name", ""),
            "actor_name": values.get("actor_name", ""),
            "args": [Undecodable(digest)],
            "kwargs": {},
            "options": options,
            "message_id": values.get("message_id", digest),
            "message_timestamp": 0,
        }


def _is_message(data: object) -> bool:
    """Whether ``data`` has the shape of a message: all of its fields and no other."""
    return (
        isinstance(data, dict)
        and data.keys() == _SHAPE.keys()
        and all(isinstance(data[name], kind) for name, kind in _SHAPE.items())
    )


def _text(data: bytes, name: str) -> list[bytes]:
    """The plain texts that fields called ``name`` have, in their order."""
    return re.findall(rb'"%s"\s*:\s*"([\x20-\x21\x23-\x5b\x5d-\x7e]*)"' % name.encode(), data)
