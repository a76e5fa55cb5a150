"""Strange requests: good ones with something in them that nobody would send on purpose; the same for the same seed."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

from tests.world import a_line, document

Path = tuple[Any, ...]

CARDS = (
    "4111111111111111",
    "4111 1111 1111 1111",
    "4111-1111.1111/1111",
    "カード：４１１１１１１１１１１１１１１１です",
    "3782\u200b822463\u200b10005",
    "5555,5555,5555,4444 12/29",
)

_TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "\udc00\ud800",
    "\r\nBcc: a@example.jp",
    "\x1b[31m",
    "\u202e\u2066",
    "\ufeff",
    "x" * 3_000,
    "𠮷" * 300,
    "{{ 7 * 7 }}",
    "%s%n",
    "'; DROP TABLE shop_order; --",
    "../../etc/passwd",
    "[/y]",
    "<script>",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-11-20T24:00:00Z",
    "2098-12-31T00:00:00Z",
    "0001-01-01",
    "9999-12-31",
    "2026-02-30",
    "NaN",
    "1e400",
    "all",
    "salon",
    "a@b.jp,c@d.jp",
    "mailto:a@b.jp",
)
_NUMBERS = (
    0,
    -1,
    1,
    2**31 - 1,
    2**31,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    10**30,
    999_999_999,
    1.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
    4111111111111111,
)


def _deep(levels: int) -> Any:
    return [_deep(levels - 1)] if levels else "x"


class Strange:
    """Makes strange requests by ``seed``; numbers of orders are never strange where they are to be found again."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._count = 0

    def number(self) -> str:
        """A number that no order had before."""
        self._count += 1
        return f"F-{self._count}"

    def order(self) -> dict[str, Any]:
        """A good order of a random shop."""
        shop = self.chance.choice(("salon", "clinic", "apparel"))
        lines = [a_line(str(n), self.chance.choice((1, 2))) for n in range(1, self.chance.choice((2, 2, 3)))]
        method = self.chance.choice(("card", "card", "bank_transfer")) if shop == "salon" else "card"
        return document(self.number(), *lines, shop=shop, payment={"method": method, "token": "tok_ok"})

    def spoiled(self, good: Any, *, keep: frozenset[Path] = frozenset()) -> Any:
        """``good`` with one to three things changed, none of them at ``keep``."""
        spoiled = copy.deepcopy(good)
        for _ in range(self.chance.choice((1, 1, 2, 3))):
            places = [place for place in _places(spoiled) if place not in keep]
            if not places:
                return self.value()
            *way, last = self.chance.choice(places)
            inner = spoiled
            for step in way:
                inner = inner[step]
            self.chance.choice(self._ways())(inner, last)
        return spoiled

    def value(self) -> Any:
        """Anything at all."""
        kinds: tuple[Callable[[], Any], ...] = (
            lambda: self.chance.choice(CARDS),
            lambda: self.chance.choice(CARDS),
            lambda: self.chance.choice(_TEXTS),
            lambda: self.chance.choice(_TEXTS),
            lambda: self.chance.choice(_NUMBERS),
            lambda: self.chance.choice((None, True, False, [], {}, [[]], [None], {"": None})),
            lambda: _deep(self.chance.choice((3, 31, 40, 200))),
            lambda: [self.chance.choice(_TEXTS)] * self.chance.choice((2, 300)),
            lambda: {self.chance.choice(CARDS): self.chance.choice(CARDS)},
        )
        return self.chance.choice(kinds)()

    def _ways(self) -> tuple[Callable[[Any, Any], None], ...]:
        def replace(inner: Any, last: Any) -> None:
            inner[last] = self.value()

        def remove(inner: Any, last: Any) -> None:
            del inner[last]

        def add(inner: Any, last: Any) -> None:
            if isinstance(inner, dict):
                inner[self.chance.choice((*_TEXTS, *CARDS))] = self.value()
            else:
                inner.append(copy.deepcopy(inner[last]))

        return replace, replace, replace, replace, remove, add


def _places(value: Any, where: Path = ()) -> list[Path]:
    """Every place in a document, of objects and lists too."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: list[Path] = []
    for name, held in inner:
        found += [(*where, name), *_places(held, (*where, name))]
    return found
