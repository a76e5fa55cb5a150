"""When goods may leave: the parameters that a shop, a supplier and a carrier's pickup have alike (CUT-01 to CUT-03, B.3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from pipelines.shops.section import CalendarDay, FromList, Section, TimeOfDay
from pipelines.values.moment import read_day

_DAY: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=366)

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _day_of_key(key: object) -> object:
    """A key of a TOML table is text, also where it looks like a date."""
    return read_day(key) if isinstance(key, str) else key


class DayRange(Section):
    """Days in a row, both ends included."""

    first: CalendarDay = Field(description="First closed day")
    last: CalendarDay = Field(description="Last closed day")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"last: {self.last} comes before first, {self.first}")
        if self.last - self.first > _LONGEST:
            raise ValueError("last: a range is at most a year long")
        return self

    @property
    def days(self) -> Iterator[date]:
        """Each of them."""
        day = self.first
        while day <= self.last:
            yield day
            day += _DAY


class Schedule(Section):
    """Open days and cutoffs (CUT-01 to CUT-03); what is unset is as the shop has it."""

    closed_weekdays: Annotated[tuple[Weekday, ...] | None, FromList] = Field(
        default=None, description="Weekdays without dispatch (CUT-02); unset: the shop's"
    )
    national_holidays: bool | None = Field(
        default=None, description="Whether national holidays are closed (CUT-02); unset: as at the shop"
    )
    closed_dates: Annotated[tuple[CalendarDay, ...], FromList] = Field(
        default=(), description="Further closed days (CUT-03)"
    )
    closed_ranges: Annotated[tuple[DayRange, ...], FromList] = Field(
        default=(),
        description="Holidays from a day through another, `{ first = 2026-08-12, last = 2026-08-16 }` (CUT-03)",
    )
    open_dates: Annotated[tuple[CalendarDay, ...], FromList] = Field(
        default=(), description="Days open against every other entry (CUT-03)"
    )
    cutoff: TimeOfDay | None = Field(default=None, description="Its own same-day cutoff (CUT-01); unset: the shop's")
    cutoffs: dict[Weekday, TimeOfDay] = Field(
        default={}, description='Another cutoff on some weekdays, `{ fri = "12:00" }` (CUT-01)'
    )
    cutoff_dates: dict[Annotated[CalendarDay, BeforeValidator(_day_of_key)], TimeOfDay] = Field(
        default={}, description='Another cutoff on some days, over the weekday\'s, `{ 2026-12-28 = "10:00" }` (CUT-01)'
    )

    @property
    def closed_days(self) -> frozenset[date]:
        """Single closed days and those of ranges."""
        ranges = {day for closed_range in self.closed_ranges for day in closed_range.days}
        return frozenset(ranges | set(self.closed_dates))

    @property
    def closed_weekday_numbers(self) -> frozenset[int] | None:
        """Closed weekdays as ``date.weekday()`` numbers; None where they are the shop's."""
        names = self.closed_weekdays
        return None if names is None else frozenset(WEEKDAYS.index(name) for name in names)

    def cutoff_on(self, day: date) -> time | None:
        """The cutoff of ``day``: the date's own, else the weekday's, else the general one; None where it has none."""
        own = self.cutoff_dates.get(day)
        return own if own is not None else self.cutoffs.get(WEEKDAYS[day.weekday()], self.cutoff)

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if both := set(self.closed_dates) & set(self.open_dates):
            raise ValueError(f"{min(both)} is in closed_dates and in open_dates; keep one")
        if len(set(self.closed_weekdays or ())) == len(WEEKDAYS):
            raise ValueError("closed_weekdays: leave at least one weekday open")
        return self


class Calendar(Schedule):
    """Same-day cutoff and open days (CUT-01 to CUT-03)."""

    closed_weekdays: Annotated[tuple[Weekday, ...], FromList] = Field(
        default=("sat", "sun"), description="Weekdays without dispatch (CUT-02)"
    )
    national_holidays: bool = Field(default=True, description="Whether national holidays are closed (CUT-02)")
    added_holidays: Annotated[tuple[CalendarDay, ...], FromList] = Field(
        default=(), description="Days that a law made national holidays after this version (B.3)"
    )
    removed_holidays: Annotated[tuple[CalendarDay, ...], FromList] = Field(
        default=(), description="Days that a law took from the national holidays after this version (B.3)"
    )
    cutoff: TimeOfDay = Field(default=time(15), description="Orders up to this time of day leave the same day (CUT-01)")
    cutoff_inclusive: bool = Field(default=True, description="Whether the cutoff second itself is in time (CUT-01)")
    instruct_at: TimeOfDay = Field(
        default=time(8), description="Time of the dispatch day at which suppliers are instructed, at the earliest"
    )

    @model_validator(mode="after")
    def _holiday_or_not(self) -> Self:
        if both := set(self.added_holidays) & set(self.removed_holidays):
            raise ValueError(f"{min(both)} is in added_holidays and in removed_holidays; keep one")
        return self


class Pickup(Schedule):
    """When a carrier collects (集荷): no supplier that uses it dispatches on its closed days, or after its cutoff."""

    closed_weekdays: Annotated[tuple[Weekday, ...], FromList] = Field(
        default=(), description="Weekdays on which it does not collect"
    )
    national_holidays: bool = Field(default=False, description="Whether it does not collect on national holidays")
    cutoff: TimeOfDay | None = Field(
        default=None,
        description="Orders after this time of day miss the day's pickup; unset: the supplier's cutoff alone",
    )
