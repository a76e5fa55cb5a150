"""Order remarks (備考) are read by rules or by a person, never ignored (INT-16).

The shop's rules run over an NFKC-normalised copy, in order; each consumes what its pattern matches. Words that nobody
consumed mean that a person has to read the remarks before goods are released.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pipelines.rules.order import Order
from pipelines.values.calendar import in_japan

if TYPE_CHECKING:
    from pipelines.shops import Shop

_DATE: Final = re.compile(r"(?:(\d{4})\s?[-/年]\s?)?(\d{1,2})\s?[-/月]\s?(\d{1,2})")
_WORD: Final = re.compile(r"\w")
# politeness around something a rule has read is not another instruction
_COURTESY: Final = re.compile(
    r"(?:どうぞ|何卒|よろしく|宜しく)?お?願い?(?:いた|致)?します|(?:どうぞ|何卒)?(?:よろしく|宜しく)|(?:して)?(?:くだ|下)さい|を?希望(?:します)?"
    r"|です|ます|please|thank(?: you|s)|kindly|use|apply|and",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Found:
    """What one rule read."""

    action: str
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The remarks, read. ``lead_days``: business days that work orders add before dispatch (STO-02)."""

    found: tuple[Found, ...] = ()
    unread: bool = False
    desired_date: date | None = None
    lead_days: int = 0

    def has(self, action: str) -> bool:
        """True if a rule with ``action`` read something."""
        return any(one.action == action for one in self.found)


_NOTHING: Final = Reading()


def read(order: Order, shop: Shop) -> Reading:
    """Read the order's remarks by the shop's rules."""
    text = normalised(order.remarks)
    if not text:
        return _NOTHING
    found: list[Found] = []
    desired: date | None = None
    lead_days = 0
    for rule in shop.remarks:
        rest: list[str] = []
        end = 0
        for match in _compiled(rule.pattern).finditer(text):
            if rule.action == "desired_date":
                day = _date_in(match.group(), order)
                if day is None:
                    continue  # 11/31 is no date: a person has to ask
                desired = desired or day
            found.append(Found(rule.action, match.group().strip()))
            lead_days = max(lead_days, rule.lead_days)
            rest.append(text[end : match.start()])
            end = match.end()
        text = "\n".join([*rest, text[end:]])
    if found:
        text = _COURTESY.sub(" ", text)
    return Reading(tuple(found), _WORD.search(text) is not None, desired, lead_days)


def desired_date(order: Order, shop: Shop) -> date | None:
    """The delivery date asked for: the order's field, else one a rule finds in the remarks (DLV-01)."""
    return order.delivery_date or (read(order, shop).desired_date if order.remarks else None)


def normalised(remarks: str) -> str:
    """A copy for matching: NFKC, so full-width letters and brackets are plain; no blank lines or outer spaces."""
    lines = (line.strip() for line in unicodedata.normalize("NFKC", remarks).splitlines())
    return "\n".join(line for line in lines if line)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _date_in(text: str, order: Order) -> date | None:
    match = _DATE.search(text)
    if match is None:
        return None
    placed_on = in_japan(order.placed_at).date()
    year, month, day = match.groups()
    try:
        if year is not None:
            return date(int(year), int(month), int(day))
        this_year = date(placed_on.year, int(month), int(day))
        return this_year if this_year >= placed_on else this_year.replace(year=placed_on.year + 1)
    except ValueError:
        return None
