"""Remind a student, once, that check-in closes soon; not who has come, or whose booking is elsewhere."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from studyspot.domain.booking import Booking, Confirmed, events_of_booking, evolve_booking
from studyspot.domain.decider import Boundary, Decider
from studyspot.domain.events import BookingEvent, BookingTerms, Event, NotificationSent
from studyspot.domain.notices import SendNotice, told_of

REMINDED_BEFORE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class RemindOfCheckIn:
    """Send the notice where its booking still waits for its student, until `check_in_until`."""

    notice: SendNotice
    booking_id: str
    check_in_until: datetime
    at: datetime


@dataclass(slots=True)
class Reminding:
    """A booking, and whether its student was reminded of this check-in."""

    booking: Booking | None = None
    reminded: bool = False


def remind_at(terms: BookingTerms, made_at: datetime) -> datetime | None:
    """Return when to remind; never, where the booking was made so late that its student knows."""
    soon = terms.check_in_until - REMINDED_BEFORE
    return soon if made_at < soon else None


def _evolve(reminding: Reminding, event: Event) -> Reminding:
    if isinstance(event, BookingEvent):
        reminding.booking = evolve_booking(reminding.booking, event)
    elif isinstance(event, NotificationSent):
        reminding.reminded = True
    return reminding


def _boundary(command: RemindOfCheckIn, reminding: Reminding) -> Boundary:
    return (*events_of_booking(command.booking_id), *told_of(command.notice.cause))


def _decide(command: RemindOfCheckIn, reminding: Reminding) -> tuple[Event, ...]:
    booking = reminding.booking
    if reminding.reminded or not isinstance(booking, Confirmed):
        return ()
    # Another time of check-in is reminded of by itself.
    if booking.facts.check_in_until != command.check_in_until or command.at >= command.check_in_until:
        return ()
    return (command.notice.sent(),)


REMIND = Decider(Reminding, _evolve, _boundary, _decide)
