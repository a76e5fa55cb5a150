"""Failures told in words alone: qmail, Exim, Sendmail, the older servers of Japanese providers and carriers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pipelines.bounces.reasons import bounced
from pipelines.bounces.report import Finding, Kind

_LONGEST: Final = 60_000
_ADDRESS_PATTERN: Final = (
    r"(?:\"[^\"\s]{1,64}\"|[^\s<>\"'(),:;\[\]「」【】（）]{1,128})@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"
)
_ADDRESS: Final = re.compile(_ADDRESS_PATTERN)
_HEADS: Final = re.compile(rf"(?m)^[ \t>*・○■-]{{0,12}}<?({_ADDRESS_PATTERN})>?[ \t]*(?=:|\(|$|\.\.\.)")
#: Where the copy of the mail begins.
_COPY: Final = re.compile(
    r"(?mi)^.{0,12}(?:below this line is a copy|this is a copy of (?:the|your) message|original message (?:follows|headers)"
    r"|unsent message|message header|the headers? of (?:the|your)|returned message|元のメ(?:ッセージ|ール)|送信されたメール|original message)"
    r"|^[ \t>|]*(?:return-path|received|message-id):"
)
_OURS: Final = re.compile(
    r"(?mi)^[ \t>|]{0,8}(message-id|resent-message-id|x-shukka-order|x-shukka-template|to):[ \t]*([^\r\n]{1,998})"
)
_WAITING: Final = re.compile(
    r"could not be delivered for|warning message only|will be retried|(?:has|have) (?:been|not yet been) delayed|delivery (?:is )?delayed"
    r"|not yet been delivered|will (?:keep|continue) (?:trying|to try)|delivery attempts will continue|再送(?:を)?(?:続け|試み)|配送遅延",
    re.I,
)
_NOBODY: Final = ("mailer-daemon@", "postmaster@", "mailerdaemon@")


def failures(text: str, failed: Sequence[str], own: str) -> list[Finding]:
    """What ``text`` says of each recipient; ``failed`` are those that a header names, ``own`` is where the message was sent to."""
    before = text[:_LONGEST]
    if (copy := _COPY.search(before)) is not None:
        before = before[: copy.start()]
    kind = Kind.DELAY if _WAITING.search(before) else Kind.BOUNCE
    told = {one: part for one, part in _told(before, own) if not failed or one in failed}
    for address in failed:
        told.setdefault(address, before)
    if not told:
        told = dict.fromkeys(_addressed(text, before, own), before)
    return [bounced(one, kind, "", _said(part, one), before) for one, part in told.items()]


def original_in(text: str) -> Mapping[str, str]:
    """Header fields of the mail that stands in ``text``, the first of each name."""
    found: dict[str, str] = {}
    for name, value in _OURS.findall(text[:_LONGEST]):
        found.setdefault(name.lower(), value.strip())
    return found


def _told(text: str, own: str) -> Iterator[tuple[str, str]]:
    """Each address that begins a line, and what follows up to the next or to a blank line."""
    starts = [one for one in _HEADS.finditer(text) if not _is_ours(one[1], own)]
    for number, start in enumerate(starts, 1):
        part = text[start.end() : starts[number].start() if number < len(starts) else None]
        yield start[1], re.split(r"\n[ \t]*\r?\n", part.lstrip("\r\n: "), maxsplit=1)[0]


def _addressed(text: str, before: str, own: str) -> list[str]:
    """The address in the text that the returned mail was sent to; where that is not told, the first."""
    found = [one for one in dict.fromkeys(_ADDRESS.findall(before)) if not _is_ours(one, own)]
    to = original_in(text).get("to", "").lower()
    meant = [one for one in found if one.lower() in to]
    return (meant or found)[:1]


def _said(part: str, address: str) -> str:
    """The server's sentence: lines from a three-digit code on, else all of it."""
    code = re.search(r"(?m)\b[45]\d\d[ -].*", part)
    told = part[code.start() :] if code else part
    return told if address not in told or code else told.replace(address, "", 1)


def _is_ours(address: str, own: str) -> bool:
    return address.lower() == own.lower() or address.lower().startswith(_NOBODY)
