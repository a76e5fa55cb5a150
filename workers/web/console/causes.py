"""Causes and reasons that the house keeps, as pages word them for people.

What is stored and answered is one English sentence (`transition.cause`); a page in English says it as it is. ``causes.ja.toml`` has
the Japanese of each, and the pipelines have that of whatever they say in both languages. A sentence is matched whole: what
people and partners wrote stays as they wrote it.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Final

from pipelines.orders.act import actions
from pipelines.review.queue import Item
from pipelines.rules.explain import Sentence, sentences, written
from workers.web.console.frame import words

_JAPANESE: Final = Path(__file__).parent / "causes.ja.toml"
#: The tables of words that a place in a sentence may have, and what may stand there; any other name takes whatever stands there.
_TABLES: Final[Mapping[str, Sequence[str]]] = {
    "method": ("method",),
    "state": ("state", "return_state"),
    "condition": ("state",),
    "reasons": ("reason",),
    "effect": ("entity",),
    "bounce": ("bounce",),
}
#: Of what is told of things that wait for a human.
_TABLES_OF_REVIEW: Final[Mapping[str, str]] = {
    "kind": "entity",
    "reasons": "bounce",
    "state": "return_state",
    "stage": "stage",
    "template": "mail",
    "templates": "mail",
    "type": "entity",
}
_SHAPES: Final[Mapping[str, str]] = {
    "reasons": r"[a-z_]+(?:, [a-z_]+)*",
    "effect": r"[a-z]+\.[a-z_]+",
    "bounce": "[a-z_]+",
    "status": r"\d\.\d+\.\d+",
    "amount": r"-?[\d,]+",
    "number": r"[\d,.]+",
    "expected": r"'[^']+'(?:(?:, | or )'[^']+')*",
    "rule": r"[A-Z]{3}-\d+(?:, [A-Z]{3}-\d+)*",
    **dict.fromkeys(("method", "state", "condition"), "[a-z_]+"),
}
_DAY: Final = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\d{1,2} [A-Z][a-z]{2} \d{4})")
#: Letters that a sentence has besides its places; with fewer it would match what it does not say.
_FEWEST: Final = 4


@dataclass(frozen=True, slots=True)
class Pattern:
    """A sentence with places in it, its Japanese, and how much it says itself."""

    english: re.Pattern[str]
    japanese: str
    weight: int

    def worded(self, text: str) -> str | None:
        """``text`` in Japanese, None where it is another sentence."""
        found = self.english.fullmatch(text)
        return _filled(self.japanese, found.groupdict()) if found else None


def worded(text: str, language: str) -> str:
    """``text``, a cause or reason of the house, in ``language`` (ja, else as it is kept); what the house did not say, as it is."""
    return (_in_japanese(text) or text) if language == "ja" and text else text


def item_in(item: Item, language: str) -> Item:
    """A thing that waits, with what its sentence tells in words of ``language``; a hold has its words from the pipelines."""
    if language != "ja" or item.hold is not None:
        return item
    told = {name: _told(name, value) for name, value in item.row.told.items()}
    return replace(item, row=item.row._replace(told=told))


def _told(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name not in _TABLES_OF_REVIEW:
        return worded(value, "ja")
    table = words("ja")["words"][_TABLES_OF_REVIEW[name]]
    return "、".join(table.get(one, one) for one in value.split(", "))


def is_known(text: str) -> bool:
    """Whether pages have Japanese for ``text``."""
    return _in_japanese(text) is not None


def _in_japanese(text: str) -> str | None:
    exact, patterns = _known()
    if text in exact:
        return exact[text]
    if day := _DAY.fullmatch(text):
        return written(datetime.strptime(day[1], "%d %b %Y").date(), "ja")  # noqa: DTZ007 - a day has no zone
    found = next((said for one in patterns if (said := one.worded(text)) is not None), None)
    if found is None and "; " in text:
        parts = [_in_japanese(part) for part in text.split("; ")]
        return "。".join(part for part in parts if part) if all(parts) else None
    return found


@cache
def _known() -> tuple[Mapping[str, str], Sequence[Pattern]]:
    """Sentences without places, and those with, the most telling first."""
    exact: dict[str, str] = {}
    patterns: list[Pattern] = []
    for english, japanese in _sentences():
        if _is_plain(english):
            exact.setdefault(english, japanese)
        else:
            patterns.append(_pattern(english, japanese))
    return exact, sorted(patterns, key=lambda one: -one.weight)


def _sentences() -> Iterator[tuple[str, str]]:
    yield from tomllib.loads(_JAPANESE.read_text("utf-8")).items()
    yield from words("ja")["words"]["reason"].items()
    for one in (*sentences(), *_of_pipelines()):
        if one.en and (_is_plain(one.en) or _letters(one.en) >= _FEWEST):
            yield one.en, one.ja


def _of_pipelines() -> Iterator[Sentence]:
    """Whatever modules of the pipelines say in both languages: why an action was refused is kept in English."""
    actions()  # found, and with that imported
    for name, module in list(sys.modules.items()):
        if name.startswith("pipelines."):
            yield from (value for value in vars(module).values() if isinstance(value, Sentence))


def _pattern(english: str, japanese: str) -> Pattern:
    seen: set[str] = set()
    made = []
    for literal, name, _, _ in Formatter().parse(english):
        made.append(re.escape(literal))
        if name in seen:
            made.append(f"(?P={name})")
        elif name is not None:
            seen.add(name)
            made.append(f"(?P<{name}>{_SHAPES.get(name, '.+?')})")
    return Pattern(re.compile("".join(made), re.DOTALL), japanese, len("".join(_literals(english))))


def _filled(japanese: str, values: Mapping[str, str]) -> str:
    parts = []
    for literal, name, _, _ in Formatter().parse(japanese):
        parts.append(literal)
        if name is not None:
            parts.append(_said(name, values.get(name, "")))
    return "".join(parts)


def _said(name: str, value: str) -> str:
    """What stands at a place: a word of its table, a day, a sentence that is known, or as it is."""
    if name in _TABLES:
        tables = [words("ja")["words"][table] for table in _TABLES[name]]
        found = (next((table[one] for table in tables if one in table), one) for one in value.split(", "))
        return "、".join(found)
    return _in_japanese(value) or value


def _is_plain(text: str) -> bool:
    return all(name is None for _, name, _, _ in Formatter().parse(text))


def _letters(text: str) -> int:
    return sum(one.isalpha() for one in "".join(_literals(text)))


def _literals(text: str) -> Iterator[str]:
    yield from (literal for literal, _, _, _ in Formatter().parse(text))
