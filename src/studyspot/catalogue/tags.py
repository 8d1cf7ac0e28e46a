"""The consistency tags of each event, derived from its ids and interval."""

from typing import assert_never

from studyspot.domain import tags
from studyspot.domain.events import BookingEvent, Event, LibraryEvent, SeatEvent


def tags_of(event: Event) -> tuple[str, ...]:
    """Return every tag under which a decision may look for this event."""
    if isinstance(event, BookingEvent):
        return (
            tags.booking(event.booking_id),
            *tags.seat_days(event.seat_id, event.start, event.end),
            *tags.student_weeks(event.user_id, event.start, event.end),
        )
    if isinstance(event, SeatEvent):
        return (tags.seat(event.seat_id), tags.library(event.library_id))
    if isinstance(event, LibraryEvent):
        return (tags.library(event.library_id),)
    assert_never(event)
