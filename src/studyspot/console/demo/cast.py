"""Who plays: people with a client each, and a record of all that they send and are told."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from studyspot.checker.witness import Witness
from studyspot.client.client import Client
from studyspot.client.items import Event
from studyspot.domain.people import Role

PATIENCE = timedelta(seconds=30)


class SceneFailed(Exception):
    """What the scene promises is not so."""


@dataclass(slots=True)
class Player:
    """One person: `received` holds their events, each with the time (monotonic seconds) at which it came."""

    user_id: str
    client: Client
    witness: Witness
    received: list[tuple[Event, float]] = field(default_factory=list)
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def seen(self) -> int:
        """How many events have come so far."""
        return len(self.received)

    async def listen(self) -> None:
        """Take down events until cancelled."""
        async for item in self.client.events():
            if isinstance(item, Event):
                self.received.append((item, time.monotonic()))
            async with self._came:
                self._came.notify_all()

    async def awaits(self, wanted: Callable[[list[Event]], bool], what: str, after: int = 0) -> None:
        """Wait until the events since the `after`-th are as wanted.

        Raises:
            SceneFailed: they were not, within `PATIENCE`.
        """
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()), self._came:
                await self._came.wait_for(lambda: wanted(self.events(after)))
        except TimeoutError:
            got = ", ".join(f"{event.name} {event.position}" for event in self.events(after)) or "nothing"
            raise SceneFailed(f"{self.user_id} waited for {what}, and got {got}") from None

    async def awaits_position(self, position: int, name: str) -> float:
        """Return when the event of this position came; it must have this name.

        Raises:
            SceneFailed: it did not come, or another name.
        """
        await self.awaits(
            lambda events: any(event.position == position for event in events), f"{name} at {position}"
        )
        event, came = next(pair for pair in self.received if pair[0].position == position)
        if event.name != name:
            raise SceneFailed(f"{self.user_id} got {event.name} at {position}, not {name}")
        return came

    def events(self, after: int = 0) -> list[Event]:
        return [event for event, _ in self.received[after:]]


@asynccontextmanager
async def player(
    user_id: str, role: Role, *, token: str, api_url: str, fanout_url: str
) -> AsyncIterator[Player]:
    """Bring someone onto the stage, connected and listening."""
    witness = Witness(user_id, user_id, role)
    async with Client(api_url, fanout_url, token, witness=witness, patience=PATIENCE) as client:
        person = Player(user_id, client, witness)
        listening = asyncio.create_task(person.listen(), name=f"listen {user_id}")
        try:
            await client.connected(PATIENCE)
            yield person
        finally:
            listening.cancel()
            await asyncio.wait([listening])
        if not listening.cancelled():
            # Its error, where the server did not want this person any more.
            listening.result()
