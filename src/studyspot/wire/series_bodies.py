"""The body of a series, and what it is answered with."""

import re
from calendar import monthrange
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from studyspot.domain.events import ShiftName
from studyspot.domain.opening_hours import WEEKDAYS, Weekday
from studyspot.domain.pricing import SHIFTS
from studyspot.domain.series import MOST_DATES, Pattern
from studyspot.wire.bodies import Positioned
from studyspot.wire.shape import CamelModel, ClockTime, ClosedModel, Identifier, Instant

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_FIRST_YEAR, _LAST_YEAR = 1970, 9998


def _date(value: object) -> object:
    """Let through what is written as a date: a number would be guessed to be days or seconds."""
    if isinstance(value, str) and _DATE.fullmatch(value) and _FIRST_YEAR <= int(value[:4]) <= _LAST_YEAR:
        return value
    if isinstance(value, date):
        return value
    raise ValueError("a date is written as 2026-12-01")


CalendarDate = Annotated[date, BeforeValidator(_date)]


class SeriesBody(ClosedModel):
    """Book the same hours of many days: from `from` to `until`, or all of `month` (2026-12).

    The hours are those of `shift`, or from `startTime` until `endTime` by the library's clock, the next day
    where that is not later. `skip` are days to leave out; with `skipConflicts`, so are those that cannot be
    had.
    """

    library_id: Identifier
    seat_id: Identifier
    from_: Annotated[CalendarDate | None, Field(alias="from")] = None
    until: CalendarDate | None = None
    month: Annotated[str | None, Field(pattern=r"^[12]\d{3}-(0[1-9]|1[0-2])$")] = None
    shift: ShiftName | None = None
    start_time: ClockTime | None = None
    end_time: ClockTime | None = None
    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)] = WEEKDAYS
    skip: Annotated[tuple[CalendarDate, ...], Field(max_length=366)] = ()
    skip_conflicts: Annotated[bool, Field(strict=True)] = False
    plan_id: Identifier | None = None
    user_id: Identifier | None = None

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        dates, times = (self.from_, self.until), (self.start_time, self.end_time)
        if (self.month is None) == (dates == (None, None)) or (self.month is None and None in dates):
            raise ValueError("the days are those of a month, or from one date until another")
        if (self.shift is None) == (times == (None, None)) or (self.shift is None and None in times):
            raise ValueError("the hours are those of a shift, or from startTime until endTime")
        return self

    def pattern(self) -> Pattern:
        """Return the days and hours that are meant."""
        if self.month is not None:
            year, month = (int(part) for part in self.month.split("-"))
            first, last = date(year, month, 1), date(year, month, monthrange(year, month)[1])
        else:
            assert self.from_ is not None
            assert self.until is not None
            first, last = self.from_, self.until
        if self.shift is not None:
            begins, ends = SHIFTS[self.shift]
        else:
            assert self.start_time is not None
            assert self.end_time is not None
            begins, ends = self.start_time, self.end_time
        return Pattern(first, last, begins, ends, self.weekdays, self.skip)


class SeriesBookingView(CamelModel):
    """One day's booking; without an id while it is only looked at."""

    id: str | None
    start: Instant
    end: Instant
    amount_minor: int


class SkippedView(CamelModel):
    """A day that cannot be had, by the library's clock, and why."""

    date: date
    type: str
    detail: str


class SeriesAnswer(Positioned):
    """Bookings that were made together; each is then a booking like any other."""

    series_id: str | None
    library_id: str
    seat_id: str
    user_id: str
    status: Literal["confirmed", "possible"]
    bookings: Annotated[tuple[SeriesBookingView, ...], Field(max_length=MOST_DATES)]
    skipped: tuple[SkippedView, ...]
    amount_minor: int
    currency: str
    plan_id: str | None
