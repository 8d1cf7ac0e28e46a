"""Why a command is refused. Each says, in a sentence a person understands, what is so and what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


class Refusal(Exception):
    """A rule says no. Nothing was changed."""

    @property
    def sentence(self) -> str:
        """What is so, and what to do next."""
        return (self.__doc__ or "").strip()

    def __str__(self) -> str:
        return self.sentence


class LibraryUnknown(Refusal):
    """There is no such library."""


class SeatUnknown(Refusal):
    """There is no such seat in this library."""


class BookingUnknown(Refusal):
    """There is no such booking."""


class LibraryRetired(Refusal):
    """This library has been retired and takes no more changes."""


class NotYourLibrary(Refusal):
    """Only the owner of this library may do this."""


class NotForOthers(Refusal):
    """Students book for themselves; leave userId out, or ask the library to book for someone else."""


class StudentRequired(Refusal):
    """A library books for a student: name them as userId."""


@dataclass(eq=False)
class SeatTaken(Refusal):
    """This seat is taken for some of that time. Choose another seat or another time."""

    seat_id: str
    start: datetime
    end: datetime


@dataclass(eq=False)
class StudentBusy(Refusal):
    """The student has a booking for some of that time. Cancel that one first, or choose another time."""

    booking_id: str | None


class SeatOutOfService(Refusal):
    """This seat is out of service. Choose another one."""


class LibraryClosed(Refusal):
    """The library is closed for some of that time. Choose another time."""


class EndNotAfterStart(Refusal):
    """A booking ends after it starts."""


class StartInThePast(Refusal):
    """A booking cannot start in the past."""


@dataclass(eq=False)
class BookingTooLong(Refusal):
    """This is longer than any booking may be. Book a shorter time."""

    longest: timedelta


@dataclass(eq=False)
class BookingTooShort(Refusal):
    """This is shorter than any booking may be. Book a longer time."""

    shortest: timedelta


@dataclass(eq=False)
class BeyondHorizon(Refusal):
    """This is further ahead than anyone may book. Choose an earlier time."""

    horizon: timedelta


@dataclass(eq=False)
class PlanRequired(Refusal):
    """Several price plans apply. Say which one as planId."""

    plan_ids: Sequence[str]


@dataclass(eq=False)
class PlanNotApplicable(Refusal):
    """This price plan does not apply to that seat and time. Choose one that does, or another time."""

    plan_ids: Sequence[str]


class NoPlanApplies(Refusal):
    """None of the library's price plans applies to that seat and time. Choose another seat or time."""


class PlanIdRepeated(Refusal):
    """Two price plans have the same id."""


class PlanWithoutShift(Refusal):
    """A plan by the shift names its shift, and only such a plan does."""


class TimeZoneUnknown(Refusal):
    """This is not the name of a time zone, such as Asia/Kolkata."""


@dataclass(eq=False)
class SeatLabelTaken(Refusal):
    """The library already has a seat with this label."""

    label: str


class LibraryFull(Refusal):
    """A library has at most 5,000 seats."""


@dataclass(eq=False)
class FutureBookings(Refusal):
    """Bookings are still to come in this library. Cancel them first."""

    count: int


class BookingCancelledAlready(Refusal):
    """This booking is cancelled."""


class BookingCompletedAlready(Refusal):
    """This booking is completed."""


class BookingOver(Refusal):
    """The time of this booking is over."""


class CheckedInAlready(Refusal):
    """The student has checked in. Check out instead."""


class NotCheckedIn(Refusal):
    """The student has not checked in."""


@dataclass(eq=False)
class CheckInTooEarly(Refusal):
    """Check-in is not open yet."""

    opens: datetime


@dataclass(eq=False)
class CheckInWindowMissed(Refusal):
    """Check-in has closed for this booking."""

    closed: datetime
