"""What becomes of each of many tracking numbers that were entered together, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from pipelines.changes.parcels import KNOWN
from pipelines.errors import Problem
from pipelines.suppliers.pasted import PastedRow, Unread, assigned, pasted_rows
from pipelines.suppliers.work import Work
from workers.web.pages.forms import Form, departure, departure_id, event

_FIELD: Final = "number:"
_CARRIER: Final = "carrier:"


class Verdict(StrEnum):
    """What becomes of a row; pages say it in words of this name."""

    OK = "ok"
    KNOWN = "known"
    NUMBER = "number"
    CARRIER = "carrier"
    LINES = "lines"
    SHIPPED_AT = "shipped_at"
    UNNAMED = "unnamed"
    BEHIND_THE_LAST = "behind_the_last"
    TOO_MANY = "too_many"
    CLOSED = "closed"

    @property
    def is_good(self) -> bool:
        """Whether nothing is left to do about it."""
        return self in (Verdict.OK, Verdict.KNOWN)


@dataclass(slots=True)
class Row:
    """A row as it was entered, with its verdict; ``event`` is what it says where it says something."""

    row: int
    names: str
    number: str
    shipment: str
    order: str
    verdict: Verdict
    event: dict[str, Any]
    event_id: str = ""
    carrier: str = ""
    """The one that the row names itself."""

    @property
    def is_good(self) -> bool:
        """Whether nothing is left to do about it."""
        return self.verdict.is_good


Judge = Callable[[Sequence[tuple[Work, dict[str, Any], str]]], Sequence[Problem | None]]


def verdicts(
    form: Form, ids: Sequence[str], works: Mapping[str, Work], carrier: str, now: datetime, judge: Judge
) -> list[Row]:
    """What becomes of each number of ``form``, in its fields and in what was pasted. ``ids`` are the shipments as they were
    listed, ``works`` those of them that are the supplier's, ``carrier`` theirs where a row names none."""
    rows = [_row(row, about, works, carrier, now) for row, about in _entered(form, ids, works)]
    judged = [one for one in rows if one.event]
    faults = judge([(works[one.shipment], one.event, one.event_id) for one in judged]) if judged else ()
    for one, fault in zip(judged, faults, strict=True):
        if fault is not None:
            one.verdict = verdict_of(fault)
        elif not works[one.shipment].is_open:
            one.verdict = Verdict.CLOSED
    return rows


def pasted_again(rows: Sequence[Row]) -> str:
    """Those of the rows that name what is not in the list, as they were pasted: to be put right where they were."""
    unnamed = (one for one in rows if one.verdict is Verdict.UNNAMED and one.names and one.number)
    return "\n".join("\t".join(cell for cell in (one.names, one.number, one.carrier) if cell) for one in unnamed)


def verdict_of(fault: Problem) -> Verdict:
    """What a page says of a parcel that cannot be right."""
    if fault.message == KNOWN:
        return Verdict.KNOWN
    return {"carrier": Verdict.CARRIER, "lines": Verdict.LINES, "shipped_at": Verdict.SHIPPED_AT}.get(
        fault.field, Verdict.NUMBER
    )


def _entered(form: Form, ids: Sequence[str], works: Mapping[str, Work]) -> list[tuple[PastedRow, str | Unread]]:
    known = [one for one in ids if one in works]
    fields = {name.removeprefix(_FIELD): form.text(name) for name in form.fields if name.startswith(_FIELD)}
    # What a row named as its carrier is told again with the number that is put right.
    typed = [
        (PastedRow(place, one, fields[one], form.text(f"{_CARRIER}{one}") or None), one)
        for place, one in enumerate(ids, 1)
        if fields.get(one) and one in works
    ]
    by_order: dict[str, list[str]] = {}
    for one in known:
        by_order.setdefault(works[one].told.number, []).append(one)
    rows, over = pasted_rows(form.fields.get("pasted", ""))  # as it is: a first row without a number keeps its place
    return [*typed, *assigned(rows, ids, by_order), *((PastedRow(one.row, None, "", None), one) for one in over)]


def _row(row: PastedRow, about: str | Unread, works: Mapping[str, Work], carrier: str, now: datetime) -> Row:
    names = row.names or ""
    if isinstance(about, Unread):
        return Row(row.row, names, row.number, "", "", Verdict(about.why), {}, carrier=row.carrier or "")
    if about not in works:
        return Row(row.row, names, row.number, "", "", Verdict.UNNAMED, {}, carrier=row.carrier or "")
    data = departure(about, row.carrier or carrier, row.number)
    said = event("shipment.shipped", data, now)
    order, event_id = works[about].told.number, departure_id(data)
    return Row(row.row, names, row.number, about, order, Verdict.OK, said, event_id, row.carrier or "")
