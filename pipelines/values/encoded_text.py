"""Text out of bytes that somebody's program wrote: its mark, else UTF-8, else CP932, and never a guess (B.9.1)."""

from __future__ import annotations

from pipelines.errors import ShukkaError


class Undecodable(ShukkaError):
    """The bytes are text in none of these encodings."""


def decoded(data: bytes) -> tuple[str, str]:
    """(text, encoding): ``utf-8-sig`` by its mark, else ``utf-8`` if it is that, else ``cp932``. Raises Undecodable, with one
    sentence, for UTF-16 and for anything else; no character is ever replaced."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Undecodable("it is in UTF-16; store it as it was exported")
    for encoding in ("utf-8-sig",) if data.startswith(b"\xef\xbb\xbf") else ("utf-8", "cp932"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise Undecodable("it is neither in UTF-8 nor in CP932; store it as it was exported")


def file_name(name: str) -> str:
    """A file's name as people read it: of one that the system has in other bytes than UTF-8, as programs in Japan write them, the text
    that they are; what is no text at all becomes a mark."""
    try:
        return decoded(name.encode("utf-8", "surrogateescape"))[0]
    except (Undecodable, UnicodeEncodeError):
        return name.encode("utf-8", "replace").decode("utf-8")
