"""How many bookings a library still has to come, by the log alone."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from studyspot.catalogue.codec import decode
from studyspot.catalogue.types import type_of
from studyspot.domain.booking import BOOKING_EVENTS, Booking, evolve_booking, occupies
from studyspot.domain.events import BookingEvent, SeatAdded
from studyspot.domain.rules import HORIZON
from studyspot.domain.tags import library, seat_day
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Criterion, StoredEvent

_SEATS_A_READ = 500


async def count_live_bookings(store: EventStore, library_id: str, now: datetime) -> int:
    """Return the number of bookings that occupy a seat of the library from `now` on.

    Reads one range of tags a seat, from today to the horizon. The count stays true while an endless closure
    stands before it: every booking decision reads closures, so that none is added.
    """
    added = await store.read_async((Criterion((type_of(SeatAdded),), (library(library_id),)),))
    types = tuple(type_of(known) for known in BOOKING_EVENTS)
    first, last = now.astimezone(UTC).date(), (now + HORIZON).astimezone(UTC).date()
    live = 0
    for events in _chunks(added.events, _SEATS_A_READ):
        seats = [event for event, _ in (decode(stored.type, stored.data) for stored in events)]
        ranges = [
            (seat_day(seat.seat_id, first), seat_day(seat.seat_id, last))
            for seat in seats
            if isinstance(seat, SeatAdded)
        ]
        bookings: dict[str, Booking] = {}
        for stored in await store.read_tag_ranges_async(types, ranges):
            event, _ = decode(stored.type, stored.data)
            if isinstance(event, BookingEvent):
                before = bookings.get(event.booking_id)
                bookings[event.booking_id] = evolve_booking(before, event)
        live += sum(occupies(booking, now, now + HORIZON) for booking in bookings.values())
    return live


def _chunks(items: Iterable[StoredEvent], size: int) -> Iterator[Sequence[StoredEvent]]:
    remaining = iter(items)
    while some := list(islice(remaining, size)):
        yield some
