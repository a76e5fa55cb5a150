"""Header fields out of text, as they stand in delivery reports, feedback reports and returned headers (RFC 5322, RFC 3464, RFC 2047)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from email.errors import HeaderParseError
from email.header import decode_header
from typing import Final

_FIELD: Final = re.compile(r"([!-9;-~]{1,76}):[ \t]*(.*)")
_XTEXT: Final = re.compile(r"\+([2-7][0-9A-F])")
_MOST_LINES: Final = 5_000
_CHARSETS: Final = ("utf-8", "iso-2022-jp", "cp932", "euc-jp", "latin-1")


def blocks(text: str) -> Iterator[Mapping[str, str]]:
    """The fields of each block of ``text``, which blank lines part: names in small letters, of fields of one name the first."""
    found: dict[str, str] = {}
    last = ""
    for line in text.splitlines()[:_MOST_LINES]:
        field = _FIELD.fullmatch(line)
        if not line.strip():
            if found:
                yield found
            found, last = {}, ""
        elif line[0] in " \t" and last:
            found[last] += f" {line.strip()}"
        elif field is not None:
            last = field[1].lower()
            if last in found:
                last = ""
            else:
                found[last] = field[2].strip()
        else:
            last = ""
    if found:
        yield found


def of_xtext(value: str) -> str:
    """An address as it was before it became a parameter of RCPT (RFC 3461, 4): ``a+2Bb`` was ``a+b``. Not every server undoes that where it
    reports of it."""
    return _XTEXT.sub(lambda found: chr(int(found[1], 16)), value)


def words(value: str) -> str:
    """A header's value with its encoded words read; what cannot be read stays as it is."""
    try:
        parts = decode_header(value[:2_000])
    except (HeaderParseError, ValueError, AssertionError):
        return value[:2_000]
    return "".join(part if isinstance(part, str) else read_bytes(part, charset or "") for part, charset in parts)


def read_bytes(data: bytes, charset: str) -> str:
    """``data`` as text: by ``charset`` where that is one and fits, else by what Japanese mails are written in."""
    if b"\x1b$" in data:
        charset = charset if charset.lower().startswith("iso-2022-jp") else "iso-2022-jp"
    for name in (charset, *_CHARSETS):
        try:
            return data.decode(name)
        except (LookupError, ValueError):
            continue
    return data.decode("ascii", "replace")
