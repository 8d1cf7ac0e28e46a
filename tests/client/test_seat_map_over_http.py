"""The map that is read over HTTP, and the frames since, on the real tables."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random

import httpx
import pytest

from studyspot.client.seat_map import SeatMapFold
from studyspot.projections.models import seats
from studyspot.wire.read_bodies import SeatMap
from tests.client.seat_days import DAY, KINDS, SEATS, SeatDays, Step
from tests.client.seat_maps import frames
from tests.engines import PostgresServer
from tests.projections.queries.asking import ask_map
from tests.projections.serving import Patient, reads_of
from tests.projections.system import Log, a_log, working

START, END = DAY + timedelta(hours=9), DAY + timedelta(hours=18)


@pytest.fixture
async def log(postgres_server: PostgresServer) -> AsyncIterator[Log]:
    with postgres_server.migrated_database() as url:
        async with a_log(url) as log:
            yield log


@pytest.fixture
async def reads(log: Log) -> AsyncIterator[httpx.AsyncClient]:
    async with working(log, seats.PROJECTION), reads_of(log, Patient()) as client:
        yield client


def some_steps(count: int) -> list[Step]:
    """The same on every run."""
    chance = Random(17)
    return [
        Step(
            chance.choice(KINDS),
            chance.randrange(4),
            chance.choice(SEATS),
            chance.randrange(4, 21),
            chance.randrange(1, 4),
            chance.choice((0, 10, 90)),
        )
        for _ in range(count)
    ]


async def test_what_is_read_and_what_is_folded_stay_equal(log: Log, reads: httpx.AsyncClient) -> None:
    events = SeatDays(some_steps(300)).events
    folds: list[SeatMapFold] = []
    parts = [events[first : first + 20] for first in range(0, len(events), 20)]
    assert len(parts) > 5

    for number, part in enumerate(parts):
        position = await log.append(*part)
        read = SeatMap.model_validate(await ask_map(reads, position, START, END))
        assert read.position == position == number * 20 + len(part)
        for fold in folds:
            for frame in frames(part, first=number * 20 + 1):
                fold.apply(frame)
            now = max(datetime.now(UTC), read.server_now)
            assert fold.seat_map.at(now).seats == {seat.id: seat for seat in read.seats}
        folds.append(SeatMapFold("L1", START, END, read))
