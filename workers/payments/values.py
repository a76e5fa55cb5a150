"""Yen and moments as gateways write them, within what every later computation and the database bear: an amount below nothing, or a
year of another age, is the slip of a sender, and what it stands in proves nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StrictInt, model_validator

from pipelines.values.moment import bounded

_MOST: Final = 1_000_000_000_000  # no gateway takes so much at once
_AHEAD: Final = timedelta(days=366)  # a test system's clock may be a good way ahead
_SUM: Final = re.compile("[0-9]{1,10}")
_LATEST: Final = 4_070_908_799  # the end of 2098

Yen = Annotated[StrictInt, Field(ge=0, le=_MOST)]
Seconds = Annotated[StrictInt, Field(ge=0, le=_LATEST)]
"""Unix seconds."""
Moment = Annotated[AwareDatetime, AfterValidator(bounded)]


class Shown(BaseModel):
    """What a gateway shows of something: a field that is null is one that it leaves out."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, told: object) -> object:
        return {name: value for name, value in told.items() if value is not None} if isinstance(told, dict) else told


def yen_in(text: str) -> int | None:
    """The sum that a text field holds, in yen; None for what is none."""
    return int(text) if _SUM.fullmatch(text) else None


def of_epoch(seconds: object) -> datetime:
    """Unix seconds as a moment. Raises ValueError for what is none."""
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise ValueError("it is no Unix time")
    try:
        return bounded(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, OSError):
        raise ValueError("it is no Unix time") from None


def not_ahead(moment: datetime, told_at: datetime) -> datetime:
    """The moment of a payment's last change, or when it was told, where it would lie more than a year after that: nothing that is
    told until then would be news."""
    return moment if moment <= told_at + _AHEAD else told_at
