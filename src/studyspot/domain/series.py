"""A series: the same hours of many days by the library's clock, booked together, or with days left out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from studyspot.domain.agenda import Agenda, evolve_agenda
from studyspot.domain.book_seat import BOOK_SEAT, BookSeat
from studyspot.domain.decider import Boundary, Criterion, Decider
from studyspot.domain.events import BookingCreated, Event, Plan
from studyspot.domain.library import Library, open_for_changes, settings_of
from studyspot.domain.local_time import instant_of
from studyspot.domain.occupying import student_of
from studyspot.domain.opening_hours import WEEKDAYS, Weekday
from studyspot.domain.people import Actor
from studyspot.domain.pricing import amount_minor, plan_for
from studyspot.domain.quotes import Quote, plan_mark
from studyspot.domain.refusals import (
    BeyondHorizon,
    CheckInClosedAlready,
    Conflict,
    LibraryClosed,
    NotYetReleased,
    OutsideOpeningHours,
    QuotaExhausted,
    Refusal,
    SeatAwaited,
    SeatTaken,
    SeatUnknown,
    SeriesConflict,
    SeriesTooLong,
    SeriesWithoutDates,
    StartInThePast,
    StudentBusy,
    StudentHolding,
    WallTimeAmbiguous,
    WallTimeSkipped,
)
from studyspot.domain.seat import events_of_seat

MOST_DATES = 100
"""So are tags, reads and the append bounded."""

# What may be so on one day and not on another; all else is refused for every day alike.
_OF_A_DAY = (
    *(SeatTaken, SeatAwaited, StudentBusy, StudentHolding, QuotaExhausted),
    *(LibraryClosed, OutsideOpeningHours, NotYetReleased, StartInThePast, BeyondHorizon),
    *(CheckInClosedAlready, WallTimeSkipped, WallTimeAmbiguous),
)
# Of these, what the library cannot give is not paid; what the student has made so is.
_OF_THE_LIBRARY = (SeatTaken, SeatAwaited, LibraryClosed, OutsideOpeningHours)
_DAY = timedelta(days=1)
_QUOTED_FOR = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Pattern:
    """From `begins` until `ends` by the library's clock, the next day where that is not later.

    On every day from `first` to `last`, or on those `weekdays` of them, but not on the days to `leave_out`.
    """

    first: date
    last: date
    begins: time
    ends: time
    weekdays: tuple[Weekday, ...] = WEEKDAYS
    leave_out: tuple[date, ...] = ()

    def dates(self) -> Iterator[date]:
        """Yield the days on which it begins."""
        day = self.first
        while day <= self.last:
            if WEEKDAYS[day.weekday()] in self.weekdays and day not in self.leave_out:
                yield day
            day += _DAY


@dataclass(frozen=True, slots=True)
class Names:
    """The ids of a booking that may come to be; `occupation` is a random one."""

    booking_id: str
    occupation: str


@dataclass(frozen=True, slots=True)
class BookSeries:
    """Book a seat on every day of the pattern; `names` has one for each.

    With `skip_conflicts`, days on which it cannot be had are left out; else there is all of it or nothing.
    """

    series_id: str
    library_id: str
    seat_id: str
    user_id: str | None
    pattern: Pattern
    plan_id: str | None
    skip_conflicts: bool
    names: tuple[Names, ...]
    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a series comes to: its events in order, and the days that are left out."""

    events: tuple[Event, ...]
    skipped: tuple[Conflict, ...]


def outcome_of(command: BookSeries, agenda: Agenda) -> Outcome:
    """Return what is booked, each day decided after those before it.

    Raises:
        SeriesWithoutDates, SeriesTooLong: the pattern.
        SeriesConflict: some day cannot be had and none is to be skipped, or none can be had at all.
        Refusal: what is so on every day.
    """
    _require_dates(command.pattern)
    zone = open_for_changes(agenda.library).zone
    so_far = replace(
        agenda, bookings=dict(agenda.bookings), holds=dict(agenda.holds), entries=dict(agenda.entries)
    )
    wishes: dict[date, BookSeat | Refusal] = dict(_wishes(command, zone))
    prices = _prices(command, agenda, wishes)
    events: list[Event] = []
    skipped: list[Conflict] = []
    paid_though_skipped = 0
    for day, wish in wishes.items():
        try:
            more = _booked(wish, prices.get(day), so_far)
        except _OF_A_DAY as refusal:
            skipped.append(Conflict(day, refusal))
            if day in prices and (not isinstance(refusal, _OF_THE_LIBRARY) or _is_there(wish, so_far)):
                paid_though_skipped += prices[day].amount_minor
            continue
        for event in more:
            if isinstance(event, BookingCreated):
                event = replace(event, series_id=command.series_id, plan_share=day in prices)
            so_far = evolve_agenda(so_far, event)
            events.append(event)
    if skipped and (not command.skip_conflicts or not events):
        raise SeriesConflict(tuple(skipped))
    return Outcome(_charged_more(events, paid_though_skipped), tuple(skipped))


