"""A mail as bytes: RFC 5322 headers, RFC 2047 encoded words, multipart/alternative with CRLF everywhere.

It is assembled with its bodies as they are, which is how it is kept, and encoded when it leaves: zstd finds nothing alike
in base64.

Written out by hand because building and flattening an EmailMessage costs more than all the rest of a mail; that the
standard library's parser reads the result back is what the tests hold.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256
from struct import Struct
from typing import Final

from workers.mail.lines import Lines, mended, with_line_ends

_LINE: Final = 76  # RFC 2045 and RFC 2047: the longest line with encoded content
_WORD: Final = 75  # RFC 2047: the longest encoded word
_LONGEST_PLAIN_NAME: Final = 400  # not folded, and quoting may double it: stays under the 998 of RFC 5322
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_NOT_PLAIN: Final = re.compile(r"[^ -~]|=\?")
_ADDRESS: Final = re.compile(r'(?:"[ -~]*"|[!#-;=?A-~]+)@[!-;=?A-~]+')
_BOUNDARY: Final = re.compile(rb'\r\nContent-Type: multipart/alternative;(?:\r\n)? boundary="([^"\r]+)"\r\n\r\n')
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


@lru_cache(maxsize=4096)  # an order's mails go to the same customer, a shop's come from the same address
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
    """The whole mail with its bodies in 8bit; ``encoded`` makes it ready for the wire. ``boundary`` is ASCII.

    Should a body hold ``boundary``, another one is used.
    """
    if boundary in text or boundary in html:
        boundary = f"=_{sha256(f'{text}{html}'.encode('utf-8', 'replace')).hexdigest()}"  # no text holds its own digest
    head, border = "\r\n".join(headers).encode("ascii"), boundary.encode("ascii")
    return (
        b'%s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary="%s"\r\n\r\n'
        b"--%s\r\nContent-Type: text/plain; %s\r\n"
        b"--%s\r\nContent-Type: text/html; %s\r\n"
        b"--%s--\r\n"
    ) % (head, border, border, _unencoded(text), border, _unencoded(html), border)


def resent(message_id: str, at: datetime, sender: str, to: str) -> bytes:
    """The header lines that mark a copy (RFC 5322, 3.6.6): when, by whom and to whom, under ``message_id``."""
    lines = (
        "X-Shukka-Copy: yes",
        f"Resent-Date: {format_datetime(at)}",
        mailbox("Resent-From", "", sender),
        mailbox("Resent-To", "", to),
        f"Resent-Message-ID: {message_id}",
    )
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def encoded(mail: bytes) -> Lines:
    """``mail`` as it goes over the wire, to any server: each 8bit part in base64. What is encoded stays as it is.

    Base64 always: quoted-printable is no smaller for markup with Japanese in it and takes five times as long.
    """
    found = _BOUNDARY.search(mail)  # the first match is the header: nothing before it can hold a line break
    if found is None:
        return with_line_ends(mail)
    delimiter = b"\r\n--" + found[1]
    opening, *parts, closing = mail.split(delimiter)
    return Lines(delimiter.join((mended(opening), *map(_in_base64, parts), with_line_ends(closing))))


def _unencoded(text: str) -> bytes:
    """The rest of a part's header and its body."""
    data = text.rstrip().encode("utf-8", "replace")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return b'charset="utf-8"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%s\r\n' % data.replace(b"\n", b"\r\n")


def _in_base64(part: bytes) -> bytes:
    head, gap, body = part.partition(b"\r\n\r\n")
    if not head.endswith(b": 8bit"):
        return mended(part)  # a mail that was stored encoded, as all once were
    return mended(head).removesuffix(b"8bit") + b"base64" + gap + _base64_lines(body)


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
