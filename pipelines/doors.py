"""What every door asks of what comes in, whatever it is about: it has the form it must have, and shows no card number (INT-17).

An order is asked more than this, by its shop (``pipelines.rules.refusals``). What a client asks for is refused; what a partner
tells, which cannot be sent back to be mended, is kept without the number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from pipelines.errors import Invalid, Problem
from pipelines.orders.document import field_path, problems_of
from pipelines.values.card_number import find_card_number, masked

Shape = TypeVar("Shape", bound=BaseModel)
_Location = tuple[int | str, ...]

#: Numbers of parcels are checked by their carrier. So short ones are theirs, though some issuer has cards as short.
_PARCEL_NUMBERS: Final = frozenset({"tracking_number", "previous_tracking_number"})
_LONGEST_PARCEL_NUMBER: Final = 13

CARD_NUMBER: Final = "Looks like a card number; leave it out: nothing here needs one (INT-17)."


def read(shape: type[Shape], raw: object) -> Shape:
    """``raw``, decoded JSON, as ``shape``. Raises Invalid naming every field of a wrong form, or with a card number."""
    document = formed(shape, raw)
    if found := list(_card_numbers(raw, ())):
        raise Invalid([Problem(field_path(where), CARD_NUMBER) for where in found])
    return document


def formed(shape: type[Shape], raw: object) -> Shape:
    """``raw`` as ``shape``, of what came through a door already. Raises Invalid naming every field of a wrong form."""
    try:
        return shape.model_validate(raw)
    except ValidationError as wrong:
        raise Invalid(problems_of(wrong)) from None


def question(shape: type[Shape], raw: Mapping[str, str]) -> Shape:
    """What stands behind a question mark, as ``shape``; one that is empty counts as left out. Raises Invalid naming each wrong
    parameter."""
    return formed(shape, {name: value for name, value in raw.items() if value})


def shops_meant(shop: str | None, seen: Sequence[str]) -> Sequence[str]:
    """The shops of which a list is asked by who sees those of ``seen``: all of them, or ``shop``. Raises Invalid for another."""
    if shop is not None and shop not in seen:
        raise Invalid([Problem("shop", "is unknown, or none of this key's")])
    return seen if shop is None else [shop]


def kept(told: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """What a partner told, as it may be kept, and why it cannot be acted on, if a card number stands in the place of
    another."""
    shown = {name: held if _is_of_parcel(name, held) else masked(held) for name, held in told.items()}
    wrong = sorted(name for name in _PARCEL_NUMBERS & told.keys() if shown[name] != told[name])
    return shown, f"{wrong[0]} looks like a card number" if wrong else None


def _card_numbers(value: object, where: _Location) -> Iterator[_Location]:
    """Where a card number stands, in a text or in the name of a field."""
    if isinstance(value, dict):
        for name, held in value.items():
            if not _is_of_parcel(name, held):
                yield from _card_numbers(held, (*where, name))
    elif isinstance(value, list):
        for index, held in enumerate(value):
            yield from _card_numbers(held, (*where, index))
    elif isinstance(value, str) and find_card_number(value):
        yield where


def _is_of_parcel(name: str, held: object) -> bool:
    return name in _PARCEL_NUMBERS and isinstance(held, str) and len(held) <= _LONGEST_PARCEL_NUMBER
