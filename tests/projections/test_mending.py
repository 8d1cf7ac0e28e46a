"""Parked events are applied again, or dropped for ever, also while the events of their key keep coming."""

import asyncio
from dataclasses import replace
from itertools import count

import psycopg
import pytest
from prometheus_client import REGISTRY

from studyspot.projections.builds import CHANNEL, Build
from studyspot.projections.errors import TablesLost
from studyspot.projections.mending import Mended, NotFirst, OtherVersionServed, drop, retry
from studyspot.projections.models import bookings, libraries
from studyspot.projections.parked_events import NotParked, parked_counts, parked_event, parked_keys
from studyspot.projections.projection import Projection
from studyspot.projections.worker import Worker
from tests.projections.happenings import HOUR, NINE, booked, cancelled, checked_in, checked_out, opened
from tests.projections.poison import append_raw, failing_at, refused_at
from tests.projections.system import Log, until, working

B1, B2 = booked("B1"), booked("B2", start=NINE + HOUR)
STATUSES = "SELECT booking_id, status FROM read.bookings_4_1 ORDER BY booking_id"
PARKED = "SELECT position, reason IS NOT NULL FROM read.parked ORDER BY position"
SOUND = bookings.PROJECTION
PATIENCE_SECONDS = 30.0
MANY = 40
"""Events that are parked before a retry begins."""


async def broken(log: Log, projection: Projection) -> None:
    """Bring a projection that parks something to the log's head."""
    async with working(log, projection):
        await until(lambda: log.position(projection.name) == log.store.head().position)


async def test_a_retry_applies_the_key_in_order_and_sets_it_free(log: Log) -> None:
    await log.append(opened(), B1, B2, checked_in(B1), checked_out(B1))
    await broken(log, failing_at(SOUND, 2))
    assert log.rows(STATUSES) == [("B2", "confirmed")]
    assert retry(log.database_url, SOUND, 2) == Mended("B1", applied=3)
    assert log.rows(STATUSES) == [("B1", "completed"), ("B2", "confirmed")]
    assert log.rows(PARKED) == []


async def test_a_retry_stops_at_the_first_that_still_fails_and_keeps_its_reason(log: Log) -> None:
    await log.append(opened(), B1, checked_in(B1), booked("B1", hours=2), cancelled(B1))
    await broken(log, failing_at(SOUND, 2, 4))
    mended = retry(log.database_url, failing_at(SOUND, 4), 2)
    assert (mended.applied, mended.position, mended.free) == (2, 4, False)
    assert log.rows(STATUSES) == [("B1", "checked-in")]
    assert log.rows(PARKED) == [(4, True), (5, False)]
    assert log.rows("SELECT reason FROM read.parked WHERE position = 4") == [(mended.reason,)]
    assert retry(log.database_url, SOUND, 4).free
    assert log.rows(STATUSES) == [("B1", "cancelled")]


async def test_a_row_that_the_table_still_refuses_stays_parked_and_those_before_it_do_not(log: Log) -> None:
    await log.append(opened(), B1, checked_in(B1), booked("B1", hours=2))
    await broken(log, failing_at(SOUND, 2))
    mended = retry(log.database_url, refused_at(SOUND, {4}, "status"), 2)
    assert (mended.applied, mended.position) == (2, 4)
    assert "status" in (mended.reason or "")
    assert log.rows(STATUSES) == [("B1", "checked-in")]


async def test_only_the_first_of_a_key_can_be_retried_or_dropped(log: Log) -> None:
    await log.append(opened(), B1, checked_in(B1))
    await broken(log, failing_at(SOUND, 2))
    with pytest.raises(NotFirst) as refused:
        retry(log.database_url, SOUND, 3)
    assert refused.value.first == 2
    with pytest.raises(NotFirst):
        drop(log.database_url, SOUND, 3, "no")
    for position in (1, 9):
        with pytest.raises(NotParked):
            retry(log.database_url, SOUND, position)
    assert log.rows(PARKED) == [(2, True), (3, False)]
    assert log.rows("SELECT * FROM read.dropped") == []


async def test_a_dropped_event_is_left_out_and_its_followers_are_applied(log: Log) -> None:
    later = booked("B1", hours=3)
    await log.append(opened(), B1, later, checked_in(later))
    await broken(log, failing_at(SOUND, 2))
    assert drop(log.database_url, failing_at(SOUND, 2), 2, "an error of ours") == Mended("B1", applied=2)
    assert log.rows(STATUSES) == [("B1", "checked-in")]
    assert log.rows("SELECT name, position, key, reason FROM read.dropped") == [
        ("bookings", 2, "B1", "an error of ours")
    ]


