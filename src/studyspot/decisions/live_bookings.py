"""How many bookings a library still has to come, by the log alone."""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice

from studyspot.catalogue.codec import decode
from studyspot.catalogue.types import type_of
from studyspot.domain.booking import BOOKING_EVENTS, Booking, evolve_booking, occupies
from studyspot.domain.events import BookingEvent, SeatAdded, SeatEvent
from studyspot.domain.rules import HORIZON
from studyspot.domain.tags import library, seat_days
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Criterion

_TAGS_A_READ = 400


async def count_live_bookings(store: EventStore, library_id: str, now: datetime) -> int:
    """Return the number of bookings that occupy a seat of the library from `now` on.

    Bounded by the library's seats and the horizon. It stays true when an endless closure stands before:
    every booking decision reads closures, so that none is added.
    """
    seats = await store.read_async((Criterion((type_of(SeatAdded),), (library(library_id),)),))
    tags: list[str] = []
    for stored in seats.events:
        event, _ = decode(stored.type, stored.data)
        if isinstance(event, SeatEvent):
            tags += seat_days(event.seat_id, now, now + HORIZON)
    types = tuple(type_of(known) for known in BOOKING_EVENTS)
    bookings: dict[str, Booking] = {}
    for some in _chunks(tags):
        snapshot = await store.read_async(tuple(Criterion(types, (tag,)) for tag in some))
        for stored in snapshot.events:
            event, _ = decode(stored.type, stored.data)
            if isinstance(event, BookingEvent):
                bookings[event.booking_id] = evolve_booking(bookings.get(event.booking_id), event)
    return sum(occupies(booking, now, now + HORIZON) for booking in bookings.values())


def _chunks(tags: Iterable[str]) -> Iterable[list[str]]:
    remaining = iter(tags)
    while some := list(islice(remaining, _TAGS_A_READ)):
        yield some
