"""A carrier as somebody else writes it: one file in the folder of plug-ins."""

from __future__ import annotations

from pipelines.carriers import Carrier, Status
from pipelines.carriers.numbers import clean, digits


def _fault(number: str) -> str | None:
    """Nine digits, of which the last is what the others leave when divided by nine."""
    return digits(number, 9) or (
        None if int(number[:-1]) % 9 == int(number[-1]) else "The check digit is not that of a cat."
    )


CARRIER = Carrier(
    name="neko_express",
    japanese="ネコ特急便",
    english="Neko Express",
    spellings=("ネコ特急", "Neko (JA)"),
    normalise=lambda number: clean(number).removeprefix("NEKO"),
    fault=_fault,
    page="https://neko.example/{n}",
    slots={"AM": "A", "19-21": "N"},
    storage_days=3,
    words={Status.IN_TRANSIT: ("トラックの中",), Status.DELIVERED: ("お届けしたニャ",)},
)