async def test_a_dropped_event_is_left_out_of_a_later_build_as_well(log: Log) -> None:
    await log.append(opened(), B1, checked_in(B1), B2)
    await broken(log, failing_at(SOUND, 2))
    assert drop(log.database_url, failing_at(SOUND, 2), 2, "an error of ours").free
    with psycopg.connect(log.database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM read.current")
        connection.execute("UPDATE read.builds SET superseded_at = clock_timestamp()")
    async with working(log, failing_at(SOUND, 2)):
        await until(
            lambda: log.rows(
                "SELECT 1 FROM read.current JOIN read.builds USING (name, version, number) WHERE position = 4"
            )
        )
    assert log.rows("SELECT number FROM read.current") == [(2,)]
    assert log.rows(PARKED) == []
    assert log.rows("SELECT booking_id FROM read.bookings_4_2") == [("B2",)]


async def test_a_key_is_retried_while_its_events_keep_coming(log: Log) -> None:
    """Few at a time, so that the worker parks, and is let go, between the parts of the retry."""
    await log.append(opened(), B1)
    await broken(log, failing_at(SOUND, 2))
    enough = asyncio.Event()

    async def keep_coming(one: Worker) -> int:
        position = 0
        for number in count():
            if enough.is_set():
                break
            await log.append(checked_in(B1), checked_out(B1))
            position = await log.append(booked(f"C{number:04}", start=NINE + number * HOUR))
            if number > MANY:
                # No faster than they are parked: who retries has to come to an end some time.
                await until(lambda: one.position >= position)  # noqa: B023  # Awaited here.
        return position

    async with working(log, SOUND) as one, working(log, SOUND) as other:
        coming = asyncio.create_task(keep_coming(one))
        await until(lambda: log.rows("SELECT 1 FROM read.parked OFFSET %s", MANY))
        try:
            mended = await asyncio.to_thread(retry, log.database_url, SOUND, 2, at_once=7)
        finally:
            enough.set()
            head = await coming
        await until(lambda: one.position == other.position == head)
    assert mended.free
    assert mended.applied > MANY
    assert log.rows(PARKED) == []
    assert log.rows(STATUSES)[0] == ("B1", "completed"), "as the last of its events says"
    assert len(log.rows(STATUSES)) == 1 + (head - 2) // 3
    # Whatever was parked in between was applied in its order: the row is of the last event.
    ((changed_at,),) = log.rows("SELECT changed_at FROM read.bookings_4_1 WHERE booking_id = 'B1'")
    newest = log.store.read(after=head - 2).events[0]
    assert newest.type == "booking.checked-out"
    assert changed_at.isoformat().replace("+00:00", "Z").encode() in newest.data


async def test_of_two_retries_at_once_one_applies_each_event(log: Log) -> None:
    await log.append(opened(), B1, *[checked_in(B1)] * 300)
    await broken(log, failing_at(SOUND, 2))
    results = await asyncio.gather(
        *(asyncio.to_thread(retry, log.database_url, SOUND, 2) for _ in range(2)), return_exceptions=True
    )
    done = [result for result in results if isinstance(result, Mended)]
    assert [result for result in results if not isinstance(result, Mended | NotParked)] == []
    assert sum(result.applied for result in done) == 301
    assert log.rows(PARKED) == []


async def test_a_retry_that_was_ended_in_the_middle_is_gone_on_with(log: Log) -> None:
    await log.append(opened(), B1, checked_in(B1), checked_out(B1), cancelled(B1))
    await broken(log, failing_at(SOUND, 2))
    with psycopg.connect(log.database_url, autocommit=True) as connection:
        # The second part of the retry meets a database that is going away.
        connection.execute(
            "CREATE FUNCTION read.away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION 'planted' USING ERRCODE = 'admin_shutdown'; END $$"
        )
        connection.execute(
            "CREATE TRIGGER away BEFORE DELETE ON read.parked FOR EACH ROW WHEN (old.position = 4)"
            " EXECUTE FUNCTION read.away()"
        )
        with pytest.raises(psycopg.OperationalError):
            retry(log.database_url, SOUND, 2, at_once=2)
        assert log.rows(PARKED) == [(4, True), (5, False)], "the first of a key always tells a reason"
        connection.execute("DROP TRIGGER away ON read.parked")
    assert retry(log.database_url, SOUND, 4).free
    assert log.rows(STATUSES) == [("B1", "cancelled")]


async def test_readers_are_told_when_a_retry_changed_rows(log: Log) -> None:
    await log.append(opened(), B1)
    with psycopg.connect(log.database_url, autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        await broken(log, failing_at(SOUND, 2))
        # What was to be told of that has come before this.
        log.announcer.tell(Build("fence", 1, 1), 1)
        told: list[str] = []
        while "fence 1 1 1" not in told:
            notices = listener.notifies(timeout=PATIENCE_SECONDS, stop_after=1)
            told += [notice.payload for notice in await asyncio.to_thread(list, notices)]
        retry(log.database_url, failing_at(SOUND, 2), 2)
        assert list(listener.notifies(timeout=0.1)) == [], "nothing changed"
        retry(log.database_url, SOUND, 2)
        told = [notice.payload for notice in listener.notifies(timeout=PATIENCE_SECONDS, stop_after=1)]
        assert told == ["bookings 4 1 2"]


async def test_another_releases_build_and_lost_tables_are_left_alone(log: Log) -> None:
    await log.append(opened(), B1)
    await broken(log, failing_at(SOUND, 2))
    newer = replace(SOUND, version=SOUND.version + 1)
    with pytest.raises(OtherVersionServed):
        retry(log.database_url, newer, 2)
    with psycopg.connect(log.database_url, autocommit=True) as connection:
        connection.execute("DROP TABLE read.bookings_4_1")
    with pytest.raises(TablesLost):
        retry(log.database_url, SOUND, 2)
    assert log.rows(PARKED) == [(2, True)]


async def test_what_is_parked_is_listed_by_key_and_shown_with_its_followers(log: Log) -> None:
    assert parked_keys(log.database_url, SOUND) == ()
    assert parked_counts(log.database_url) == {}
    await log.append(opened())
    await append_raw(log, "booking.created", b'{"v":1,"data":{"bookingId":"B1","libraryId":"L1"}}')
    await log.append(B2, cancelled(B1), cancelled(B2))
    await broken(log, failing_at(SOUND, 3))
    first, second = parked_keys(log.database_url, SOUND)
    assert (first.position, first.type, first.key, first.followers) == (2, "booking.created", "B1", 1)
    assert (first.library_id, first.user_id) == ("L1", None)
    assert second.reason == "ZeroDivisionError('planted at 3')"
    shown = parked_event(log.database_url, SOUND, 4)
    assert (shown.event.type, shown.first) == ("booking.cancelled", first)
    assert [(one.position, one.type) for one in shown.followers] == [(4, "booking.cancelled")]
    with pytest.raises(NotParked):
        parked_event(log.database_url, SOUND, 1)
    with pytest.raises(NotParked):
        parked_event(log.database_url, libraries.PROJECTION, 2)
    assert parked_counts(log.database_url) == {"bookings": 4}


async def test_the_metric_is_right_after_parking_restart_retry_and_drop(log: Log) -> None:
    def told() -> float | None:
        return REGISTRY.get_sample_value("studyspot_projection_parked", {"projection": "bookings"})

    await log.append(opened(), B1, B2)
    async with working(log, failing_at(SOUND, 2, 3)):
        await until(lambda: told() == 2)
        await log.append(checked_in(B1))
        await until(lambda: told() == 3)
    async with working(log, SOUND) as worker:
        await until(lambda: worker.parked == 3)
        await asyncio.to_thread(retry, log.database_url, SOUND, 2)
        await until(lambda: told() == 1)
        await asyncio.to_thread(drop, log.database_url, SOUND, 3, "an error of ours")
        await until(lambda: told() == 0)


async def test_a_retry_does_not_hold_up_other_keys(log: Log) -> None:
    await log.append(opened(), B1)
    for _ in range(20):
        await log.append(*[checked_in(B1)] * 200)
    await broken(log, failing_at(SOUND, 2))
    async with working(log, SOUND) as worker:
        await until(lambda: worker.position == 4002)
        retrying = asyncio.create_task(asyncio.to_thread(retry, log.database_url, SOUND, 2))
        others = 0
        while not retrying.done():
            position = await log.append(booked(f"C{others}", start=NINE + others * HOUR))
            await until(lambda: worker.position >= position)  # noqa: B023  # Awaited here.
            others += 1
        assert (await retrying).applied == 4001
    # The first of them would have waited for the whole of it.
    assert others > 2, "the lock is let go again and again"
