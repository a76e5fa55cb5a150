"""Stretches of the remarks: what was read as one, its clauses, and what nobody read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.rules.remarks.claim import Claim
from pipelines.rules.remarks.text import SEPARATORS, Span, cut

_SENTENCE, _CLAUSE, _ = SEPARATORS
_SAYS: Final = re.compile(r"[^\W_]|\?")


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the remarks that was read as one, or was not; ``claims`` are those that hold."""

    span: Span
    is_read: bool
    claims: tuple[Claim, ...] = ()


def clauses(plain: str, claims: Sequence[Claim]) -> list[Span]:
    """The remarks cut at full stops, lines and commas, but in no claim."""
    whole = [(claim.start, claim.end) for claim in claims]
    sentences = cut(plain, (0, len(plain)), _SENTENCE, whole)
    return [clause for sentence in sentences for clause in cut(plain, sentence, _CLAUSE, whole)]


def unread(plain: str, parts: Sequence[Part]) -> list[Span]:
    """What nobody read, neighbours in one stretch."""
    found: list[Span] = []
    is_open = False
    for part in parts:
        if part.is_read:
            is_open = False
            continue
        for span, before_claim in _left(part):
            if _SAYS.search(plain, *span):
                if is_open:
                    found[-1] = (found[-1][0], span[1])
                else:
                    found.append(span)
                is_open = True
            if before_claim:
                is_open = False
    return found


def _left(part: Part) -> Iterator[tuple[Span, bool]]:
    """The stretches between the claims of a part, and whether a claim follows."""
    start, end = part.span
    for claim in part.claims:
        yield (start, claim.start), True
        start = claim.end
    yield (start, end), False
