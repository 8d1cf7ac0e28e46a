"""Clients as programs use them: each follows a library's seat map, whatever happens to its connection."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

from studyspot.checker.witness import Witness
from studyspot.client.client import Client
from studyspot.client.follow import FollowedLibrary
from tests.chaos.crowd.people import Person

_WITHIN = timedelta(seconds=60)
_SHOWN_FOR = timedelta(days=3)
_OF_LATE = 100


class Soon:
    """Chance that comes back sooner than clients do by themselves: a campaign is short."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def uniform(self, a: float, b: float) -> float:
        return self._chance.uniform(a, min(b, 1.0))


class Follower:
    """One client and the map that it has; `witness` took down all that it was told."""

    def __init__(self, client: Client, witness: Witness, followed: FollowedLibrary, library_id: str) -> None:
        self.witness = witness
        self.library_id = library_id
        self._client = client
        self._followed = followed

    @property
    def who(self) -> str:
        return self.witness.socket.who

    def has_heard(self, position: int) -> bool:
        """Say whether it was handed the event at a position, of late."""
        return any(known.position == position for known in (self.witness.socket.delivered or ())[-_OF_LATE:])

    async def difference(self, interval: tuple[datetime, datetime], position: int) -> str | None:
        """Return how its map differs from the one that is read, once it has reached a position."""
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
            client = Client(
                api_url,
                chance.choice(urls),
                person.current_token,
                chance=Soon(chance),
                witness=witness,
            )
            await stack.enter_async_context(client)
            followed = await client.follow_library(library_id, *interval)
            stack.push_async_callback(followed.close)
            return Follower(client, witness, followed, library_id)

        yield await asyncio.gather(*(follow(*one) for one in people)), interval