def _is_there(wish: BookSeat | Refusal, so_far: Agenda) -> bool:
    """Return whether the student has a booking or hold at that time already, perhaps of this very seat."""
    if isinstance(wish, Refusal):
        return False
    user_id = student_of(wish.actor, wish.user_id)
    return any(
        live.facts.user_id == user_id and live.facts.start < wish.end and wish.start < live.facts.end
        for live in so_far.live()
    )


def _charged_more(events: Sequence[Event], amount_minor: int) -> tuple[Event, ...]:
    """Spread what is paid for skipped days over the booked ones, in equal shares."""
    count = sum(isinstance(event, BookingCreated) for event in events)
    charged: list[Event] = []
    number = 0
    for event in events:
        if isinstance(event, BookingCreated):
            more = _part(amount_minor, number, count)
            event = replace(event, amount_minor=event.amount_minor + more)
            number += 1
        charged.append(event)
    return tuple(charged)


def _part(total: int, number: int, count: int) -> int:
    """Return one of `count` parts that add up to the total."""
    return total * (number + 1) // count - total * number // count


def _booked(wish: BookSeat | Refusal, price: Quote | None, so_far: Agenda) -> tuple[Event, ...]:
    if isinstance(wish, Refusal):
        raise wish
    return BOOK_SEAT.decide(replace(wish, quote=price), so_far)


def _require_dates(pattern: Pattern) -> None:
    # Days are counted only as far as they could matter: nobody books beyond the horizon.
    if pattern.last - pattern.first > timedelta(days=366):
        raise SeriesTooLong(MOST_DATES)
    count = sum(1 for _ in pattern.dates())
    if count == 0:
        raise SeriesWithoutDates
    if count > MOST_DATES:
        raise SeriesTooLong(MOST_DATES)


def _wishes(command: BookSeries, zone: ZoneInfo) -> Iterator[tuple[date, BookSeat | Refusal]]:
    """Yield what is wanted on each day, or why the clock does not show it."""
    pattern = command.pattern
    for day, names in zip(pattern.dates(), command.names, strict=False):
        ends_on = day if pattern.ends > pattern.begins else day + _DAY
        try:
            start = instant_of(datetime.combine(day, pattern.begins), zone)
            end = instant_of(datetime.combine(ends_on, pattern.ends), zone)
        except (WallTimeSkipped, WallTimeAmbiguous) as refusal:
            yield day, refusal
            continue
        yield (
            day,
            BookSeat(
                booking_id=names.booking_id,
                occupation=names.occupation,
                library_id=command.library_id,
                seat_id=command.seat_id,
                user_id=command.user_id,
                start=start,
                end=end,
                plan_id=command.plan_id,
                actor=command.actor,
                at=command.at,
            ),
        )


def _prices(
    command: BookSeries, agenda: Agenda, wishes: Mapping[date, BookSeat | Refusal]
) -> Mapping[date, Quote]:
    """Return each day's share of a weekly or monthly plan; by any other, each day has its own price.

    Such a plan is paid for the whole time from the first to the last day of the pattern, but not for days
    that the library cannot give.
    """
    library, seat = agenda.library, agenda.seat
    days = {day: wish for day, wish in wishes.items() if isinstance(wish, BookSeat)}
    if library is None or library.pricing is None or not days:
        return {}
    if seat is None or seat.library_id != library.library_id:
        raise SeatUnknown
    first, last = next(iter(days.values())), next(reversed(days.values()))
    plan = plan_for(library.pricing, command.plan_id, seat.zone, first.start, first.end, library.zone)
    if plan is None or plan.unit not in ("week", "month"):
        return {}
    total = amount_minor(plan, first.start, last.end, library.zone)
    return {
        day: _share(number, len(days), total, plan, library, command.at) for number, day in enumerate(days)
    }


def _share(number: int, count: int, total: int, plan: Plan, library: Library, at: datetime) -> Quote:
    """Return the price of one of `count` days that cost the total together."""
    assert library.pricing is not None
    amount = _part(total, number, count)
    return Quote(amount, library.pricing.price_version, plan_mark(plan.id), at + _QUOTED_FOR)


def _boundary(command: BookSeries, agenda: Agenda) -> Boundary:
    _require_dates(command.pattern)
    wanted: dict[Criterion, None] = dict.fromkeys(
        (*settings_of(command.library_id), *events_of_seat(command.seat_id))
    )
    if agenda.library is None:
        return tuple(wanted)
    for _, wish in _wishes(command, agenda.library.zone):
        if isinstance(wish, BookSeat):
            wanted |= dict.fromkeys(BOOK_SEAT.boundary(wish, agenda))
    return tuple(wanted)


def _decide(command: BookSeries, agenda: Agenda) -> tuple[Event, ...]:
    return outcome_of(command, agenda).events


BOOK_SERIES = Decider(Agenda, evolve_agenda, _boundary, _decide)
