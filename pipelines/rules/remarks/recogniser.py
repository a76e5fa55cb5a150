"""What a recogniser is: a kind of instruction, whom it is for, how it is found, and the words it may stand among."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.rules.remarks.claim import Reader, Recognise


@dataclass(frozen=True, slots=True)
class Recogniser:
    """``kind`` is also its name in a profile; ``words`` (patterns) may stand around its claims without changing them."""

    kind: str
    for_: Reader
    recognise: Recognise
    words: tuple[str, ...]
