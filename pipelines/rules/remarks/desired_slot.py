"""A wished time of day (時間帯指定): 午前中, 14-16時, 14:00~16:00, 午後2時から4時, 18時以降, 夕方, after 6pm (DLV-01, DLV-02).

A shop with slots gets one of them or nothing: a time that fits none, or two, is left to a person. Where slots are free text
the words themselves are handed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pipelines.rules.remarks.claim import Claim
from pipelines.rules.remarks.recogniser import Recogniser, Remark
from pipelines.rules.remarks.words import DELIVERY, PARTICLES

Hours = tuple[int, int]

_LABEL: Final = re.compile(r"時間(?:帯|指定)?(?:希望)?\s?[::はを]?\s?$")
#: Longest label.
_BEFORE: Final = 12
_DAY_ENDS: Final = 24
_NOON: Final = 12
#: An hour below this one without 午前 or 午後 may be either.
_EARLIEST: Final = 7
_OPENS: Final = 9


def _hour(number: int) -> str:
    return (
        rf"(?:(?P<half{number}>午前|午後)の?\s?)?(?P<hour{number}>\d{{1,2}})"
        rf"(?P<unit{number}>\s?時(?!間)(?P<odd{number}>半|\d{{1,2}}分)?|:(?P<minute{number}>\d\d)|(?:\s?(?P<en{number}>[ap]\.?m\.?)(?![A-Za-z])))?"
    )


_TIME: Final = re.compile(
    rf"""(?<![\d/.\-])(?<!\d:)(?:
        (?P<between>(?<![A-Za-z])(?:between|from)\s)?{_hour(1)}\s?(?:[~–—-]|から|より|to|until|till|and)\s?{_hour(2)}(?:の?間)?(?![\d/:日月年]|[.\-]\d)
      | (?P<en_bound>(?<![A-Za-z])(?:after|before|by|until|from|around|about|at)\s)?{_hour(3)}
        (?P<bound>\s?(?:以降|以後|過ぎ|すぎ|までに?|迄に?|以前|頃|ごろ|くらい|ぐらい))?(?![\d/:日月年]|[.\-]\d)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_PART_OF_DAY: Final = re.compile(
    r"(?P<am>午前中?(?!\d)|(?<!good )(?<![A-Za-z])(?:in the )?mornings?(?![A-Za-z])|(?<![A-Za-z\d])AM(?![A-Za-z])(?:中)?)"
    r"|(?P<pm>午後(?:中)?(?!\s?\d|の?\d)|(?<!good )(?<![A-Za-z])(?:in the )?afternoons?(?![A-Za-z]))"
    r"|(?P<dusk>夕方(?:ごろ|頃)?(?!以降))|(?P<night>夕方以降|夜間?(?:に)?(?!中)|(?<!good )(?<![A-Za-z])(?:in the )?evenings?(?![A-Za-z]))"
    r"|(?P<midday>お?昼(?:頃|ごろ)?(?!過|す|休|食))",
    re.IGNORECASE,
)
_HOURS: Final[dict[str, Hours]] = {
    "am": (0, 12),
    "pm": (12, 18),
    "dusk": (15, 18),
    "night": (18, 21),
    "midday": (12, 14),
}


def recognise(remark: Remark) -> Iterator[Claim]:
    """Every time of day that is read."""
    for found in _TIME.finditer(remark.text):
        claim = _by_clock(remark, found)
        if claim is not None:
            yield claim
    for found in _PART_OF_DAY.finditer(remark.text):
        hours = _HOURS[str(found.lastgroup)]
        slot = _slot(remark, hours, found[0])
        if slot is not None:
            yield Claim(found.start(), found.end(), RECOGNISER.kind, slot, wish="may")


def _by_clock(remark: Remark, found: re.Match[str]) -> Claim | None:
    if found["hour1"] is not None:
        return _by_range(remark, found)
    bound = (found["bound"] or found["en_bound"] or "").strip().lower()
    at = _moment(found, 3, found["half3"])
    if at is None or found["unit3"] is None:
        return None
    hour, whole = at
    hours: Hours | None = None
    if whole and (bound.startswith(("以降", "以後", "過ぎ", "すぎ")) or bound in {"after", "from"}):
        hours = (hour, _DAY_ENDS)
    elif whole and (bound.startswith(("まで", "迄", "以前")) or bound in {"before", "by", "until"}):
        hours = (0, hour)
    return _made(remark, found, hours, found[0].strip())


def _by_range(remark: Remark, found: re.Match[str]) -> Claim | None:
    if found["unit1"] is None and found["unit2"] is None:
        return _bare(remark, found)
    second = _moment(found, 2, found["half2"] or found["half1"])
    first = _moment(found, 1, found["half1"] or (found["en2"] if found["unit1"] is None else None))
    if first is None or second is None or not first[0] < second[0]:
        return None
    hours = (first[0], second[0]) if first[1] and second[1] else None
    return _made(remark, found, hours, f"{first[0]}-{second[0]}" if hours is not None else found[0].strip())


def _bare(remark: Remark, found: re.Match[str]) -> Claim | None:
    """14-16 without a word of hours: the name of a slot, or what stands after 時間帯 where slots are free text."""
    code, slots = found[0].replace(" ", ""), remark.shop.slots
    is_named = (
        code in slots
        if slots is not None
        else _LABEL.search(remark.text, max(0, found.start() - _BEFORE), found.start())
    )
    if not is_named or not _agrees(remark, code):
        return None
    return Claim(found.start(), found.end(), RECOGNISER.kind, code, wish="said" if slots is None else "must")


def _made(remark: Remark, found: re.Match[str], hours: Hours | None, words: str) -> Claim | None:
    slot = _slot(remark, hours, words)
    return None if slot is None else Claim(found.start(), found.end(), RECOGNISER.kind, slot, wish="may")


def _moment(found: re.Match[str], number: int, half: str | None) -> tuple[int, bool] | None:
    """(hour of the day, whether it is a whole one); None for no hour, or one that may be two."""
    hour = int(found[f"hour{number}"])
    whole = found[f"odd{number}"] is None and int(found[f"minute{number}"] or 0) == 0
    spelled = (found[f"en{number}"] or half or "").lower()
    if spelled.startswith(("午後", "p")):
        hour = hour % _NOON + _NOON if hour <= _NOON else hour
    elif not spelled and hour < _EARLIEST:
        return None
    return (hour, whole) if hour <= _DAY_ENDS else None


def _slot(remark: Remark, hours: Hours | None, words: str) -> str | None:
    """What to hand on: the shop's one slot of these hours, else None; the words themselves where slots are free text."""
    slots = remark.shop.slots
    if slots is not None:
        slot = _only(slots, hours) if hours is not None else None
    elif hours == (0, _NOON):
        slot = "AM"
    else:
        slot = words
    return slot if slot is not None and _agrees(remark, slot) else None


def _agrees(remark: Remark, slot: str) -> bool:
    """Whether the order's own field says nothing else."""
    return remark.order.delivery_slot in (None, slot)


def _only(slots: tuple[str, ...], hours: Hours) -> str | None:
    spans = {slot: span for slot in slots if (span := _span(slot)) is not None}
    if not spans:
        return None
    first, last = hours
    if last == _NOON and first <= _OPENS:
        first = 0
    last = min(last, max(end for _, end in spans.values()))
    if exact := [slot for slot, span in spans.items() if span == (first, last)]:
        return exact[0]
    inside = [slot for slot, (start, end) in spans.items() if first <= start and end <= last]
    return inside[0] if len(inside) == 1 else None


def _span(slot: str) -> Hours | None:
    if slot == "AM":
        return 0, _NOON
    start, _, end = slot.partition("-")
    return (int(start), int(end)) if start.isdigit() and end.isdigit() else None


RECOGNISER: Final = Recogniser("desired_slot", "supplier", recognise, (*DELIVERY, *PARTICLES, "指定"))
