"""The lines of a message as they go over the wire: each ends in CRLF, and none can be taken for the message's end."""

from __future__ import annotations

import re
from typing import Final

_LONE: Final = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_LEADING_DOT: Final = re.compile(rb"^\.", re.MULTILINE)


class Lines(bytes):
    """A message of which every line ends in CRLF, and which holds no other CR or LF: made by this module, or of parts that are so by the
    one who joined them."""

    __slots__ = ()


def mended(raw: bytes) -> bytes:
    """``raw`` with CRLF for each lone CR or LF, so that no server can see an end of the message where there is none."""
    # Apart first: what is ours has nothing to mend, and the expression takes ten times as long.
    between = b"".join(raw.split(b"\r\n"))
    return _LONE.sub(b"\r\n", raw) if b"\r" in between or b"\n" in between else raw


def with_line_ends(raw: bytes) -> Lines:
    """``raw`` with CRLF after every line. What is known to have them is not looked at again."""
    if isinstance(raw, Lines):
        return raw
    message = mended(raw)
    return Lines(message if message.endswith(b"\r\n") else message + b"\r\n")


def dots_doubled(message: Lines) -> bytes:
    """A message as DATA carries it, without the final dot: leading dots doubled (RFC 5321, 4.5.2)."""
    at = message.find(b".")  # from dot to dot: a body in base64 has none
    while at >= 0:
        if at == 0 or message.startswith(b"\n", at - 1):
            return _LEADING_DOT.sub(b"..", message)
        at = message.find(b".", at + 1)
    return message
