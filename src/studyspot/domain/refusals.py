"""Why a command is refused. Each says, in a sentence a person understands, what is so and what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta


class Refusal(Exception):
    """A rule says no. Nothing was changed.

    `position` is that of the log by which it was decided; none where the command alone is refused.
    """

    position: int | None = None

    @property
    def sentence(self) -> str:
        """What is so, and what to do next."""
        return (self.__doc__ or "").strip()

    def __str__(self) -> str:
        return self.sentence


class LibraryUnknown(Refusal):
    """There is no such library. Look it up again."""


class SeatUnknown(Refusal):
    """There is no such seat in this library. Choose one of its seat map."""


class HoldUnknown(Refusal):
    """There is no such hold. Hold the seat again, if it is still free."""


class ClosureUnknown(Refusal):
    """There is no such closure of this library. Leave its id out to announce another."""


class BookingUnknown(Refusal):
    """There is no such booking. Look at the list of bookings."""


class NotificationUnknown(Refusal):
    """There is no such notice to you. Look at the list of your notices."""


class LibraryRetired(Refusal):
    """This library has been retired and takes no more changes. Choose another."""


class NotYourLibrary(Refusal):
    """Only who runs this library may do this, its owner or its staff. Ask them."""


class NotLibraryOwner(Refusal):
    """Only the owner of this library may do this. Ask them."""


class OwnerRequired(Refusal):
    """Only library owners open libraries. Register as an owner."""


class NotAdmin(Refusal):
    """Only an administrator may do this. Ask one."""


class NotYourself(Refusal):
    """Nobody does this to themselves. Ask another administrator."""


class AccountInactive(Refusal):
    """This account is disabled or erased, and nothing can be done with it. Ask an administrator."""


class AccountErasedAlready(Refusal):
    """This account is erased, and nothing of it comes back. The person may register again."""


class InvitationUnknown(Refusal):
    """There is no such invitation for you. Ask the library for its code, or to invite you again."""


class InvitationExpired(Refusal):
    """This invitation is too old. Ask the library to invite you again."""


class CannotBeStaff(Refusal):
    """Owners and administrators cannot work for a library with the same account. Register another."""


class StaffAlready(Refusal):
    """This person works for the library already. Look at the list of its staff."""


class StaffUnknown(Refusal):
    """This person does not work for the library. Look at the list of its staff."""


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
    free_from: datetime | None = None


@dataclass(eq=False)
class SeatAwaited(Refusal):
    """Somebody waits for such a seat at that time. Join the waitlist for it, or choose another seat."""

    seat_id: str
    start: datetime
    end: datetime


@dataclass(eq=False)
class StudentBusy(Refusal):
    """The student has a booking for some of that time. Cancel that one first, or choose another time."""

    booking_id: str | None


@dataclass(eq=False)
class StudentHolding(Refusal):
    """The student holds another seat for some of that time. Book it or let it go first."""

    hold_id: str | None


class SeatOutOfService(Refusal):
    """This seat is out of service. Choose another one."""


@dataclass(eq=False)
class LibraryClosed(Refusal):
    """The library is closed for some of that time. Choose another time."""

    closed_until: datetime | None = None


@dataclass(eq=False)
class OutsideOpeningHours(Refusal):
    """The library is not open throughout that time. Choose a time within its opening hours."""

    open_from: datetime | None = None


@dataclass(eq=False)
class NotYetReleased(Refusal):
    """This time cannot be booked yet. Come back when it is released, or choose an earlier day."""

    released_at: datetime


@dataclass(eq=False)
class QuotaExhausted(Refusal):
    """This would be more than the library allows one student. Choose another day, or cancel a booking."""

    quota: str
    limit: int
    used: int


@dataclass(eq=False)
class StudentBlocked(Refusal):
    """Too many bookings here were missed. Booking is possible again when the block ends."""

    until: datetime


class CheckInClosedAlready(Refusal):
    """Check-in for that time has closed already. Choose a later start."""


@dataclass(eq=False)
class WallTimeSkipped(Refusal):
    """The library's clock skips this time: it is put forward that day. Choose another time."""


@dataclass(eq=False)
class WallTimeAmbiguous(Refusal):
    """The library's clock shows this time twice that day. Say which one, with its offset from UTC."""

    earlier: datetime
    later: datetime


class EndNotAfterStart(Refusal):
    """A booking ends after it starts. Choose a later end."""


class StartInThePast(Refusal):
    """A booking cannot start in the past. Choose a later start."""


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


@dataclass(eq=False)
class PriceChanged(Refusal):
    """The price has changed since it was quoted. Look at the new quote, and book with that one."""

    price_version: int | None
    amount_minor: int
    currency: str
    plan_id: str | None


class QuoteMismatch(Refusal):
    """This quote is for something else. Ask for a quote for this seat, time and plan."""


class PlanIdRepeated(Refusal):
    """Two price plans have the same id. Give each its own."""


class PlanWithoutShift(Refusal):
    """A plan by the shift names its shift, and only such a plan does. Set or leave out its shift."""


class TimeZoneUnknown(Refusal):
    """This is not the name of a time zone. Give one such as Asia/Kolkata."""


