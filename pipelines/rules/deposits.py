"""Which order a transfer is for (入金消込): by the number that the payer wrote, else by amount and name, else a human says (B.6.7).

Never a guess: two orders that it may be for are none.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from pipelines.values.payer_name import is_same_payer, one_line, payer_name
from pipelines.values.spelling import HYPHENS


class OrderName(NamedTuple):
    """What the world calls an order."""

    shop: str
    number: str


@dataclass(frozen=True, slots=True)
class Awaiting:
    """An order that money may come for. ``due`` and ``paid`` are yen, deposits that are not booked yet included; ``names`` are
    those of people, as the order has them; ``account`` is one that a gateway opened for it alone, which tells of its money itself."""

    order: OrderName
    due: int
    paid: int = 0
    names: tuple[str, ...] = ()
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money that came in: yen, all that the bank wrote, and what of it is the payer. ``doubt`` is why a human has it anyway."""

    amount: int
    text: str
    payer: str
    doubt: str | None = None


class Outcome(StrEnum):
    """What is known of a transfer."""

    MATCHED = "matched"  # it brings its order to what is due
    MISMATCHED = "mismatched"  # it is this order's, and another sum than was due
    UNKNOWN = "unknown"  # a human says whose it is


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of a transfer. ``due``: yen that the order still awaited, None where no order was found; ``because``: one
    sentence without a name."""

    outcome: Outcome
    because: str
    order: OrderName | None = None
    due: int | None = None


#: Digits alone, and so few, may be a date or a branch: such a number counts only with the exact amount.
_TELLING_DIGITS: Final = 6
#: Of how many words one number may be made: S 1001, 20261120-0001.
_MOST_WORDS: Final = 4
_WORD: Final = re.compile(r"[A-Z0-9]+")
_JOINED: Final = re.compile(rf"[\s{re.escape(HYPHENS)}]{{1,3}}")
_SIGNS: Final = re.compile(rf"[\s_.#:{re.escape(HYPHENS)}]+")


def number_key(number: str) -> str | None:
    """An order's number as it is looked for: capitals and digits, without signs; None for one that no payer could write."""
    key = _SIGNS.sub("", one_line(number))
    told = len(key) > 1 and key.isascii() and key.isalnum() and not key.isalpha()
    return key if told else None


def numbers_in(text: str) -> frozenset[str]:
    """All that may be an order's number in ``text``, as ``number_key`` writes them: words of letters and digits, and neighbours
    with a hyphen or a blank between them."""
    return frozenset(key for key, _, _ in _spans(text))


def _spans(text: str) -> Iterator[tuple[str, int, int]]:
    """(key, first word, last word) of each of them."""
    line = one_line(text)
    words = list(_WORD.finditer(line))
    for first in range(len(words)):
        key, blank = "", False
        for last in range(first, min(first + _MOST_WORDS, len(words))):
            if last > first:
                gap = line[words[last - 1].end() : words[last].start()]
                if not _JOINED.fullmatch(gap):
                    break
                blank = blank or gap.isspace()
            key += words[last].group()
            if len(key) > 1 and not key.isalpha() and not (blank and key.isdecimal()):
                yield key, first, last


def match(
    transfers: Sequence[Transfer],
    waiting: Iterable[Awaiting],
    others: Iterable[Awaiting],
    tolerance: Mapping[str, int],
) -> list[Finding]:
    """What becomes of each transfer, in their order: an earlier one is counted before a later one is looked at.

    ``waiting`` await a deposit; ``others`` do not any more, or never did, or not here, and are found by their number or account alone: money for them is
    given back, or a human has it (PAY-07). ``tolerance``: yen by shop that a transfer may differ (B.6.7).
    """
    books = _Books(waiting, others, tolerance)
    return [books.find(transfer) for transfer in transfers]


class _Books:
    """The orders by what they are found by, and what has come in for them."""

    def __init__(self, waiting: Iterable[Awaiting], others: Iterable[Awaiting], tolerance: Mapping[str, int]) -> None:
        self._tolerance = tolerance
        self._paid: dict[OrderName, int] = {}
        self._numbers: dict[str, list[Awaiting]] = defaultdict(list)
        self._others: dict[str, list[Awaiting]] = defaultdict(list)
        self._names: dict[str, list[Awaiting]] = defaultdict(list)
        for one in waiting:
            self._paid[one.order] = one.paid
            if key := number_key(one.order.number):
                self._numbers[key].append(one)
            for name in {payer_name(name) for name in one.names} - {""}:
                self._names[name].append(one)
        for one in others:
            for other in {number_key(one.order.number), number_key(one.account or "")} - {None}:
                self._others[str(other)].append(one)
        self._sorted = sorted(self._names)

    def find(self, transfer: Transfer) -> Finding:
        """What becomes of it; what it brings is counted."""
        if transfer.doubt is not None:
            return Finding(Outcome.UNKNOWN, transfer.doubt)
        if named := self._by_number(transfer, self._numbers):
            return self._settled(transfer, named) if len(named) == 1 else _several("its text names several orders")
        if past := self._by_number(transfer, self._others):
            return _late(past[0]) if len(past) == 1 else _several("its text names several orders that await nothing")
        payers = self._by_name(transfer)
        if len(payers) > 1:
            return _several("several orders await this amount from this payer")
        if payers:
            return self._settled(transfer, payers)
        return Finding(Outcome.UNKNOWN, "no order has its number, and none awaits this amount from this payer")

    def _by_number(self, transfer: Transfer, known: Mapping[str, list[Awaiting]]) -> list[Awaiting]:
        """The orders whose number stands in the text; a number within a longer one that is known too is none."""
        spans = [(key, first, last) for key, first, last in _spans(transfer.text) if key in known]
        whole = {
            key
            for key, first, last in spans
            if not any(a <= first and last <= b and (a, b) != (first, last) for _, a, b in spans)
        }
        found = {one.order: one for key in sorted(whole) for one in known[key] if self._tells(key, one, transfer)}
        return list(found.values())

    def _tells(self, key: str, order: Awaiting, transfer: Transfer) -> bool:
        return not key.isdecimal() or len(key) >= _TELLING_DIGITS or self._fits(order, transfer.amount)

    def _by_name(self, transfer: Transfer) -> list[Awaiting]:
        told = payer_name(transfer.payer)
        found: dict[OrderName, Awaiting] = {}
        for place in range(bisect_left(self._sorted, told), len(self._sorted)):
            name = self._sorted[place]
            if not is_same_payer(told, name):
                break
            found |= {one.order: one for one in self._names[name] if self._fits(one, transfer.amount)}
        return list(found.values())

    def _fits(self, order: Awaiting, amount: int) -> bool:
        """Whether the amount is what the order still awaits."""
        left = order.due - self._paid.get(order.order, order.paid)
        return left > 0 and abs(amount - left) <= self._tolerance.get(order.order.shop, 0)

    def _settled(self, transfer: Transfer, orders: Sequence[Awaiting]) -> Finding:
        (order,) = orders
        left = max(0, order.due - self._paid[order.order])
        fits = self._fits(order, transfer.amount)
        self._paid[order.order] += transfer.amount
        if fits:
            return Finding(Outcome.MATCHED, "the amount is due", order.order, left)
        return Finding(Outcome.MISMATCHED, f"{left} yen were due", order.order, left)


def _several(because: str) -> Finding:
    return Finding(Outcome.UNKNOWN, because)


def _late(order: Awaiting) -> Finding:
    return Finding(Outcome.MISMATCHED, "the order awaits no transfer to this account", order.order, 0)
