"""A month in the sample libraries: who books what, comes, leaves, pays, cancels, or stays away.

Everything is a command that the domain decides, as of the moment at which it would have been given.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from studyspot.console.sample.libraries import ZONE, SampleLibrary
from studyspot.console.sample.people import STUDENTS, Person
from studyspot.console.sample.timetable import Timetable
from studyspot.decisions.identifiers import new_id, new_occupation
from studyspot.domain.book_seat import BOOK_SEAT, BookSeat
from studyspot.domain.booking_changes import (
    CANCEL_BOOKING,
    CHECK_IN,
    CHECK_OUT,
    CancelBooking,
    CheckIn,
    CheckOut,
)
from studyspot.domain.endings import COMPLETE_BOOKING, MISS_BOOKING, CompleteBooking, MissBooking
from studyspot.domain.events import BookingCheckedIn, BookingCreated, Event, HoldPlaced, PaymentMethod
from studyspot.domain.holds import LAPSE_HOLD, PLACE_HOLD, LapseHold, PlaceHold
from studyspot.domain.opening_hours import WEEKDAYS
from studyspot.domain.payments import RECORD_PAYMENT, RecordPayment
from studyspot.domain.people import Actor
from studyspot.domain.series import BOOK_SERIES, MOST_DATES, BookSeries, Names, Pattern

DAYS_BEFORE, DAYS_AHEAD = 23, 6
"""Thirty days, with today among them."""
_IN_A_SERIES = 5
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Place:
    """A sample library as it was opened; seats by zone."""

    library_id: str
    library: SampleLibrary
    seats: Sequence[str]
    desk: Actor


class Month:
    """Plans a month around `now`; the same seed and day give the same plans."""

    def __init__(self, timetable: Timetable, places: Sequence[Place], now: datetime, seed: int) -> None:
        self._timetable = timetable
        self._places = places
        self._now = now
        self._chance = random.Random(seed)  # noqa: S311 - nothing here is a secret
        self._today = now.astimezone(ZoneInfo(ZONE)).date()

    def plan(self) -> None:
        """Plan what everyone does; what follows from it is planned as it happens."""
        first = self._today - DAYS_BEFORE * _DAY
        students = list(STUDENTS)
        for place in self._places:
            if place.library.monthly is not None:
                for seat in place.seats[:_IN_A_SERIES]:
                    self._plan_series(place, seat, students.pop(0), first)
        for offset in range(DAYS_BEFORE + DAYS_AHEAD + 1):
            self._plan_day(students, first + offset * _DAY)

    def _plan_day(self, students: Sequence[Person], day: date) -> None:
        """On a day, some come, each once; what is later than today fewer have booked by now."""
        share = self._chance.uniform(0.3, 0.5) if day <= self._today else 0.25
        coming = self._chance.sample(students, int(len(students) * share))
        sittings = [
            (place, sitting)
            for place in self._places
            if WEEKDAYS[day.weekday()] in place.library.open_on
            for sitting in place.library.sittings
        ]
        # Those who hold a month's seat keep it.
        seats = {place.library_id: list(place.seats[_IN_A_SERIES:]) for place in self._places}
        for free in seats.values():
            self._chance.shuffle(free)
        for student in coming:
            place, (begins, ends, plan_id) = self._chance.choice(sittings)
            start = _instant(day, begins)
            end = _instant(day if ends > begins else day + _DAY, ends)
            at = min(_full_hour(start - timedelta(hours=self._chance.uniform(2, 60))), self._now - _MINUTE)
            seat = seats[place.library_id].pop()
            self._timetable.plan(at, self._booking(place, seat, student, start, end, plan_id))

    def _plan_series(self, place: Place, seat: str, student: Person, first: date) -> None:
        names = tuple(Names(self._id(), new_occupation()) for _ in range(MOST_DATES))
        pattern = Pattern(first + _DAY, first + 30 * _DAY, time(6), time(12))

        async def book(at: datetime) -> None:
            command = BookSeries(
                *(self._id(), place.library_id, seat, None, pattern, place.library.monthly, True),
                *(names, student.actor, at),
            )
            self._go_on(place, await self._timetable.do(BOOK_SERIES, command, at, student.user_id))

        self._timetable.plan(_instant(first, time(6)), book)

    def _booking(
        self, place: Place, seat: str, student: Person, start: datetime, end: datetime, plan_id: str | None
    ) -> Callable[[datetime], Awaitable[None]]:
        async def book(at: datetime) -> None:
            if self._chance.random() < 0.04:
                await self._only_hold(place, seat, student, start, end, at)
                return
            command = BookSeat(
                *(self._id(), new_occupation(), place.library_id, seat, None, start, end, plan_id),
                *(student.actor, at),
            )
            self._go_on(place, await self._timetable.do(BOOK_SEAT, command, at, student.user_id))

        return book

    async def _only_hold(
        self, place: Place, seat: str, student: Person, start: datetime, end: datetime, at: datetime
    ) -> None:
        command = PlaceHold(
            *(self._id(), new_occupation(), place.library_id, seat, start, end, student.actor, at)
        )
        for held in await self._timetable.do(PLACE_HOLD, command, at, student.user_id):
            if isinstance(held, HoldPlaced):
                self._timetable.plan(held.until, self._lapse(held.hold_id))

    def _lapse(self, hold_id: str) -> Callable[[datetime], Awaitable[None]]:
        async def lapse(at: datetime) -> None:
            await self._timetable.do(LAPSE_HOLD, LapseHold(hold_id, at), at, None)

        return lapse

    def _go_on(self, place: Place, events: tuple[Event, ...]) -> None:
        """Plan what becomes of each booking that was made."""
        for event in events:
            if isinstance(event, BookingCreated):
                self._plan_life(place, event)

    def _plan_life(self, place: Place, booking: BookingCreated) -> None:
        fate = self._chance.random()
        if fate < 0.07:
            early = fate < 0.05
            lead = timedelta(hours=self._chance.uniform(2, 10) if early else 0.25)
            self._timetable.plan(_full_hour(booking.start - lead), self._cancelling(booking))
        if fate < 0.13:
            self._timetable.plan(booking.check_in_until, self._missing(booking))
            return
        latest = min(booking.check_in_until - _MINUTE, booking.start + 30 * _MINUTE)
        arrives = booking.start + self._chance.choice((-10, 0, 15)) * _MINUTE
        self._timetable.plan(max(booking.check_in_from, min(arrives, latest)), self._arriving(place, booking))

    def _cancelling(self, booking: BookingCreated) -> Callable[[datetime], Awaitable[None]]:
        async def cancel(at: datetime) -> None:
            command = CancelBooking(booking.booking_id, None, Actor(booking.user_id, "student"), at)
            await self._timetable.do(CANCEL_BOOKING, command, at, booking.user_id)

        return cancel

    def _missing(self, booking: BookingCreated) -> Callable[[datetime], Awaitable[None]]:
        async def miss(at: datetime) -> None:
            await self._timetable.do(MISS_BOOKING, MissBooking(booking.booking_id, at), at, None)

        return miss

    def _arriving(self, place: Place, booking: BookingCreated) -> Callable[[datetime], Awaitable[None]]:
        async def arrive(at: datetime) -> None:
            desk = place.desk
            came = await self._timetable.do(CHECK_IN, CheckIn(booking.booking_id, desk, at), at, desk.user_id)
            if not any(isinstance(event, BookingCheckedIn) for event in came):
                return
            if booking.amount_minor and self._chance.random() < 0.8:
                await self._pay(desk, booking, at)
            if self._chance.random() < 0.5:
                leaves = booking.end - self._chance.choice((10, 30)) * _MINUTE
                self._timetable.plan(leaves, self._leaving(desk, booking))
            self._timetable.plan(booking.occupied_until, self._completing(booking))

        return arrive

    async def _pay(self, desk: Actor, booking: BookingCreated, at: datetime) -> None:
        methods: tuple[PaymentMethod, ...] = ("upi", "upi", "upi", "cash", "card")
        command = RecordPayment(
            *(self._id(), booking.booking_id, booking.amount_minor, self._chance.choice(methods), None),
            *(desk, at),
        )
        await self._timetable.do(RECORD_PAYMENT, command, at, desk.user_id)

    def _leaving(self, desk: Actor, booking: BookingCreated) -> Callable[[datetime], Awaitable[None]]:
        async def leave(at: datetime) -> None:
            await self._timetable.do(CHECK_OUT, CheckOut(booking.booking_id, desk, at), at, desk.user_id)

        return leave

    def _completing(self, booking: BookingCreated) -> Callable[[datetime], Awaitable[None]]:
        async def complete(at: datetime) -> None:
            command = CompleteBooking(booking.booking_id, at)
            await self._timetable.do(COMPLETE_BOOKING, command, at, None)

        return complete

    def _id(self) -> str:
        return new_id(self._now)


def _instant(day: date, at: time) -> datetime:
    return datetime.combine(day, at, ZoneInfo(ZONE)).astimezone(UTC)


def _full_hour(moment: datetime) -> datetime:
    """Return the hour before: what happens at one moment is run together."""
    return moment.replace(minute=0, second=0, microsecond=0)
