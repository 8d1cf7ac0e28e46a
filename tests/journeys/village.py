"""A town whose people have accounts, each with a browser of their own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC

from studyspot.policies.app import PoliciesProcess
from studyspot.ws_fanout.ending import end_tasks
from tests.commands.visitors import a_visitor
from tests.journeys.resident import Resident
from tests.journeys.study_hall import EVE, StudyHall
from tests.journeys.town import Town, a_town


class Village:
    """A town, and whoever comes to live there."""

    def __init__(self, town: Town, database: str, stack: AsyncExitStack) -> None:
        self.town = town
        self._database = database
        self._stack = stack

    async def resident(self, name: str, role: str = "student") -> Resident:
        visitor = await self._stack.enter_async_context(a_visitor(self.town.url))
        resident = await Resident.registers(visitor, name, role)
        self.town.people.append(resident)
        return resident

    async def residents(self, *names: str) -> list[Resident]:
        return [await self.resident(name) for name in names]

    async def hall(self, seats: int, *closures: dict[str, str]) -> StudyHall:
        hall = StudyHall(self.town, await self.resident("Vaidehi Kulkarni", "library_owner"))
        await hall.opens(seats, *closures)
        return hall

    @asynccontextmanager
    async def policies(self) -> AsyncIterator[None]:
        """Have policies at work until the end of the block."""
        task = asyncio.create_task(PoliciesProcess(database_url=self._database, now=self.town.clock).run())
        try:
            yield
        finally:
            await end_tasks([task])


@asynccontextmanager
async def a_village(database_url: str) -> AsyncIterator[Village]:
    """Run it from the eve on, until the end of the block; policies when they are asked for."""
    async with (
        a_town(database_url, EVE.astimezone(UTC), policies=0) as town,
        AsyncExitStack() as stack,
    ):
        yield Village(town, database_url, stack)
