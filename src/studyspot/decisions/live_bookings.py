"""What a library still has to come, by the log alone."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from studyspot.catalogue.codec import decode
from studyspot.catalogue.types import type_of
from studyspot.domain.agenda import OCCUPYING_EVENTS, Agenda, evolve_agenda
from studyspot.domain.booking import Confirmed, is_missed
from studyspot.domain.events import SeatAdded
from studyspot.domain.hold import Held, has_lapsed
from studyspot.domain.rules import HORIZON
from studyspot.domain.tags import library, seat_day
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Criterion, StoredEvent

_SEATS_A_READ = 100


@dataclass(frozen=True, slots=True)
class LiveOnes:
    """Ids of bookings that are to come or under way, and of holds that stand."""

    bookings: tuple[str, ...]
    holds: tuple[str, ...]


async def live_ones(store: EventStore, library_id: str, now: datetime) -> AsyncIterator[LiveOnes]:
    """Yield what takes seats of the library from `now` on, some seats at a time.

    Reads one range of tags a seat, from today to the horizon. What is found stays true while an endless
    closure stands before it: every decision to take a seat reads closures, so that nothing is added.
    """
    added = await store.read_async((Criterion((type_of(SeatAdded),), (library(library_id),)),))
    types = tuple(type_of(known) for known in OCCUPYING_EVENTS)
    first, last = now.astimezone(UTC).date(), (now + HORIZON).astimezone(UTC).date()
    for events in _chunks(added.events, _SEATS_A_READ):
        decoded = [event for event, _ in (decode(stored.type, stored.data) for stored in events)]
        seats = [event.seat_id for event in decoded if isinstance(event, SeatAdded)]
        ranges = [(seat_day(seat, first), seat_day(seat, last)) for seat in seats]
        agenda = Agenda()
        for stored in await store.read_tag_ranges_async(types, ranges):
            event, _ = decode(stored.type, stored.data)
            agenda = evolve_agenda(agenda, event)
        yield _live(agenda, frozenset(seats), now)


async def count_live_bookings(store: EventStore, library_id: str, now: datetime) -> int:
    """Return how many bookings of the library are to come or under way."""
    count = 0
    async for live in live_ones(store, library_id, now):
        count += len(live.bookings)
    return count


def _live(agenda: Agenda, seats: frozenset[str], now: datetime) -> LiveOnes:
    bookings, holds = [], []
    for live in agenda.live():
        # What has moved to a seat that was not read is known only up to then; its own seat's read has it.
        if live.facts.seat_id not in seats or live.facts.end <= now:
            continue
        if isinstance(live, Held):
            if not has_lapsed(live, now):
                holds.append(live.facts.hold_id)
        elif not (isinstance(live, Confirmed) and is_missed(live, now)):
            bookings.append(live.facts.booking_id)
    return LiveOnes(tuple(bookings), tuple(holds))


def _chunks(items: Iterable[StoredEvent], size: int) -> Iterator[Sequence[StoredEvent]]:
    remaining = iter(items)
    while some := list(islice(remaining, size)):
        yield some
