"""What visitors do of their own accord: each time something else, by chance."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from websockets.exceptions import ConnectionClosed

from studyspot.client.errors import AnswerLost, ProblemError
from studyspot.client.queries import Queries
from studyspot.wire.frames import Ping, Refresh, Since
from tests.chaos.crowd.town import Town
from tests.chaos.crowd.visitor import Visitor

Whim = Callable[[Visitor], Awaitable[None]]
_MOST_ROOMS = 8
_MOST_MAPS = 100
_SHOWN_FOR = timedelta(days=3)


class Whims:
    """The things that a visitor may do, with how often each is done."""

    def __init__(self, town: Town, reader: Queries) -> None:
        self._town = town
        self._reader = reader
        self._shown: deque[tuple[str, Since]] = deque(maxlen=_MOST_MAPS)
        self._weights: dict[Whim, int] = {
            self._join_by_the_map: 8,
            self._join_by_an_older_map: 14,
            self._join: 8,
            self._join_again: 6,
            self._leave: 14,
            self._ask_for_what_is_not_theirs: 8,
            self._drop: 6,
            self._go: 3,
            self._refresh: 8,
            self._refresh_as_another: 2,
            self._read_nothing: 10,
            self._ping: 3,
        }

    async def follow(self, visitor: Visitor, *, every: timedelta, ended: asyncio.Event) -> None:
        """Do one after another, about every so often, until the end has come."""
        chance = visitor.chance
        whims, weights = list(self._weights), list(self._weights.values())
        while not ended.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(chance.expovariate(1 / every.total_seconds())):
                    await ended.wait()
            (whim,) = chance.choices(whims, weights)
            if visitor.is_connected and not ended.is_set():
                try:
                    await whim(visitor)
                except (ConnectionClosed, ProblemError, AnswerLost):
                    continue

    def _any_room(self, visitor: Visitor) -> str:
        return f"library:{visitor.chance.choice(self._town.libraries).id}"

    async def _join_by_the_map(self, visitor: Visitor) -> None:
        """As every page does: what it shows is of a position, and the room goes on from there."""
        library = visitor.chance.choice(self._town.libraries)
        start = datetime.now(UTC)
        shown = await self._reader.seat_map(library.id, start, start + _SHOWN_FOR)
        since = Since(epoch=shown.epoch, position=shown.position)
        self._shown.append((f"library:{library.id}", since))
        # The first answer of a connection may not be there yet, or there may be another connection by now.
        if self._may_join(visitor, f"library:{library.id}"):
            await visitor.join(f"library:{library.id}", since)

    async def _join_by_an_older_map(self, visitor: Visitor) -> None:
        """As a page does that was open for a while."""
        if self._shown:
            room, since = visitor.chance.choice(self._shown)
            if self._may_join(visitor, room):
                await visitor.join(room, since)

    async def _join(self, visitor: Visitor) -> None:
        room = self._any_room(visitor)
        if self._may_join(visitor, room):
            await visitor.join(room)

    async def _join_again(self, visitor: Visitor) -> None:
        """Ask for a room once more, from further back."""
        rooms = [room for room in self._asked_for(visitor) if room not in visitor.leaving]
        if rooms and (since := visitor.session.since) is not None:
            back = visitor.chance.randrange(200)
            further = Since(epoch=since.epoch, position=max(0, since.position - back))
            await visitor.join(visitor.chance.choice(rooms), further)

    async def _leave(self, visitor: Visitor) -> None:
        if rooms := self._asked_for(visitor):
            await visitor.leave(visitor.chance.choice(rooms))

    async def _ask_for_what_is_not_theirs(self, visitor: Visitor) -> None:
        """Most are refused; of who happens to run that library, it is their own."""
        other = visitor.chance.choice(self._town.speakers).who.user_id
        room = visitor.chance.choice(
            [f"{self._any_room(visitor)}:staff", f"user:{other}", "role:admin", "role:staff", "nonsense"]
        )
        if room not in visitor.rooms and room not in visitor.leaving:
            await visitor.join(room)

    async def _drop(self, visitor: Visitor) -> None:
        visitor.drop()

    async def _go(self, visitor: Visitor) -> None:
        await visitor.go()

    async def _refresh(self, visitor: Visitor) -> None:
        await visitor.refresh()

    async def _refresh_as_another(self, visitor: Visitor) -> None:
        other = visitor.chance.choice(self._town.speakers).who
        await visitor.say(Refresh(token=other.token()))

    async def _read_nothing(self, visitor: Visitor) -> None:
        await visitor.pause(visitor.chance.uniform(0.5, 6))

    async def _ping(self, visitor: Visitor) -> None:
        await visitor.say(Ping())

    def _may_join(self, visitor: Visitor, room: str) -> bool:
        asked = self._asked_for(visitor)
        is_new = room not in visitor.leaving and len(asked) < _MOST_ROOMS
        return visitor.is_connected and room not in asked and is_new

    def _asked_for(self, visitor: Visitor) -> list[str]:
        """The library rooms that it is in because it wants to be, in one order for one seed."""
        return sorted(room for room in visitor.rooms if room.count(":") == 1 and room.startswith("library:"))
