import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from studyspot.projections.models import bookings, seats
from studyspot.projections.models.registry import PROJECTIONS
from studyspot.projections.projection import Projection
from studyspot.projections.rebuild.errors import RebuildRunning
from studyspot.projections.verification.run import NotBuilt
from tests.projections.rebuild.steps import rebuild, verifying
from tests.projections.system import Log, until


@pytest.fixture
async def built(history: Log) -> AsyncIterator[Log]:
    """The history, and its bookings."""
    await rebuild(history, bookings.PROJECTION)
    yield history
    scratch = "SELECT FROM pg_tables WHERE schemaname = 'read' AND tablename ~ '_0$'"
    assert history.rows(scratch) == [], "a verification left its tables"


def spoil(log: Log, statement: str) -> None:
    with psycopg.connect(log.database_url) as connection:
        assert connection.execute(statement.encode()).rowcount == 1


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.name)
async def test_rows_that_follow_from_the_log_verify(history: Log, projection: Projection) -> None:
    await rebuild(history, projection, workers=2)
    verified = await verifying(history, projection)
    tables = [f"read.{table.name}_{projection.version}_1" for table in projection.tables]
    [(count,)] = history.rows("SELECT " + " + ".join(f"(SELECT count(*) FROM {table})" for table in tables))
    assert verified.difference is None
    assert (verified.rows, verified.position) == (count, history.store.head().position)
    assert verified.keys is None


async def test_a_row_that_was_changed_is_named_with_its_columns(built: Log) -> None:
    [(booking_id, status)] = built.rows("SELECT booking_id, status FROM read.bookings_4_1 LIMIT 1")
    spoil(built, f"UPDATE read.bookings_4_1 SET status = 'lost' WHERE booking_id = '{booking_id}'")
    difference = (await verifying(built, bookings.PROJECTION)).difference
    assert difference is not None
    assert (difference.table, difference.key) == ("bookings", {"booking_id": booking_id})
    assert difference.columns == ("status",)
    assert difference.expected is not None
    assert difference.found is not None
    assert (difference.expected["status"], difference.found["status"]) == (status, "lost")


async def test_a_row_that_is_missing_is_named(history: Log) -> None:
    await rebuild(history, seats.PROJECTION)
    [(occupation,)] = history.rows("SELECT occupation FROM read.occupations_2_1 LIMIT 1")
    spoil(history, f"DELETE FROM read.occupations_2_1 WHERE occupation = '{occupation}'")
    missing = (await verifying(history, seats.PROJECTION)).difference
    assert missing is not None
    assert (missing.table, missing.key, missing.found) == ("occupations", {"occupation": occupation}, None)
    assert missing.expected is not None


async def test_a_row_too_many_is_named(history: Log) -> None:
    await rebuild(history, seats.PROJECTION)
    spoil(history, "INSERT INTO read.seat_maps_2_1 (library_id) VALUES ('L-invented')")
    invented = (await verifying(history, seats.PROJECTION)).difference
    assert invented is not None
    assert (invented.table, invented.expected) == ("seat_maps", None)
    assert invented.found == {"library_id": "L-invented"}


async def test_a_sample_looks_at_some_keys_only_and_at_other_ones_each_time(built: Log) -> None:
    samples = [await verifying(built, bookings.PROJECTION, sample=100) for _ in range(2)]
    for sample in samples:
        assert sample.difference is None
        assert sample.keys is not None
        assert 40 < sample.keys < 200
        # A booking has a row, and here at most two entries in its ledger.
        assert sample.rows <= 3 * sample.keys
    whole = await verifying(built, bookings.PROJECTION, sample=10**6)
    assert whole.keys is None


async def test_a_sample_finds_what_is_wrong_everywhere(built: Log) -> None:
    with psycopg.connect(built.database_url) as connection:
        connection.execute("UPDATE read.bookings_4_1 SET amount_minor = amount_minor + 1")
    assert (await verifying(built, bookings.PROJECTION, sample=20)).difference is not None


async def test_a_projection_that_was_never_built_cannot_be_verified(built: Log) -> None:
    with pytest.raises(NotBuilt, match="projections rebuild seats"):
        await verifying(built, seats.PROJECTION)


async def test_two_verifications_of_one_projection_do_not_share_tables(built: Log) -> None:
    async with await psycopg.AsyncConnection.connect(built.database_url) as holding:
        # The first has its tables, and cannot read the log.
        await holding.execute("LOCK TABLE store.events IN ACCESS EXCLUSIVE MODE")
        first = asyncio.create_task(verifying(built, bookings.PROJECTION))
        await until(lambda: built.rows("SELECT FROM pg_tables WHERE tablename = 'bookings_4_0'"))
        with pytest.raises(RebuildRunning):
            await verifying(built, bookings.PROJECTION)
    assert (await first).difference is None
