"""Order remarks (備考) are read by recognisers or by a person, never ignored (INT-16).

The profile names the recognisers. Each claims the characters it understands in what the others left of a normalised copy.
Then the remarks as a whole, else their sentences, clauses and words, are read where every word around the claims is known. What
is left, and every claim that could mean two things, is shown to a person before goods are released.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipelines.rules.order import Order
from pipelines.rules.remarks import (
    coupon_codes,
    desired_date,
    desired_slot,
    not_offered,
    nothing_special,
    own_words,
    receipt_request,
    work_order,
)
from pipelines.rules.remarks.claim import Claim, DeliveryWindow, Instruction, Value
from pipelines.rules.remarks.doubt import doubted
from pipelines.rules.remarks.part import Part, clauses, unread
from pipelines.rules.remarks.recogniser import Remark
from pipelines.rules.remarks.text import SEPARATORS, TAKEN, Span, Text, cut, within
from pipelines.rules.remarks.words import COURTESY, is_wordless, vocabulary
from pipelines.values.card_number import mask
from pipelines.values.coupon_key import coupon_key

if TYPE_CHECKING:
    from pipelines.shops import Shop
    from pipelines.shops.trading import RemarkRule

_IN_ORDER: Final = (
    coupon_codes.RECOGNISER,
    work_order.RECOGNISER,
    not_offered.RECOGNISER,
    desired_date.RECOGNISER,
    desired_slot.RECOGNISER,
    receipt_request.RECOGNISER,
)
RECOGNISERS: Final = {one.kind: one for one in _IN_ORDER}
"""By the name that a profile calls them. Whatever the profile's order, they look in this one."""

_WORK_ORDER: Final = work_order.RECOGNISER.kind
_NOT_OFFERED: Final = not_offered.RECOGNISER.kind


@dataclass(frozen=True, slots=True)
class Reading:
    """The remarks, read.

    ``instructions`` in the order in which they are written, what nobody could read among them (kind ``unread``).
    ``lead_days``: business days that work orders add before dispatch (STO-02).
    """

    instructions: tuple[Instruction, ...] = ()
    lead_days: int = 0

    def of(self, kind: str) -> tuple[Instruction, ...]:
        """The instructions of a kind."""
        return tuple(one for one in self.instructions if one.kind == kind)

    def words(self, kind: str) -> str:
        """What the customer wrote of a kind, on one line; empty if nothing."""
        return " / ".join(" ".join(one.says.split()) for one in self.of(kind))

    @property
    def window(self) -> DeliveryWindow | None:
        """The days wished for; None without a wish."""
        return next((one.value for one in self.of("desired_date") if isinstance(one.value, DeliveryWindow)), None)

    @property
    def slot(self) -> str | None:
        """The time of day wished for; None without a wish."""
        return next((str(one.value) for one in self.of("desired_slot")), None)


_NOTHING: Final = Reading()


def read(order: Order, shop: Shop) -> Reading:
    """Read the order's remarks as the shop's profile says. A card number in them, which no order keeps, is quoted by
    nobody (INT-17)."""
    if not order.remarks:
        return _NOTHING
    text = Text(mask(order.remarks))
    parts = parts_of(text.plain, claims_on(text, order, shop))
    works = any(claim.kind == _WORK_ORDER and not claim.declined for part in parts for claim in part.claims)
    lead_days = max((rule.lead_days for rule in shop.remarks if works and _orders_work(rule)), default=0)
    return Reading(tuple(_instructions(text, parts)), lead_days)


def claims_on(source: Text, order: Order, shop: Shop) -> list[Claim]:
    """What is understood of the remarks, first to last; no two claims share a character.

    The shop's own words are looked for first, then what its recognisers know, then what asks for nothing.
    """
    left = list(source.plain)
    claims: list[Claim] = []

    def take(found: Iterable[Claim]) -> None:
        for claim in sorted(found, key=lambda one: (one.start, -one.end)):
            if claim.start < claim.end and TAKEN not in left[claim.start : claim.end]:
                left[claim.start : claim.end] = TAKEN * (claim.end - claim.start)
                claims.append(claim)

    for rule in shop.remarks:
        if rule.pattern is not None:
            take(own_words.recognise(Remark("".join(left), source, order, shop, rule)))
    named = {name: rule for rule in shop.remarks for name in rule.recognisers}
    for kind, recogniser in RECOGNISERS.items():
        if kind in named:
            take(recogniser.recognise(Remark("".join(left), source, order, shop, named[kind])))
    take(nothing_special.recognise("".join(left)))
    return sorted(claims, key=lambda one: one.start)


