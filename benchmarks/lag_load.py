"""A steady stream of bookings into the log, and what the read models should then hold of them."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

from studyspot.catalogue.codec import Metadata, encode
from studyspot.catalogue.tags import tags_of
from studyspot.catalogue.types import type_of
from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCreated,
    Event,
    LibraryCreated,
    SeatAdded,
)
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import NewEvent

LIBRARY = "library"
STUDENT = "student"
SEATS = 100
HOUR = timedelta(hours=1)


@dataclass
class Load:
    """Appends single events at a steady rate, whatever became of those before.

    `statuses` is what each booking is in the end, by its id; `called` and `acknowledged` say by position when
    an append was asked for, and when its caller knew of its commit, in seconds of `time.perf_counter`.
    """

    store: EventStore
    statuses: dict[str, str] = field(default_factory=dict)
    called: dict[int, float] = field(default_factory=dict)
    acknowledged: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._events = self._happenings()

    async def prepare(self) -> int:
        """Open a library with its seats; return the position of the last one."""
        opened: Event = LibraryCreated(
            library_id=LIBRARY, owner_id="owner", name=LIBRARY, city="Pune", time_zone="UTC", currency="INR"
        )
        seats: Iterable[Event] = (
            SeatAdded(library_id=LIBRARY, seat_id=f"S{number}", label=f"S{number}", zone="quiet")
            for number in range(SEATS)
        )
        return (await self.store.append_async([_new(event) for event in (opened, *seats)])).position

    async def run(self, rate: int, turn: timedelta) -> float:
        """Append `rate` events a second for one turn; return how many a second it came to."""
        total = round(rate * turn.total_seconds())
        began = time.perf_counter()
        async with asyncio.TaskGroup() as appends:
            for number in range(total):
                late = time.perf_counter() - began - number / rate
                if late < 0:
                    await asyncio.sleep(-late)
                appends.create_task(self._append(next(self._events)))
            took = time.perf_counter() - began
        return total / took

    async def _append(self, event: Event) -> None:
        called = time.perf_counter()
        position = (await self.store.append_async([_new(event)])).position
        self.acknowledged[position] = time.perf_counter()
        self.called[position] = called

    def _happenings(self) -> Iterator[Event]:
        """Yield bookings; of each four, one is cancelled and one checked in a little later."""
        tomorrow = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + 24 * HOUR
        made: list[BookingCreated] = []
        for number in count():
            hour, seat = divmod(number, SEATS)
            booking = _booking(f"S{seat}", tomorrow + hour * HOUR)
            made.append(booking)
            self.statuses[booking.booking_id] = booking.status
            yield booking
            if len(made) < 4:
                continue
            cancelled = BookingCancelled(**made[0].facts(), late=False)
            checked_in = BookingCheckedIn(**made[1].facts())
            made.clear()
            for event in (cancelled, checked_in):
                self.statuses[event.booking_id] = event.status
                yield event


def _booking(seat_id: str, start: datetime) -> BookingCreated:
    booking_id = str(uuid4())
    return BookingCreated(
        booking_id=booking_id,
        occupation=booking_id,
        library_id=LIBRARY,
        seat_id=seat_id,
        user_id=STUDENT,
        start=start,
        end=start + HOUR,
        occupied_until=start + HOUR,
        amount_minor=5000,
        currency="INR",
        check_in_from=start - HOUR / 4,
        check_in_until=start + HOUR / 2,
        free_cancel_until=start - HOUR,
    )


def _new(event: Event) -> NewEvent:
    # By the student: what others do with a booking is followed by a notice, which is none of the load.
    metadata = Metadata(time=datetime.now(UTC), command_id=str(uuid4()), actor=STUDENT)
    return NewEvent(type_of(type(event)), encode(event, metadata), tags_of(event))
