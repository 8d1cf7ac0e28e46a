import asyncio

import pytest

from studyspot.projections.builds import Build
from studyspot.projections.models import audit, bookings, seats
from studyspot.projections.models.registry import PROJECTIONS
from studyspot.projections.projection import Projection
from studyspot.projections.rebuild.errors import RebuildRunning
from studyspot.projections.rebuild.progress import Progress
from studyspot.projections.rebuild.run import rebuild_all
from tests.projections.happenings import opened
from tests.projections.rebuild.holding import held
from tests.projections.rebuild.steps import all_rows, current, rebuild
from tests.projections.system import Log, until, working


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.name)
async def test_a_rebuild_ends_with_the_rows_of_the_worker(history: Log, projection: Projection) -> None:
    head = history.store.head().position
    async with working(history, projection) as worker:
        await until(lambda: worker.position == head, limit=60)
    kept_up = Build(projection.name, projection.version, 1)
    assert current(history, projection) == kept_up

    rebuilt = await rebuild(history, projection, workers=2)

    assert (rebuilt.build.number, rebuilt.position, rebuilt.parked) == (2, head, 0)
    assert current(history, projection) == rebuilt.build
    assert all_rows(history, projection, rebuilt.build) == all_rows(history, projection, kept_up)


async def test_those_rebuilt_together_are_as_each_is_by_itself(history: Log) -> None:
    projections = (seats.PROJECTION, bookings.PROJECTION, audit.PROJECTION)
    alone = {projection.name: await rebuild(history, projection) for projection in projections}
    rebuilding = rebuild_all(
        projections,
        database_url=history.database_url,
        store=history.store,
        workers=2,
        tell=lambda progress: None,
    )
    together = {rebuilt.build.name: rebuilt async for rebuilt in rebuilding}
    for projection in projections:
        first, second = alone[projection.name].build, together[projection.name].build
        assert second.number == first.number + 1
        assert all_rows(history, projection, second) == all_rows(history, projection, first)


async def test_a_rebuild_tells_how_far_it_is(history: Log) -> None:
    told: list[Progress] = []
    rebuilt = await rebuild(history, bookings.PROJECTION, told)
    assert {progress.name for progress in told} == {"bookings"}
    assert list(dict.fromkeys(progress.stage for progress in told)) == [
        "reading the log",
        "building indexes",
        "catching up",
        "done",
    ]
    events = [progress.events for progress in told]
    assert events == sorted(events)
    assert events[-1] == rebuilt.events == told[0].of_events > 4000


async def test_a_second_rebuild_of_the_same_projection_is_refused(history: Log) -> None:
    first = asyncio.create_task(rebuild(history, seats.PROJECTION))
    async with held(history.database_url, seats.PROJECTION, "copying"):
        with pytest.raises(RebuildRunning, match="wait until it has ended"):
            await rebuild(history, seats.PROJECTION)
        await rebuild(history, bookings.PROJECTION)
    assert (await first).build.number == 1


async def test_a_worker_moves_over_to_the_new_build_and_goes_on(history: Log) -> None:
    async with working(history, seats.PROJECTION) as worker:
        await until(lambda: worker.position == history.store.head().position, limit=60)
        await rebuild(history, seats.PROJECTION)
        position = await history.append(opened("L-new"))
        await until(lambda: worker.position == position)
        new = current(history, seats.PROJECTION)
        assert new.number == 2