@dataclass(eq=False)
class SeatLabelTaken(Refusal):
    """The library already has a seat with this label. Choose another label."""

    label: str


class SeatInService(Refusal):
    """The seat is in service. Take it out of service first, so that its bookings can be moved."""


class RulesContradict(Refusal):
    """By these rules no booking could be made, or none attended. Change one of those that contradict."""


class ClosureBackwards(Refusal):
    """A closure ends after it starts, and after now. Choose a later end."""


class LibraryFull(Refusal):
    """A library has at most 5,000 seats. Remove some, or add fewer."""


@dataclass(eq=False)
class FutureBookings(Refusal):
    """Bookings are still to come in this library. Cancel them first, or retire it with cascade=true."""

    count: int


class HoldLapsedAlready(Refusal):
    """This hold is over. Hold the seat again, if it is still free."""


class HoldReleasedAlready(Refusal):
    """This hold was let go. Hold the seat again, if it is still free."""


@dataclass(eq=False)
class HoldBookedAlready(Refusal):
    """This hold has become a booking. Look at that one."""

    booking_id: str


class HoldMismatch(Refusal):
    """This hold is for another seat or time. Book exactly what is held."""


class BookingCancelledAlready(Refusal):
    """This booking is cancelled. Make a new one."""


class BookingCompletedAlready(Refusal):
    """This booking is completed. Make a new one to stay."""


class BookingMissed(Refusal):
    """The student did not come in time, and the seat was given up. Make a new booking."""


class BookingRevokedAlready(Refusal):
    """The library took this booking back. Make a new one."""


class BookingOver(Refusal):
    """The time of this booking is over. Make a new one."""


class CheckedInAlready(Refusal):
    """The student has checked in. Check out instead."""


class NotCheckedIn(Refusal):
    """The student has not checked in. Check in first, or cancel."""


@dataclass(eq=False)
class CheckInTooEarly(Refusal):
    """Check-in is not open yet. Come back when it opens."""

    opens: datetime


@dataclass(eq=False)
class CheckInWindowMissed(Refusal):
    """Check-in has closed for this booking. Make a new one, if a seat is free."""

    closed: datetime


class DeskCodeRequired(Refusal):
    """Checking in needs the code that is shown at the library's desk. Send it as code."""


class DeskCodeWrong(Refusal):
    """This is not the code that is shown at the desk now. Read it again: it changes every minute."""


@dataclass(eq=False)
class TooLateToReschedule(Refusal):
    """It is too late for another time, or a cheaper seat. Cancel the booking, or ask the library."""

    since: datetime


class NothingToReschedule(Refusal):
    """Say what is to change: the seat, the start or the end."""


class ConsentRequired(Refusal):
    """A booking is moved only with the student's consent. Ask them, or revoke it."""


class SeatNotAlike(Refusal):
    """The other seat is not in the same zone or lacks what this one offers. Choose one that is alike."""


@dataclass(eq=False)
class PriceHigher(Refusal):
    """The other seat or time costs more. A booking is moved only where it costs no more than now."""

    amount_minor: int


class BookingUnaffected(Refusal):
    """No closure and nothing about its seat affects this booking. Leave it, or reschedule it."""


class NotPayable(Refusal):
    """This booking costs nothing. Record payments for bookings that cost something."""


@dataclass(eq=False)
class PaymentExceedsDue(Refusal):
    """This is more than is due for the booking. Record at most what is due."""

    due_minor: int


@dataclass(eq=False)
class RefundExceedsPaid(Refusal):
    """This is more than the library still has for the booking. Give back at most that."""

    paid_minor: int


@dataclass(eq=False)
class SeriesTooLong(Refusal):
    """A series has at most a hundred days within a year. Book fewer, and the others later."""

    most_dates: int


class SeriesWithoutDates(Refusal):
    """The series has no day. Choose its dates and weekdays so that there is one."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A day of a series that cannot be had, and why."""

    day: date
    refusal: Refusal


@dataclass(eq=False)
class SeriesConflict(Refusal):
    """Some days of the series cannot be had. Leave them out, or let them be skipped."""

    conflicts: tuple[Conflict, ...]


class WaitlistEntryUnknown(Refusal):
    """There is no such place in a waitlist. Look at the list of those where you wait."""


@dataclass(eq=False)
class WaitlistEntryEnded(Refusal):
    """Nobody waits at this place any more. Join again, if the seats are still taken."""

    ended_as: str


@dataclass(eq=False)
class WaitingAlready(Refusal):
    """The student waits for some of that time already. Leave that place first, or choose another time."""

    entry_id: str


class NoSuchSeat(Refusal):
    """No seat of this library is such a one. Ask for a zone and attributes that its seats have."""


@dataclass(eq=False)
class WaitlistFull(Refusal):
    """Too many wait for that day already. Choose another day."""

    limit: int


@dataclass(eq=False)
class WaitlistJoinedTooOften(Refusal):
    """The student has joined for that day too often. Choose another day."""

    limit: int


class NotRevoked(Refusal):
    """The library took no such booking for that time back, or has made it good. Join without its id."""