def parts_of(plain: str, claims: Sequence[Claim]) -> list[Part]:
    """The remarks in stretches that are read or not, first to last, after every claim in doubt was given up."""
    while True:
        parts = list(_parts(plain, (0, len(plain)), claims, SEPARATORS))
        given_up = {id(claim) for claim in doubted(plain, parts)}
        if not given_up:
            return parts
        claims = [claim for part in parts for claim in part.claims if id(claim) not in given_up]


def _orders_work(rule: RemarkRule) -> bool:
    return _WORK_ORDER in rule.recognisers or rule.action == _WORK_ORDER


def _parts(plain: str, span: Span, claims: Sequence[Claim], separators: Sequence[re.Pattern[str]]) -> Iterator[Part]:
    """``span`` in one part if every word around its ``claims`` is known, else in finer and finer ones."""
    if _is_known(plain, span, claims):
        yield Part(span, True, tuple(claims))
        return
    for depth, separator in enumerate(separators, start=1):
        pieces = list(cut(plain, span, separator, [(claim.start, claim.end) for claim in claims]))
        if len(pieces) > 1:
            for piece, inside in within(pieces, claims):
                yield from _parts(plain, piece, inside, separators[depth:])
            return
    yield Part(span, False, tuple(claim for claim in claims if not claim.whole))


def _is_known(plain: str, span: Span, claims: Sequence[Claim]) -> bool:
    if is_wordless(plain, span):
        return True
    lists = sorted({RECOGNISERS[claim.kind].words if claim.kind else nothing_special.WORDS for claim in claims})
    return vocabulary(COURTESY, *lists).knows(plain, span, claims)


def _instructions(text: Text, parts: Sequence[Part]) -> Iterator[Instruction]:
    """One instruction a kind (and thing that is not offered), where its first words stand; and each stretch unread."""
    places: dict[int, Instruction] = {
        span[0]: Instruction("unread", text.quote(span), "operator") for span in unread(text.plain, parts)
    }
    asked: dict[tuple[str, str], list[tuple[Claim, str]]] = {}
    for claim, span in _quoted(text.plain, parts):
        if claim.kind and not claim.declined:
            topic = str(claim.value) if claim.kind == _NOT_OFFERED else ""
            asked.setdefault((claim.kind, topic), []).append((claim, text.quote(span)))
    for (kind, _), found in asked.items():
        says = " / ".join(dict.fromkeys(quote for _, quote in found))
        value = _together([claim.value for claim, _ in found])
        places[found[0][0].start] = Instruction(kind, says, RECOGNISERS[kind].for_, value)
    return (places[start] for start in sorted(places))


def _quoted(plain: str, parts: Sequence[Part]) -> Iterator[tuple[Claim, Span]]:
    """Each claim with what to quote for it: in what was read its clause, and clauses after it that only say more of it (before
    it, if there is none); else its own words."""
    cuts = clauses(plain, [claim for part in parts for claim in part.claims])
    for part in parts:
        if not part.is_read:
            yield from ((claim, (claim.start, claim.end)) for claim in part.claims)
            continue
        about: list[Claim] = []
        waiting: list[Span] = []
        for span, inside in within([_common(one, part.span) for one in cuts], part.claims):
            if inside:
                about = [claim for claim in inside if claim.kind and not claim.declined]
                yield from ((claim, one) for claim in about for one in (*waiting, span))
                waiting = []
            elif not _is_known(plain, span, ()):
                if about:
                    yield from ((claim, span) for claim in about)
                else:
                    waiting.append(span)


def _common(one: Span, other: Span) -> Span:
    """What two spans share; an empty one at the start of ``other`` if nothing."""
    start, end = max(one[0], other[0]), min(one[1], other[1])
    return (start, end) if start < end else (other[0], other[0])


def _together(values: Sequence[Value]) -> Value:
    """What several claims of a kind come to: codes and details are added up, days and times are the same."""
    first = values[0]
    if isinstance(first, tuple):
        codes = {
            coupon_key(code): code for value in reversed(values) if isinstance(value, tuple) for code in reversed(value)
        }
        return tuple(reversed(codes.values()))
    details = {key: value for one in values if isinstance(one, dict) for key, value in one.items()}
    return details or first
