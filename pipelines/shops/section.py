"""What every section of a shop profile is made of: strict, frozen, no unknown keys, TOML's own types."""

from __future__ import annotations

import re
from datetime import date, time
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from pipelines.values.moment import bounded

Rounding = Literal["floor", "half_up", "ceil"]
MethodName = Annotated[str, Field(description="payment method")]
"""The name of a payment method; ``pipelines.shops.load`` refuses one that no file declares."""
Account = Literal["local", "partner_web", "partner_claims"]
Days = Annotated[int, Field(ge=0, le=3660)]
Count = Annotated[int, Field(ge=0, le=9_999_999)]

#: Text that stands in one line of a mail or document.
ONE_LINE: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"

_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", re.ASCII)


class Section(BaseModel):
    """One table of a profile."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _time_of_day(value: object) -> object:
    if isinstance(value, str):
        if not _CLOCK.fullmatch(value):
            raise ValueError('must be a time of day with two digits each, such as "09:00" or "15:00"')
        return time.fromisoformat(value)
    if isinstance(value, time) and value.tzinfo is not None:
        raise ValueError("must be a local time of day without an offset")
    return value


def _decimal(value: object) -> object:
    return Decimal(value) if type(value) is int else value


FromList = BeforeValidator(_tuple)
"""TOML has lists where a frozen profile keeps tuples."""

CalendarDay = Annotated[date, AfterValidator(bounded)]
"""A day that is reckoned with: of the years of which an order may be."""

TimeOfDay = Annotated[time, BeforeValidator(_time_of_day), WithJsonSchema({"type": "string", "format": "time"})]
Share = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, le=1, decimal_places=4)]
"""A share of 1, exact: 0.01 is one percent."""
