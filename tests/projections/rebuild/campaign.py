"""Kills at random moments of rebuilds: in the suite a few, `make chaos KILLS=200` for many.

python -m tests.projections.rebuild.campaign --kills 200 --seed 1
"""

import argparse
import asyncio
import random
import sys
import time
from contextlib import ExitStack
from typing import Literal, get_args

from psycopg import AsyncConnection

from studyspot.projections.models import seats
from studyspot.projections.models.registry import PROJECTIONS
from studyspot.projections.projection import Projection
from tests.engines import PostgresServer, temporary_home
from tests.projections.rebuild.command import ONE_WAS_KILLED, Command
from tests.projections.rebuild.ordeal import Ordeal, a_history, an_ordeal
from tests.projections.rebuild.watching import row
from tests.projections.system import until

Victim = Literal["the rebuild", "one of its processes", "the workers", "PostgreSQL"]
VICTIMS: tuple[Victim, ...] = get_args(Victim)

KILLS_OF_A_REBUILD = (1, 2, 3, 3)
_BEGUN = "SELECT FROM pg_stat_activity WHERE application_name = 'studyspot rebuild'"


class Campaign:
    """Rebuilds one projection after the other, and kills now this and now that meanwhile."""

    def __init__(self, ordeal: Ordeal, seed: int) -> None:
        self.kills = 0
        self._ordeal = ordeal
        self._seed = seed
        self._chance = random.Random(seed)
        self._longest = 0.0

    async def run(self, kills: int) -> None:
        """Kill so many times; see that every rebuild ends all the same, and that its result is right.

        Raises:
            AssertionError, TimeoutError: it is not; a note says which kills there were.
        """
        victims = self._victims(kills)
        with ExitStack() as running:
            workers = running.enter_context(self._ordeal.workers())
            self._longest = await self._undisturbed()
            while victims:
                number = self._chance.choice(KILLS_OF_A_REBUILD)
                now, victims = victims[:number], victims[number:]
                projection, story = self._chance.choice(PROJECTIONS), [f"seed {self._seed}"]
                try:
                    workers = await self._rebuild(projection, now, workers, running, story)
                except BaseException as error:
                    error.add_note(", ".join(story))
                    raise

    def _victims(self, kills: int) -> list[Victim]:
        """Return whom to kill: everyone about as often, in any order."""
        victims = [VICTIMS[number % len(VICTIMS)] for number in range(kills)]
        self._chance.shuffle(victims)
        return victims

    async def _undisturbed(self) -> float:
        """Return how many seconds a rebuild takes, once it has connected."""
        with self._ordeal.rebuild(seats.PROJECTION) as rebuild:
            await self._has_begun()
            begun = time.monotonic()
            await rebuild.is_done()
            return time.monotonic() - begun

    async def _rebuild(
        self,
        projection: Projection,
        victims: list[Victim],
        workers: Command,
        running: ExitStack,
        story: list[str],
    ) -> Command:
        """Rebuild, and kill the victims one after the other, each at a moment of its own.

        The workers that are there afterwards are returned; `story` is added to as it goes on.
        """
        with ExitStack() as rebuilds:
            rebuild = rebuilds.enter_context(self._ordeal.rebuild(projection))
            for victim in victims:
                if rebuild.done or not rebuild.running:
                    rebuild.kill_all()
                    rebuild = rebuilds.enter_context(self._ordeal.rebuild(projection))
                await self._has_begun()
                moment = self._chance.random() * self._longest
                self.kills += 1
                story.append(f"kill {self.kills} of {victim}, {projection.name}, after {moment:.3f} s")
                await rebuild.is_done_within(moment)
                match victim:
                    case "the rebuild":
                        rebuild.kill()
                        await rebuild.leaves_nothing()
                    case "one of its processes":
                        await self._kill_one_of_its_processes(rebuild)
                    case "the workers":
                        workers.kill()
                        workers = running.enter_context(self._ordeal.workers())
                    case "PostgreSQL":
                        await self._ordeal.kill_server()
                await self._ordeal.is_read()
            story.append("none further")
            if rebuild.running:
                await rebuild.is_done()
            else:
                await self._ordeal.finish(projection)
            await self._ordeal.is_sound(projection)
        return workers

    async def _kill_one_of_its_processes(self, rebuild: Command) -> None:
        if not rebuild.kill_one_of_its_processes():
            rebuild.kill()
            return
        await until(lambda: rebuild.done or not rebuild.running, 60)
        # What had done its work already is not missed.
        assert rebuild.done or rebuild.complained.splitlines()[-1] == ONE_WAS_KILLED

    async def _has_begun(self) -> None:
        async with await AsyncConnection.connect(self._ordeal.log.database_url, autocommit=True) as watching:
            await row(watching, _BEGUN)


async def campaign(kills: int, seed: int) -> None:
    """Run a campaign on a server of its own, and say how it went."""
    with temporary_home() as home:
        server = PostgresServer(home)
        server.engine.start()
        try:
            with a_history(server) as url:
                async with an_ordeal(server, url, random.Random(seed), patient=True) as ordeal:
                    await Campaign(ordeal, seed).run(kills)
        finally:
            server.engine.remove()
    sys.stdout.write(
        f"{kills} kills, seed {seed}: every rebuild ended, and what is read is as the log says\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill rebuilds, their processes, workers and PostgreSQL.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    asyncio.run(campaign(given.kills, given.seed))


if __name__ == "__main__":
    main()
