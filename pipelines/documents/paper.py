"""``Document``: everything that is printed of one document, as plain data, ready to be set; and what of it a copy changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from pipelines.documents.kinds import Kind
from pipelines.documents.words import WORDS, day


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues it. ``seal`` are the columns of the square seal from right to left, ``logo`` the text of an SVG file."""

    name: str
    second_name: str
    postal_code: str
    address: str
    phone: str
    mail: str
    registration: str
    seal: Sequence[str]
    logo: str
    colour: str


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom it is made out to; ``honorific`` is 様, 御中 or empty, ``address`` its lines from the prefecture on."""

    name: str
    honorific: str
    postal_code: str = ""
    address: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table; yen, None where prices are not shown. ``mark`` is ※ for the reduced rate."""

    name: str
    quantity: int
    unit: int | None
    amount: int | None
    mark: str = ""
    sku: str = ""


@dataclass(frozen=True, slots=True)
class Sum:
    """A line under the table, in yen; ``strong`` for what counts."""

    label: str
    amount: int
    strong: bool = False


@dataclass(frozen=True, slots=True)
class RateRow:
    """A line of the table by rate, in yen."""

    label: str
    ex: int
    tax: int
    incl: int


@dataclass(frozen=True, kw_only=True)
class Document:
    """One document before it has its number.

    ``layout`` is receipt, letter, list or label.  ``details`` stand beside the number, ``facts`` in a grid of (label, value).
    ``amount`` is what the eye is to find, in yen, under ``amount_label``.  ``stamp`` yen of revenue stamps are to be put on it.
    ``transaction_on`` and ``amount`` are what a stored document is searched by.
    """

    kind: Kind
    layout: str
    locale: str
    title: str
    issuer: Issuer
    addressee: Addressee
    transaction_on: date
    details: Sequence[tuple[str, str]] = ()
    lead: str = ""
    amount: int | None = None
    amount_label: str = ""
    amount_note: str = ""
    purpose: str = ""
    facts: Sequence[tuple[str, str]] = ()
    heads: Sequence[str] = ()
    rows: Sequence[Row] = ()
    sums: Sequence[Sum] = ()
    rates: Sequence[RateRow] = ()
    after: Sequence[Sum] = ()
    notes: Sequence[str] = ()
    boxed: Sequence[tuple[str, str]] = ()
    stamp: int = 0
    words: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Everything but number, day and mark, as ``issued`` takes it."""
        plain = asdict(self)
        return {**plain, "kind": str(self.kind), "transaction_on": self.transaction_on.isoformat()}


def issued(content: Mapping[str, Any], number: str, on: date, mark: str = "") -> dict[str, Any]:
    """``content`` as it is printed under ``number``, issued ``on`` a day in Japan; ``mark`` is "reissue", "sample" or none. A copy
    changes nothing else (DOC-02: frozen once displayed)."""
    words = WORDS[content["locale"]]
    return {
        **content,
        "number": number,
        "issued_on": on.isoformat(),
        "issued_label": day(on, content["locale"]),
        "mark": words[mark] if mark else "",
    }
