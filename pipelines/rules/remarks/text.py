"""Remarks as they are read: an NFKC copy whose every character knows where it came from, cut at lines and commas."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pipelines.rules.remarks.claim import Claim

TAKEN: Final = "\x00"
"""Stands for a character that somebody has claimed; no pattern matches it."""

Span = tuple[int, int]

_SENTENCE_END: Final = re.compile(r"[。!\n;]+|\.(?=\s|$)|(?<=\?)")
_COMMA: Final = re.compile(r"[、,・|]|\s/\s")
#: Japanese is written without spaces: one beside a Japanese letter parts two thoughts.
_GAP: Final = re.compile(r"(?<=[^\x00-\x7f]) ++|(?<! ) ++(?=[^\x00-\x7f])")
SEPARATORS: Final = (_SENTENCE_END, _COMMA, _GAP)
"""Coarse to fine."""

_HALF_WIDTH_MARKS: Final = "ﾞﾟ"
_PLAIN: Final = str.maketrans("\r\u2028\u2029\t\x00−〜〰", "\n\n\n  -~~")


class Text:
    """``original`` remarks and their ``plain`` copy: NFKC, so that full-width letters and brackets are plain."""

    __slots__ = ("_at", "original", "plain")

    def __init__(self, original: str) -> None:
        self.original = original
        plain: list[str] = []
        self._at: list[int] = []
        for start, end in _characters(original):
            piece = unicodedata.normalize("NFKC", original[start:end]).translate(_PLAIN)
            plain.append(piece)
            self._at += [start] * len(piece)
        self.plain = "".join(plain)
        self._at.append(len(original))

    def quote(self, span: Span) -> str:
        """What the customer wrote between two places of ``plain``, a character that became several in full."""
        start, end = span
        last = self._at[end]
        while 0 < end < len(self.plain) and last == self._at[end - 1]:
            end += 1
            last = self._at[end]
        return self.original[self._at[start] : last].strip()


def _characters(text: str) -> Iterator[Span]:
    """Spans of a letter and the marks that belong to it."""
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or not (unicodedata.combining(text[place]) or text[place] in _HALF_WIDTH_MARKS):
            if start < place:
                yield start, place
            start = place


def cut(plain: str, span: Span, separator: re.Pattern[str], whole: Sequence[Span]) -> Iterator[Span]:
    """The pieces of ``span`` between separators, leaving the ``whole`` spans (in order) in one piece; blank ones not."""
    start, end = span
    waiting = iter(whole)
    kept = next(waiting, None)
    for found in separator.finditer(plain, start, end):
        while kept is not None and kept[1] <= found.start():
            kept = next(waiting, None)
        if kept is not None and kept[0] <= found.start() and found.end() <= kept[1]:
            continue
        if plain[start : found.start()].strip():
            yield start, found.start()
        start = found.end()
    if plain[start:end].strip():
        yield start, end


def without(text: str, claims: Iterable[Claim]) -> str:
    """The text with ``TAKEN`` where claims are."""
    left = list(text)
    for claim in claims:
        left[claim.start : claim.end] = TAKEN * (claim.end - claim.start)
    return "".join(left)


def within(pieces: Sequence[Span], claims: Sequence[Claim]) -> Iterator[tuple[Span, list[Claim]]]:
    """Each piece with the claims that lie in it; both in order."""
    place = 0
    for piece in pieces:
        inside: list[Claim] = []
        while place < len(claims) and claims[place].start < piece[1]:
            inside.append(claims[place])
            place += 1
        yield piece, inside
