"""What recognisers claim to have read, and the instructions that are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from pipelines.rules.explain import day_span

Reader = Literal["supplier", "operator", "customer", "accounting"]
"""Whom an instruction is for."""


@dataclass(frozen=True, slots=True)
class DeliveryWindow:
    """The days on which goods may arrive, both counted in; None: no bound. Without any bound: as early as possible."""

    first: date | None = None
    last: date | None = None

    def __str__(self) -> str:
        """As ISO 8601-2 writes it: ``2026-11-25``, ``2026-11-24/2026-11-26``, ``../2026-11-25``; else ``earliest``."""
        if self.first is None and self.last is None:
            return "earliest"
        if self.day is not None:
            return f"{self.day}"
        return f"{self.first or '..'}/{self.last or '..'}"

    @property
    def day(self) -> date | None:
        """The one day it is, None if it is longer or open."""
        return self.first if self.first == self.last else None

    def says(self, locale: str) -> str:
        """The days as a sentence names them."""
        return day_span(self.first, self.last, locale)

    def holds(self, day: date) -> bool:
        """Whether goods may arrive on ``day``."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


Value = DeliveryWindow | str | tuple[str, ...] | Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Instruction:
    """One thing that the remarks ask for, in the customer's own words (``says``), and whom it is for.

    ``value`` is what was understood, by kind: desired_date a ``DeliveryWindow``; desired_slot the shop's slot, or the
    words where slots are free text; coupon_codes the codes as written; receipt_request ``addressee`` and ``proviso``;
    not_offered its topic; work_order and unread None.
    """

    kind: str
    says: str
    for_: Reader
    value: Value = None

    def to_json(self) -> dict[str, Any]:
        """``{kind, says, for, value}``."""
        value = str(self.value) if isinstance(self.value, DeliveryWindow) else self.value
        return {"kind": self.kind, "says": self.says, "for": self.for_, "value": value}


@dataclass(frozen=True, slots=True)
class Claim:
    """Characters ``start`` to ``end`` that a recogniser understands.

    ``kind``: of the instruction it makes; empty: words that ask for nothing. ``declined``: the customer does without.
    ``whole``: only good where every word around it is understood too. ``detail``: only good beside another claim of its
    kind. ``wish`` is about days and times, which mean a wish when it is ``said``; without words of delivery around them
    they ``may`` be one where nothing else of the remarks is unread, or ``must`` be left to a person.
    """

    start: int
    end: int
    kind: str
    value: Value = None
    declined: bool = False
    whole: bool = True
    detail: bool = False
    wish: Literal["said", "may", "must"] = "said"
