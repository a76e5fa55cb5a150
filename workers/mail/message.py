"""A mail as bytes: RFC 5322 headers, RFC 2047 encoded words, multipart/alternative with CRLF everywhere.

Written out by hand because building and flattening an EmailMessage costs more than all the rest of a mail; that the
standard library's parser reads the result back is what the tests hold.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterable
from functools import lru_cache
from struct import Struct
from typing import Final

_LINE: Final = 76  # RFC 2045 and RFC 2047: the longest line with encoded content
_WORD: Final = 75  # RFC 2047: the longest encoded word
_LONGEST_PLAIN_NAME: Final = 400  # not folded, and quoting may double it: stays under the 998 of RFC 5322
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_NOT_PLAIN: Final = re.compile(r"[^ -~]|=\?")
_ADDRESS: Final = re.compile(r'(?:"[ -~]*"|[!#-;=?A-~]+)@[!-;=?A-~]+')
_ATOMS: Final = re.compile(r"(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+ ?)*")


def clean(text: str) -> str:
    """``text`` on one line: controls (CR, LF, NUL ...) and line separators become a space, so none can add a header."""
    return _UNSAFE.sub(" ", text).strip()


def unstructured(name: str, text: str) -> str:
    """A header of free text such as Subject, encoded and folded where it must be."""
    text = clean(text)
    if not _NOT_PLAIN.search(text) and len(name) + 2 + len(text) <= _LINE:
        return f"{name}: {text}"
    return f"{name}: {_encoded(text, len(name) + 2)}"


def mailbox(name: str, display: str, address: str) -> str:
    """A header with one mailbox (From, To). ``address`` is an addr-spec that is ready to send (B.7.1).

    Raises ValueError if the address holds anything that could end it early, or is not ASCII.
    """
    if not _ADDRESS.fullmatch(address):
        raise ValueError("the address cannot stand in a mail header")
    phrase = _phrase(clean(display), len(name) + 2)
    if not phrase:
        return f"{name}: {address}"
    last = len(phrase.rpartition("\n")[2]) + (0 if "\n" in phrase else len(name) + 2)
    gap = " " if last + len(address) + 3 <= _LINE else "\r\n "
    return f"{name}: {phrase}{gap}<{address}>"


def assemble(headers: Iterable[str], *, text: str, html: str, boundary: str) -> bytes:
    """The whole mail. ``boundary`` must hold ``=_``, which base64 cannot bring forth in a body."""
    head = "\r\n".join(headers)
    opening = f'{head}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
    return b"".join(
        (
            opening.encode("ascii"),
            _part("plain", text, boundary),
            _part("html", html, boundary),
            f"--{boundary}--\r\n".encode("ascii"),
        )
    )


def _part(subtype: str, text: str, boundary: str) -> bytes:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    data = f"{text.rstrip()}\n".replace("\n", "\r\n").encode("utf-8", "replace")
    # base64 always: quoted-printable is no smaller for markup with Japanese in it and takes five times as long.
    opening = (
        f'--{boundary}\r\nContent-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    )
    return opening.encode("ascii") + _base64_lines(data) + b"\r\n"


def _base64_lines(data: bytes) -> bytes:
    flat = b2a_base64(data, newline=False)
    full = len(flat) // _LINE
    return b"\r\n".join((*_cut(full).unpack_from(flat), flat[full * _LINE :]))


@lru_cache(maxsize=1024)
def _cut(lines: int) -> Struct:
    """Cuts a buffer into ``lines`` full lines in one call, where a loop of slices would take most of the time."""
    return Struct(f"{_LINE}s" * lines)


def _phrase(display: str, used: int) -> str:
    """A display name as atoms, a quoted string or encoded words, the plainest that can carry it."""
    if _NOT_PLAIN.search(display) or len(display) > _LONGEST_PLAIN_NAME:
        return _encoded(display, used)
    if _ATOMS.fullmatch(display):
        return display
    return '"' + display.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _encoded(text: str, used: int) -> str:
    """``text`` as folded encoded words (UTF-8, base64), none of which breaks a character; ``used``: columns taken."""
    data = text.encode("utf-8")
    words = []
    start, room = 0, _LINE - used
    while start < len(data):
        end = min(start + (min(room, _WORD) - 12) // 4 * 3, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        words.append(f"=?utf-8?b?{b2a_base64(data[start:end], newline=False).decode('ascii')}?=")
        start, room = end, _LINE - 1
    return "\r\n ".join(words)
