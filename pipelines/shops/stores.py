"""Profile sections about goods that are called to a store (取り寄せ): the stores, and what may be called there (STO-01)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from pipelines.shops.schedule import DayRange, Weekday
from pipelines.shops.section import CalendarDay, Days, FromList, Section
from pipelines.values.postal_code import postal_code
from pipelines.values.prefecture import prefecture

_LINE: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
_Text = Annotated[str, Field(max_length=200, pattern=_LINE)]
_Named = Annotated[str, Field(min_length=1, max_length=200, pattern=_LINE)]


class PullIn(Section):
    """What may be called to a store, and how it is paid (STO-01)."""

    flag: Annotated[str, Field(min_length=1, max_length=40)] = Field(
        default="pull_in", description="Flag of the lines that may be called to a store"
    )
    methods: Annotated[tuple[str, ...], FromList] = Field(
        default=("card",),
        description="Payment methods of such orders: all are paid before the visit, and given back in full where nothing is bought",
    )
    max_days_ahead: Annotated[int, Field(ge=1, le=365)] = Field(
        default=30, description="How far from the order a visit may lie"
    )


class Store(Section):
    """A store that goods are called to (STO-01)."""

    kind: Literal["own", "partner"] = Field(
        default="own",
        description="own: visits are changed by the store itself; partner: a buy-back counter, on weekdays alone, whose visits are "
        "changed by the online shop (STO-01)",
    )
    name: _Named = Field(description="Name in mails and on labels")
    name_en: _Text = Field(default="", description="Name in English mails; empty: the Japanese one")
    postal_code: _Named = Field(description="Where it is")
    region: _Named = Field(description="Its prefecture")
    city: _Named = Field(description="Its city")
    line1: _Named = Field(description="Its street")
    line2: _Text = Field(default="", description="Building, floor")
    phone: _Text = Field(default="", description="Telephone number, on labels and in mails")
    mail: _Text = Field(
        default="", description="Address for what it is to expect and to send back; empty: operator_mail"
    )
    locale: Literal["ja", "en"] = Field(default="ja", description="Language of those mails")
    closed_weekdays: Annotated[tuple[Weekday, ...], FromList] = Field(
        default=(), description="Weekdays on which it is closed"
    )
    national_holidays: bool = Field(default=False, description="Whether it is closed on national holidays")
    closed_dates: Annotated[tuple[CalendarDay, ...], FromList] = Field(default=(), description="Further closed days")
    closed_ranges: Annotated[tuple[DayRange, ...], FromList] = Field(
        default=(), description="Holidays from a day through another"
    )
    visit_dates: Annotated[tuple[CalendarDay, ...], FromList] = Field(
        default=(),
        description="The only days on which it receives visits, of those on which it is open; empty: each of them",
    )
    transfer_days: Days = Field(
        default=0, description="Open days from the arrival of the parcel until the goods can be seen"
    )
    keep_days: Days = Field(default=7, description="Days after the day of the visit for which the goods are kept")
    return_days: Annotated[int, Field(ge=1, le=90)] = Field(
        default=14, description="Days until goods that it sends back must have arrived, else a person has the order"
    )

    @model_validator(mode="after")
    def _receives_visits(self) -> Self:
        if len(set(self.closed_weekdays)) == 7:
            raise ValueError("closed_weekdays: leave at least one weekday open")
        if postal_code(self.postal_code) is None:
            raise ValueError("postal_code: must be seven digits such as 100-0005")
        if prefecture(self.region) != self.region:
            raise ValueError("region: is no prefecture; write it as in 東京都")
        return self

    @property
    def closed_days(self) -> frozenset[date]:
        """Single closed days and those of ranges."""
        return frozenset({*self.closed_dates, *(day for one in self.closed_ranges for day in one.days)})

    def called(self, locale: str) -> str:
        """Its name in ``locale`` (ja, else en)."""
        return self.name if locale == "ja" or not self.name_en else self.name_en
