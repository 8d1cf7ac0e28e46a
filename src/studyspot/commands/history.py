"""What happened to a booking, from the log itself."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query

from studyspot.catalogue.codec import decode
from studyspot.catalogue.types import type_of
from studyspot.commands.bookings import BookingId
from studyspot.commands.gate import Asked
from studyspot.commands.history_words import Surroundings, told_in_words
from studyspot.domain.booking import BOOKING_EVENTS
from studyspot.domain.events import (
    BookingCancelled,
    BookingEvent,
    BookingRescheduled,
    BookingRevoked,
    PaymentEvent,
    PaymentRecorded,
    PaymentRefunded,
    SeatAdded,
    SeatUpdated,
)
from studyspot.domain.seeing import SEE_BOOKING_IN_PLACE, SeeBooking
from studyspot.domain.tags import booking as booking_tag
from studyspot.domain.tags import seat as seat_tag
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Criterion
from studyspot.wire.booking_bodies import HistoryEntry, HistoryFound, Party
from studyspot.wire.cursors import Cursor, cursor_of, unreadable, values_of

router = APIRouter(prefix="/api/bookings", tags=["bookings"])

Limit = Annotated[int, Query(ge=1, le=100, description="How many a page holds at most.")]

_TYPES = tuple(type_of(known) for known in (*BOOKING_EVENTS, PaymentRecorded, PaymentRefunded))
_DIGITS = 19


@router.get("/{booking_id}/history")
async def tell_history(
    booking_id: BookingId, gate: Asked, limit: Limit = 100, cursor: Cursor = None
) -> HistoryFound:
    """Tell what happened to a booking, oldest first: who, when and what, in words; and their notes."""
    seen = await gate.decisions.look(SEE_BOOKING_IN_PLACE, SeeBooking(booking_id, gate.actor))
    library = seen.state.library
    assert library is not None
    read = await gate.store.read_async(
        (Criterion(_TYPES, (booking_tag(booking_id),)),), after=_after(cursor), limit=limit + 1
    )
    page = read.events[:limit]
    decoded = [(stored, *decode(stored.type, stored.data)) for stored in page]
    happened = [
        (stored, event, metadata)
        for stored, event, metadata in decoded
        if isinstance(event, BookingEvent | PaymentEvent)
    ]
    labels = await _labels(gate.store, (event for _, event, _ in happened))
    surroundings = Surroundings(library.zone, labels)
    noted = [_note_of(event) for _, event, _ in happened]
    notes = await gate.texts.read_all({note for note in noted if note is not None})
    rows = [
        HistoryEntry(
            position=stored.position,
            type=stored.type,
            time=metadata.time,
            actor=metadata.actor,
            by=_role(metadata.actor, event.user_id),
            text=told_in_words(event, surroundings),
            note=notes.get(note) if note is not None else None,
        )
        for (stored, event, metadata), note in zip(happened, noted, strict=True)
    ]
    more = len(read.events) > limit
    answer = {"rows": rows, "next": cursor_of(str(page[-1].position)) if more else None}
    return HistoryFound.model_validate(gate.told(read.head, answer))


async def _labels(store: EventStore, events: Iterable[BookingEvent | PaymentEvent]) -> dict[str, str]:
    """Return what these seats are called now, by their ids."""
    seats = set()
    for event in events:
        seats.add(event.seat_id)
        if isinstance(event, BookingRescheduled):
            seats.add(event.previous_seat_id)
    if not seats:
        return {}
    types = (type_of(SeatAdded), type_of(SeatUpdated))
    criteria = tuple(Criterion(types, (seat_tag(seat),), newest=True) for seat in sorted(seats))
    labels: dict[str, str] = {}
    for stored in (await store.read_async(criteria)).events:
        named, _ = decode(stored.type, stored.data)
        if isinstance(named, SeatAdded | SeatUpdated):
            labels[named.seat_id] = named.label
    return labels


def _note_of(event: BookingEvent | PaymentEvent) -> str | None:
    """Return the id of what was written beside it."""
    if isinstance(event, BookingCancelled | BookingRevoked):
        return event.reason_id
    return event.reference_id if isinstance(event, PaymentRecorded) else None


def _role(actor: str | None, student: str) -> Party:
    if actor is None:
        return "system"
    return "student" if actor == student else "library"


def _after(cursor: str | None) -> int:
    if cursor is None:
        return 0
    (position,) = values_of(cursor, 1)
    if not (position.isascii() and position.isdigit() and len(position) < _DIGITS):
        raise unreadable()
    return int(position)
