"""Clients as programs use them: each follows a library's seat map, whatever happens to its connection."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

from studyspot.checker.witness import Witness
from studyspot.client.client import Client
from studyspot.client.errors import SentAway
from studyspot.client.follow import FollowedLibrary
from studyspot.wire.frames import CloseCode
from tests.chaos.crowd.people import Person

_WITHIN = timedelta(seconds=60)
_SHOWN_FOR = timedelta(days=3)
_OF_LATE = 100

Following = tuple[Client, FollowedLibrary]


class Soon:
    """Chance that comes back sooner than clients do by themselves: a campaign is short."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def uniform(self, a: float, b: float) -> float:
        return self._chance.uniform(a, min(b, 1.0))


class Follower:
    """One client and the map that it has; `witness` took down all that it was told."""

    def __init__(self, witness: Witness, library_id: str, begin: Callable[[], Awaitable[Following]]) -> None:
        self.witness = witness
        self.library_id = library_id
        self._begin = begin

    async def begin(self) -> None:
        """Follow the library from now on, by a new client."""
        self._client, self._followed = await self._begin()

    @property
    def who(self) -> str:
        return self.witness.socket.who

    def has_heard(self, position: int) -> bool:
        """Say whether it was handed the event at a position, of late."""
        return any(known.position == position for known in (self.witness.socket.delivered or ())[-_OF_LATE:])

    async def difference(self, interval: tuple[datetime, datetime], position: int) -> str | None:
        """Return how its map differs from the one that is read, once it has reached a position."""
        try:
            return await self._difference(interval, position)
        except SentAway as away:
            # On a busy machine the connect frame may be late; a program would begin anew.
            if away.code != CloseCode.NO_CONNECT:
                raise
        await self.begin()
        return await self._difference(interval, position)

    async def _difference(self, interval: tuple[datetime, datetime], position: int) -> str | None:
        shown = await self._client.seat_map(self.library_id, *interval, min_position=position)
        await self._followed.until(lambda seats: seats.position >= position, _WITHIN)
        known = self._followed.seat_map.at(shown.server_now).seats
        for seat in shown.seats:
            if known.get(seat.id) != seat:
                return f"{self.who}: has {known.get(seat.id)}, and read is {seat}"
        return None


@asynccontextmanager
async def following(
    people: Sequence[tuple[Person, str]], api_url: str, urls: Sequence[str], chance: random.Random
) -> AsyncIterator[tuple[list[Follower], tuple[datetime, datetime]]]:
    """Let each of these people follow a library; tell the interval that all of them see."""
    start = datetime.now(UTC)
    interval = start, start + _SHOWN_FOR
    async with AsyncExitStack() as stack:

        async def follow(person: Person, library_id: str) -> Follower:
            witness = Witness(f"{person.user_id}/follower", person.user_id, person.role)
            url = chance.choice(urls)

            async def begin() -> Following:
                client = Client(api_url, url, person.current_token, chance=Soon(chance), witness=witness)
                await stack.enter_async_context(client)
                followed = await client.follow_library(library_id, *interval)
                stack.push_async_callback(followed.close)
                return client, followed

            follower = Follower(witness, library_id, begin)
            await follower.begin()
            return follower

        yield await asyncio.gather(*(follow(*one) for one in people)), interval
