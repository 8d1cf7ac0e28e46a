"""Commands as fast as a busy evening brings them: bookings of one large library, and what becomes of them."""

import asyncio
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

from studyspot.catalogue.codec import Metadata, encode
from studyspot.catalogue.tags import tags_of
from studyspot.catalogue.types import type_of
from studyspot.domain.events import BookingCreated, Event, LibraryUpdated
from studyspot.event_store.types import Condition, Criterion, NewEvent
from tests.projections.happenings import HOUR, NINE, booked, cancelled, checked_in, checked_out, opened, seat
from tests.projections.system import Log

COMMANDS_A_SECOND = 300
LIBRARY = "library-of-the-rush"
OWNER = "owner-of-the-rush"
SEATS = 80
_EVERY = timedelta(milliseconds=10)
_EARLY, _LATE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_MOVED, _NEW, _CANCELLED = 0.01, 0.5, 0.7


def student(number: int) -> str:
    return f"student-{number % SEATS}"


def moment(number: int) -> datetime:
    """The start of the slot that the booking of this number is for: all seats once, then the next hour."""
    return NINE + number // SEATS * HOUR


@dataclass(frozen=True)
class Live:
    """A booking that something can still happen to, and the position of what happened to it last."""

    booking: BookingCreated
    seated: bool
    position: int


class Commands:
    """Gives `COMMANDS_A_SECOND`: each is decided from what has happened, and appends one event.

    It does so on the condition that nothing else has happened to its booking, as a decision does.
    """

    def __init__(self, log: Log, chance: random.Random) -> None:
        self.given = 0
        self.acknowledged = 0
        self.begun = 0.0
        self._log = log
        self._chance = chance
        self._numbers = count()
        self._live: list[Live] = []

    async def open_library(self) -> int:
        """Open the library with its seats; return the position of that."""
        seats = (seat(f"seat-{number}", LIBRARY) for number in range(SEATS))
        return await self._log.append(opened(LIBRARY, OWNER), *seats, actor=OWNER)

    async def run(self, ending: asyncio.Event) -> None:
        """Give what is due until `ending`; return when all of it is acknowledged."""
        loop = asyncio.get_running_loop()
        self.begun = loop.time()
        async with asyncio.TaskGroup() as giving:
            while True:
                # Asked first: what was due until then is still given.
                is_last = ending.is_set()
                due = int((loop.time() - self.begun) * COMMANDS_A_SECOND)
                while self.given < due:
                    self.given += 1
                    giving.create_task(self._give())
                if is_last:
                    return
                await asyncio.sleep(_EVERY.total_seconds())

    async def _give(self) -> None:
        fate = self._chance.random()
        if fate < _MOVED:
            await self._append(self._moved())
        elif fate < _NEW or not self._live:
            booking = self._new()
            self._live.append(Live(booking, False, await self._append(booking, after=0)))
        else:
            live = self._live.pop(self._chance.randrange(len(self._live)))
            if live.seated:
                await self._append(checked_out(live.booking), live.position)
            elif fate < _CANCELLED:
                await self._append(cancelled(live.booking), live.position)
            else:
                seated = await self._append(checked_in(live.booking), live.position)
                self._live.append(Live(live.booking, True, seated))

    async def _append(self, event: Event, after: int = 0) -> int:
        new = NewEvent(
            type_of(type(event)),
            encode(event, Metadata(time=datetime.now(UTC), command_id=str(uuid4()), actor=OWNER)),
            tags_of(event),
        )
        of_its_booking = tuple(Criterion(tags=(tag,)) for tag in new.tags if tag.startswith("booking:"))
        condition = Condition(of_its_booking, after) if of_its_booking else None
        position = (await self._log.store.append_async([new], condition)).position
        self.acknowledged += 1
        return position

    def _new(self) -> BookingCreated:
        number = next(self._numbers)
        made = booked(f"rush-{number}", f"seat-{number % SEATS}", moment(number), 1, student(number), LIBRARY)
        # Whoever booked comes or cancels at once, whatever the time of day.
        return replace(made, check_in_from=_EARLY, check_in_until=_LATE, free_cancel_until=_LATE)

    def _moved(self) -> LibraryUpdated:
        return LibraryUpdated(
            library_id=LIBRARY,
            name="The rush",
            city="Pune",
            time_zone="Asia/Kolkata",
            address=f"{self.given} Station Road",
        )
