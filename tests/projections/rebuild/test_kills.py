"""SIGKILL of a rebuild, its processes, workers and PostgreSQL: it is gone on with, and its result right."""

import asyncio
import random
from collections.abc import Iterator

import pytest

from studyspot.projections.builds import Build
from studyspot.projections.models import bookings, seats
from tests.engines import PostgresServer
from tests.projections.rebuild.campaign import Campaign
from tests.projections.rebuild.command import ONE_WAS_KILLED
from tests.projections.rebuild.holding import STAGES, Stage, held
from tests.projections.rebuild.ordeal import Ordeal, a_history, an_ordeal

pytestmark = pytest.mark.timeout(300)

RANDOM_KILLS = 4
SEED = 20261201


@pytest.fixture(scope="module")
def history_url(postgres_server: PostgresServer) -> Iterator[str]:
    with a_history(postgres_server) as url:
        yield url


async def test_a_rebuild_killed_at_each_of_its_stages_is_gone_on_with(
    postgres_server: PostgresServer, history_url: str
) -> None:
    async with an_ordeal(postgres_server, history_url, random.Random(1), patient=False) as ordeal:
        old = ordeal.current(bookings.PROJECTION)
        done: dict[int, int] = {}
        with ordeal.workers():
            for stage in STAGES:
                with ordeal.rebuild(bookings.PROJECTION, cold=True) as rebuild:
                    async with held(history_url, bookings.PROJECTION, stage):
                        rebuild.kill()
                        await rebuild.leaves_nothing()
                        await ordeal.is_still_read_from(old)
                now_done = ordeal.done_parts(bookings.PROJECTION)
                assert done.items() <= now_done.items(), f"killed when {stage}: what was done is lost"
                done = now_done
            rebuilt = await ordeal.finish(bookings.PROJECTION)
            assert rebuilt.build.number == old.number + 1, "it was begun anew"
            await ordeal.is_sound(bookings.PROJECTION)


async def test_of_a_rebuild_one_process_is_killed_and_what_the_others_have_done_is_kept(
    postgres_server: PostgresServer, history_url: str
) -> None:
    async with an_ordeal(postgres_server, history_url, random.Random(2), patient=False) as ordeal:
        old = ordeal.current(seats.PROJECTION)
        with ordeal.workers():
            with ordeal.rebuild(seats.PROJECTION, cold=True) as rebuild:
                async with held(history_url, seats.PROJECTION, "a part is done"):
                    rebuild.kill_one_of_its_processes()
                    assert await rebuild.ends() == 1
                    await ordeal.is_still_read_from(old)
                assert rebuild.complained.splitlines() == [ONE_WAS_KILLED]
            assert ordeal.done_parts(seats.PROJECTION).keys() == {0}
            await ordeal.finish(seats.PROJECTION)
            await ordeal.is_sound(seats.PROJECTION)


@pytest.mark.parametrize(
    "stages",
    [("reading", "copying", "a part is done", "indexing"), ("catching up",), ("moving the pointer",)],
    ids=" ".join,
)
async def test_a_rebuild_waits_for_a_database_that_was_killed_and_goes_on_by_itself(
    postgres_server: PostgresServer, history_url: str, stages: tuple[Stage, ...]
) -> None:
    async with an_ordeal(postgres_server, history_url, random.Random(3), patient=True) as ordeal:
        with ordeal.workers():
            for stage in stages:
                old = ordeal.current(seats.PROJECTION)
                # Begun first: a rebuild that is quick must not have passed the stage already.
                killing = asyncio.create_task(kill_server_at(ordeal, stage, old))
                with ordeal.rebuild(seats.PROJECTION, cold=True) as rebuild:
                    await killing
                    await ordeal.is_read()
                    await rebuild.is_done()
                    assert "rebuild waits for the database" in rebuild.complained
                assert ordeal.current(seats.PROJECTION).number > old.number
            await ordeal.is_sound(seats.PROJECTION)


async def kill_server_at(ordeal: Ordeal, stage: Stage, old: Build) -> None:
    async with held(ordeal.log.database_url, seats.PROJECTION, stage):
        await ordeal.is_still_read_from(old)
        await ordeal.kill_server()


async def test_kills_at_random_moments_change_nothing_of_what_is_read_in_the_end(
    postgres_server: PostgresServer, history_url: str
) -> None:
    async with an_ordeal(postgres_server, history_url, random.Random(4), patient=True) as ordeal:
        campaign = Campaign(ordeal, SEED)
        await campaign.run(RANDOM_KILLS)
    assert campaign.kills == RANDOM_KILLS
