"""福山通運: 8 to 14 digits, since neither their number nor a check digit is published (B.12)."""

from __future__ import annotations

from pipelines.carriers.carrier import Carrier, Status
from pipelines.carriers.numbers import clean, is_digits


def _normalise(number: str) -> str:
    """A scanner reads the letters that frame the bar code, too."""
    cleaned = clean(number)
    return cleaned[1:-1] if cleaned == f"A{cleaned[1:-1]}A" and is_digits(cleaned[1:-1]) else cleaned


def _fault(number: str) -> str | None:
    if is_digits(number) and 8 <= len(number) <= 14:
        return None
    return "The tracking number must have 8 to 14 digits; compare it with the label."


CARRIER = Carrier(
    name="fukuyama",
    japanese="福山通運",
    english="Fukuyama Transporting",
    spellings=("Fukuyama (JA)", "福山", "福通", "Fukutsu"),
    normalise=_normalise,
    fault=_fault,
    page="https://corp.fukutsu.co.jp/situation/tracking_no_hunt/{n}",
    words={Status.DELIVERED: ("配達完了です",), Status.UNKNOWN_NUMBER: ("該当データはありません。",)},
)
