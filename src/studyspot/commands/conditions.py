"""Commands on the condition that nobody has changed what their caller read (If-Match)."""

from collections.abc import Sequence
from typing import get_args

from studyspot.decisions.preconditions import Unchanged, about
from studyspot.domain import tags
from studyspot.domain.events import AccountEvent, BookingEvent, Event, LibraryEvent, PaymentEvent, SeatEvent
from studyspot.wire.etags import version_of

_OF_BOOKINGS = (*get_args(BookingEvent), *get_args(PaymentEvent))


def library_as_read(library_id: str, if_match: str | None) -> Unchanged | None:
    """Return the condition that the library is as it was read; none without an If-Match."""
    return _as_read(get_args(LibraryEvent), tags.library(library_id), if_match)


def seat_as_read(seat_id: str, if_match: str | None) -> Unchanged | None:
    """Return the condition that the seat is as it was read, taken or not; none without an If-Match."""
    return _as_read(get_args(SeatEvent), tags.seat(seat_id), if_match)


def booking_as_read(booking_id: str, if_match: str | None) -> Unchanged | None:
    """Return the condition that the booking is as it was read; none without an If-Match."""
    return _as_read(_OF_BOOKINGS, tags.booking(booking_id), if_match)


def person_as_read(user_id: str, if_match: str | None) -> Unchanged | None:
    """Return the condition that a person is as they were read; none without an If-Match."""
    return _as_read(get_args(AccountEvent), tags.user(user_id), if_match)


def _as_read(event_classes: Sequence[type[Event]], tag: str, if_match: str | None) -> Unchanged | None:
    # Any version will do; the commands themselves say that there must be one.
    if if_match is None or if_match.strip() == "*":
        return None
    epoch, position = version_of(if_match) or (None, None)
    return Unchanged(about(event_classes, tag), epoch, position)
