"""The consistency tags of each event, derived from its ids and interval."""

from typing import assert_never

from studyspot.domain import tags
from studyspot.domain.events import (
    BookingCreated,
    BookingEvent,
    BookingRescheduled,
    Event,
    HoldEvent,
    LibraryEvent,
    NotificationSent,
    OccupationFacts,
    PaymentEvent,
    SeatEvent,
)


def tags_of(event: Event) -> tuple[str, ...]:
    """Return every tag under which a decision may look for this event, some perhaps twice."""
    if isinstance(event, HoldEvent):
        return (tags.hold(event.hold_id), *_occupied(event))
    if isinstance(event, BookingEvent):
        own = (tags.booking(event.booking_id), *_occupied(event))
        if isinstance(event, BookingCreated) and event.hold_id is not None:
            return (*own, tags.hold(event.hold_id))
        if isinstance(event, BookingRescheduled):
            start, end = event.previous_start, event.previous_occupied_until
            days = tags.seat_days(event.previous_seat_id, start, end)
            return (*own, *days, *tags.student_weeks(event.user_id, start, end))
        return own
    if isinstance(event, PaymentEvent):
        return (tags.booking(event.booking_id),)
    if isinstance(event, SeatEvent):
        return (tags.seat(event.seat_id), tags.library(event.library_id))
    if isinstance(event, LibraryEvent):
        return (tags.library(event.library_id),)
    if isinstance(event, NotificationSent):
        return (tags.cause(event.cause),)
    assert_never(event)


def _occupied(facts: OccupationFacts) -> tuple[str, ...]:
    """Return the seat's days and the student's weeks of the occupied interval."""
    start, end = facts.start, facts.occupied_until
    return (*tags.seat_days(facts.seat_id, start, end), *tags.student_weeks(facts.user_id, start, end))
