"""What a maker's form says, as the supplier's news it stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from fastapi import Request

from pipelines.errors import Problem
from pipelines.suppliers.work import Work
from pipelines.values.calendar import in_japan
from workers.web.body import BadBody, read_body

MOST_BYTES: Final = 262_144
_MOST_FIELDS: Final = 2_000
LONGEST: Final = 500
"""Characters of a reason."""
_FARTHEST: Final = timedelta(days=366)


class Form(NamedTuple):
    """A form's fields: the last of each name, without spaces around it."""

    fields: Mapping[str, str]

    def text(self, name: str, longest: int = 64) -> str:
        """A field's text, empty where there is none."""
        return self.fields.get(name, "").strip()[:longest]


async def read_form(request: Request) -> Form:
    """The form of a request. Raises BadBody for what is none."""
    raw = await read_body(request, MOST_BYTES)
    try:
        told = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise BadBody(400, "The form cannot be read.") from None
    if any("\x00" in text for pair in told for text in pair):
        raise BadBody(400, "The form holds a character that no text has.")
    # Browsers send each line end as two characters, which they have not counted against the length of a field.
    return Form({name: text.replace("\r\n", "\n") for name, text in told})


class Said(NamedTuple):
    """What a form says: the type of the news with its data, or what is wrong by field."""

    type: str
    data: Mapping[str, Any]
    wrong: Sequence[Problem] = ()


def news_of(form: Form, work: Work, now: datetime) -> Said | None:
    """What the maker says of ``work`` by the button that was pressed (``act``); None for a button that there is not."""
    read = ACTS.get(form.text("act"))
    return read(form, work, now) if read is not None else None


def departure(shipment: str, carrier: str, number: str, **more: Any) -> dict[str, Any]:
    """The data of a parcel that left."""
    return {"shipment": shipment, "carrier": carrier or None, "tracking_number": number or None, **more}


def event(type_: str, data: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A supplier's news as the contract has it."""
    return {"type": type_, "timestamp": now.isoformat(), "data": dict(data)}


def departure_id(data: Mapping[str, Any]) -> str:
    """The same for the same parcel: pressed twice it is told once, and a corrected number is news."""
    told = repr((data["carrier"], data["tracking_number"], data.get("lines")))
    return f"page:{data['shipment']}:{sha256(told.encode()).hexdigest()[:24]}"


def act_id(form: Form, told: Said, shipment: str) -> str:
    """The same for the same word in one showing of the form: a second click is the first one again, and another day that is said
    after the browser's way back is news. A parcel is known by its number; one of some pieces that has none, by its showing."""
    if told.type == "shipment.shipped" and (told.data["tracking_number"] or "lines" not in told.data):
        return departure_id(told.data)
    once = sha256(repr((form.text("once"), told.type, told.data)).encode()).hexdigest()[:24]
    return f"page:{shipment}:{once}"


def _acknowledge(form: Form, work: Work, now: datetime) -> Said:
    return Said("shipment.acknowledged", {"shipment": work.told.shipment})


def _refuse(form: Form, work: Work, now: datetime) -> Said:
    reason = form.text("reason", LONGEST)
    wrong = [] if reason else [Problem("reason", "needed")]
    return Said("shipment.refused", {"shipment": work.told.shipment, "reason": reason}, wrong)


def _delay(form: Form, work: Work, now: datetime) -> Said:
    told, data = form.text("expected_on"), {"shipment": work.told.shipment, "expected_on": None}
    reason = form.text("reason", LONGEST) or None
    if not told:
        return Said("shipment.delayed", {**data, "reason": reason})
    try:
        day = date.fromisoformat(told)
    except ValueError:
        return Said("shipment.delayed", data, [Problem("expected_on", "no_day")])
    today = in_japan(now).date()
    wrong = [] if today <= day <= today + _FARTHEST else [Problem("expected_on", "out_of_reach")]
    return Said("shipment.delayed", {**data, "expected_on": day.isoformat(), "reason": reason}, wrong)


def _ship(form: Form, work: Work, now: datetime) -> Said:
    lines, wrong = _pieces(form, work)
    data = departure(work.told.shipment, form.text("carrier"), form.text("tracking_number"))
    if not (lines == {line: count for line, count in work.open.items() if count} and _is_as_shown(form, work)):
        data["lines"] = [{"line": line, "quantity": count} for line, count in lines.items()]
    return Said("shipment.shipped", data, wrong or ([] if lines else [Problem("lines", "needed")]))


def _is_as_shown(form: Form, work: Work) -> bool:
    """Whether as many pieces are open as when the form was shown: some of what was open then are not all that is left now."""
    return all(form.text(f"open:{line}") in ("", str(count)) for line, count in work.open.items())


def _short(form: Form, work: Work, now: datetime) -> Said:
    lines, wrong = _pieces(form, work)
    data = {
        "shipment": work.told.shipment,
        "lines": [{"line": line, "quantity": count} for line, count in lines.items()],
    }
    return Said("shipment.short", data, wrong or ([] if lines else [Problem("lines", "needed")]))


def _pieces(form: Form, work: Work) -> tuple[dict[str, int], list[Problem]]:
    """Pieces by line as the form counts them, those above none."""
    lines: dict[str, int] = {}
    for line, count in work.open.items():
        told = form.text(f"pieces:{line}") or "0"
        if not (told.isascii() and told.isdigit() and len(told) <= 4) or int(told) > count:
            return {}, [Problem("lines", "too_many")]
        if int(told):
            lines[line] = int(told)
    return lines, []


ACTS: Final = {"acknowledge": _acknowledge, "refuse": _refuse, "delay": _delay, "ship": _ship, "short": _short}
"""What each button says, by its name."""
