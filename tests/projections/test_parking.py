"""What cannot be applied is parked with its key; all else goes on; an outage is never taken for poison."""

import asyncio
import time
from dataclasses import replace
from statistics import median
from typing import Any

import orjson
import psycopg
import pytest
from nats.aio.client import Client
from psycopg import errors
from structlog.testing import capture_logs

from studyspot.catalogue.codec import Metadata, Recorded, encode
from studyspot.catalogue.types import UnknownEventVersion
from studyspot.event_store.errors import StoreUnavailable
from studyspot.projections.errors import PoisonEvent
from studyspot.projections.models import bookings, libraries, seats
from studyspot.projections.parking import (
    LONGEST_ID_BYTES,
    MOST_CHARACTERS,
    Parked,
    Sorted,
    Unreadable,
    is_poison,
    read,
    said,
    sort,
    storable,
)
from studyspot.projections.projection import PutRow
from tests.engines import NatsServer, PostgresServer
from tests.projections.happenings import HOUR, NINE, booked, cancelled, checked_in, opened, recorded
from tests.projections.poison import append_raw, failing_at, overwrite, refused_at
from tests.projections.system import Log, a_log, until, until_consumed, working

STATUSES = "SELECT booking_id, status FROM read.bookings_4_1 ORDER BY booking_id"
PARKED = "SELECT position, key, reason IS NOT NULL FROM read.parked WHERE name = %s ORDER BY position"
B1, B2 = booked("B1"), booked("B2", start=NINE + HOUR)


def parked(log: Log, name: str = "bookings") -> list[Any]:
    try:
        return log.rows(PARKED, name)
    except psycopg.errors.UndefinedTable:
        return []


def test_an_event_that_fails_is_parked_with_the_later_ones_of_its_key() -> None:
    happened = [recorded(B1, 1), recorded(B2, 2), recorded(cancelled(B1), 3), recorded(cancelled(B2), 4)]
    result = sort(failing_at(bookings.PROJECTION, 1), happened, frozenset(), frozenset())
    assert result.parked == (
        Parked(1, "B1", "L1", "student", "ZeroDivisionError('planted at 1')"),
        Parked(3, "B1", "L1", "student", None),
    )
    assert result.keys() == {"B1"}
    assert _bookings_changed(result) == {"B2"}


def _bookings_changed(result: Sorted) -> set[str]:
    """Whose rows change, whether of the booking or of its ledger."""
    rows = (change.row if isinstance(change, PutRow) else change.key for change in result.changes)
    return {row["booking_id"] for row in rows}


def test_an_event_of_a_parked_key_follows_though_it_could_be_applied() -> None:
    result = sort(bookings.PROJECTION, [recorded(B1, 5), recorded(B2, 6)], frozenset({"B1"}), frozenset())
    assert [(one.position, one.reason) for one in result.parked] == [(5, None)]
    assert _bookings_changed(result) == {"B2"}


def test_a_dropped_event_is_left_out_and_parks_nothing() -> None:
    happened = [recorded(B1, 1), recorded(cancelled(B1), 2)]
    result = sort(failing_at(bookings.PROJECTION, 1), happened, frozenset(), frozenset({1}))
    assert result.parked == ()
    assert _bookings_changed(result) == {"B1"}
    assert not any(
        isinstance(change, PutRow) and change.table is bookings.BOOKINGS for change in result.changes
    )


def test_what_is_not_the_events_fault_ends_the_work() -> None:
    def changes(_: Recorded) -> Any:
        raise MemoryError

    starved = replace(bookings.PROJECTION, changes=changes)
    with pytest.raises(MemoryError):
        sort(starved, [recorded(B1, 1)], frozenset(), frozenset())


def test_an_owner_is_whom_a_librarys_parked_event_concerns() -> None:
    result = sort(failing_at(libraries.PROJECTION, 1), [recorded(opened())], frozenset(), frozenset())
    assert result.parked[0].user_id == "owner"


def test_a_reason_is_something_that_postgresql_can_keep() -> None:
    def changes(_: Recorded) -> Any:
        raise ValueErrorWithText

    class ValueErrorWithText(ValueError):
        def __repr__(self) -> str:
            return "a\0b\ud800" + "x" * 2 * MOST_CHARACTERS

    wordy = replace(bookings.PROJECTION, changes=changes)
    reason = sort(wordy, [recorded(B1)], frozenset(), frozenset()).parked[0].reason
    assert reason is not None
    assert reason.startswith("a\\0b\\ud800x")
    assert len(reason) <= MOST_CHARACTERS + 2


HOSTILE = ("s\0x", "s\\0x", "s\ud800x", "s" * 5000, "s" * 5001, "s" * 90 + "\0x", "s" * 90 + "\0y")


def test_ids_are_parked_as_postgresql_can_keep_them_and_stay_different() -> None:
    parked_as = [storable(identifier) for identifier in HOSTILE]
    assert len(set(parked_as)) == len(HOSTILE)
    for identifier in parked_as:
        assert "\0" not in identifier
        assert len(identifier.encode()) <= LONGEST_ID_BYTES
    for whole in ("B1", "é" * 100, "back\\slash"):
        assert storable(whole) == whole


def test_a_key_that_cannot_be_kept_is_recognized_by_its_followers_and_after_a_restart() -> None:
    strange = replace(B1, booking_id="B\0x")
    failing = failing_at(bookings.PROJECTION, 1)
    happened = [recorded(strange, 1), recorded(cancelled(strange), 2)]
    begun = sort(failing, happened, frozenset(), frozenset())
    assert [one.key for one in begun.parked] == [storable("B\0x")] * 2
    later = sort(bookings.PROJECTION, [recorded(cancelled(strange), 3)], begun.keys(), frozenset())
    assert [one.position for one in later.parked] == [3]


STORED = encode(B1, Metadata(time=NINE, command_id="c"))


def damaged(**facts: Any) -> bytes:
    stored = orjson.loads(STORED)
    stored["data"] = {**stored["data"], **facts}
    return orjson.dumps(stored)


def test_the_key_of_an_unreadable_event_is_that_of_its_type() -> None:
    for projection, key in ((bookings.PROJECTION, "B1"), (seats.PROJECTION, "o-B1")):
        happened = read(projection, 1, "e1", "booking.created", damaged(amountMinor="much"))
        assert isinstance(happened, Unreadable)
        assert (happened.key, happened.library_id, happened.user_id) == (key, "L1", "student")
        assert happened.reason.startswith("amountMinor: ")


@pytest.mark.parametrize(
    "data",
    [b"no JSON", b"[]", b'{"data":1}', damaged(bookingId=None), damaged(bookingId="a b", start="soon")],
)
def test_an_event_whose_key_cannot_be_read_stops_the_projection(data: bytes) -> None:
    with pytest.raises(PoisonEvent):
        read(bookings.PROJECTION, 1, "e1", "booking.created", data)


def test_a_missing_key_is_not_replaced_by_that_of_another_event() -> None:
    stored = orjson.loads(STORED)
    del stored["data"]["occupation"]
    with pytest.raises(PoisonEvent):
        read(seats.PROJECTION, 1, "e1", "booking.created", orjson.dumps(stored))


def test_what_a_newer_release_wrote_is_not_poison() -> None:
    stored = orjson.loads(STORED) | {"v": 99}
    with pytest.raises(UnknownEventVersion):
        read(bookings.PROJECTION, 1, "e1", "booking.created", orjson.dumps(stored))


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError(),
        KeyError("x"),
        TypeError(),
        AssertionError(),
        RecursionError(),
        errors.NotNullViolation(),
        errors.CheckViolation(),
        errors.UniqueViolation(),
        errors.NumericValueOutOfRange(),
        errors.InvalidDatetimeFormat(),
        errors.UntranslatableCharacter(),
        errors.ProgramLimitExceeded(),  # a value too long for an index
        psycopg.DataError("text cannot contain NUL"),
    ],
)
def test_what_would_happen_again_is_poison(error: Exception) -> None:
    assert is_poison(error)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(28, "no space left on device"),
        ConnectionResetError(),
        TimeoutError(),
        asyncio.CancelledError(),
        StoreUnavailable("away"),
        psycopg.OperationalError("connection lost"),
        psycopg.InterfaceError("the connection is closed"),
        errors.ConnectionFailure(),
        errors.AdminShutdown(),
        errors.CrashShutdown(),
        errors.CannotConnectNow(),
        errors.QueryCanceled(),
        errors.LockNotAvailable(),
        errors.DeadlockDetected(),
        errors.SerializationFailure(),
        errors.DiskFull(),
        errors.OutOfMemory(),
        errors.TooManyConnections(),
        errors.IoError(),
        errors.IdleInTransactionSessionTimeout(),
        errors.ReadOnlySqlTransaction(),
        errors.InternalError_(),
        errors.DataCorrupted(),
        errors.FeatureNotSupported(),
        errors.UndefinedTable(),
        errors.UndefinedColumn(),
        errors.InsufficientPrivilege(),
    ],
)
def test_what_may_pass_is_not_poison(error: BaseException) -> None:
    assert not is_poison(error)


async def test_the_projection_goes_on_past_a_poison_event_and_parks_its_followers(log: Log) -> None:
    await log.append(opened(), B1, B2)
    with capture_logs() as lines:
        async with working(log, failing_at(bookings.PROJECTION, 2)) as worker:
            await until(lambda: log.position("bookings") == 3)
            await log.append(cancelled(B2))
            position = await log.append(checked_in(B1))
            await until(lambda: log.position("bookings") == position)
            await until(lambda: worker.parked == 2)
    assert parked(log) == [(2, "B1", True), (5, "B1", False)]
    assert log.rows(STATUSES) == [("B2", "cancelled")]
    told = [line for line in lines if line["event"] == "key parked"]
    assert [(line["key"], line["position"], line["log_level"]) for line in told] == [("B1", 2, "warning")]
    assert told[0]["mend"] == "`studyspot projections parked bookings 2`"


async def test_a_row_that_the_table_refuses_parks_its_event_alone(log: Log) -> None:
    await log.append(opened(), B1, B2, booked("B3", start=NINE + 2 * HOUR))
    async with working(log, refused_at(bookings.PROJECTION, {3}, "status")):
        await until(lambda: log.position("bookings") == 4)
        await log.append(cancelled(B2))
        await until(lambda: log.position("bookings") == 5)
    assert parked(log) == [(3, "B2", True), (5, "B2", False)]
    assert log.rows(STATUSES) == [("B1", "confirmed"), ("B3", "confirmed")]
    ((reason,),) = log.rows("SELECT reason FROM read.parked WHERE position = 3")
    assert "status" in reason


async def test_a_row_that_cannot_even_be_written_down_parks_its_event(log: Log) -> None:
    def changes(happened: Recorded) -> Any:
        change, *others = bookings.changes(happened)
        if happened.position == 2 and isinstance(change, PutRow):
            return (PutRow(change.table, {**change.row, "amount_minor": 2**70}), *others)
        return (change, *others)

    await log.append(opened(), B1, B2)
    vast = replace(bookings.PROJECTION, changes=changes)
    async with working(log, vast):
        await until(lambda: log.position("bookings") == 3)
    assert parked(log) == [(2, "B1", True)]


@pytest.mark.parametrize("field", ["bookingId", "libraryId", "userId"])
async def test_an_event_whose_ids_postgresql_refuses_is_parked_and_stays_so_after_a_restart(
    log: Log, field: str
) -> None:
    await log.append(opened(), B2)
    strange = damaged(**{field: "s\0x"})
    await append_raw(log, "booking.created", strange)
    await append_raw(log, "booking.created", strange)
    key = storable("s\0x") if field == "bookingId" else "B1"
    for _ in range(2):
        async with working(log, bookings.PROJECTION) as worker:
            position = await log.append(checked_in(B2))
            await until(lambda: worker.stopped or worker.position == position)  # noqa: B023  # Awaited here.
            assert worker.stopped is None
        assert parked(log) == [(3, key, True), (4, key, False)]
    assert log.rows(STATUSES) == [("B2", "checked-in")]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("SELECT 'Anna'::integer", "invalid input syntax for type integer"),
        ("SELECT 'Anna'::timestamptz", "invalid input syntax for type timestamp with time zone"),
        ("SELECT 'Anna'::jsonb", "invalid input syntax for type json"),
        (r"""SELECT '{"Anna":"a\u0000b"}'::jsonb ->> 'Anna'""", "unsupported Unicode escape sequence"),
    ],
)
async def test_what_postgresql_says_of_a_value_is_told_without_it(
    log: Log, statement: str, reason: str
) -> None:
    with pytest.raises(psycopg.DataError) as refused:
        log.rows(statement)
    assert "Anna" in str(refused.value) or "CONTEXT" in str(refused.value)
    assert said(refused.value) == reason


async def test_a_reason_is_one_line_without_what_was_stored(log: Log) -> None:
    await log.append(opened(), B1)
    with capture_logs() as lines:
        async with working(log, refused_at(bookings.PROJECTION, {2}, "status")) as worker:
            await until(lambda: worker.position == 2)
    ((reason,),) = log.rows("SELECT reason FROM read.parked")
    (told,) = [line["reason"] for line in lines if line["event"] == "key parked"]
    assert reason == told
    assert reason.startswith('null value in column "status"')
    assert "\n" not in reason
    assert "student" not in reason


def test_why_a_key_cannot_be_read_is_told_without_what_was_stored() -> None:
    with pytest.raises(PoisonEvent) as stopped:
        read(bookings.PROJECTION, 1, "e1", "booking.created", damaged(bookingId=None, start="my\nsecret"))
    reason = stopped.value.reason
    assert "bookingId: " in reason
    assert "start: " in reason
    for kept_back in ("\n", "secret", "student", "https:", "input_value"):
        assert kept_back not in reason


async def test_what_cannot_even_be_parked_stops_its_projection_alone(log: Log) -> None:
    await log.append(opened())
    async with working(log, bookings.PROJECTION):
        await until(lambda: log.position("bookings") == 1)
    with psycopg.connect(log.database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE read.parked ADD CHECK (position <> 3)")
    await log.append(B1)
    await append_raw(log, "booking.created", damaged(userId="s\0x"))
    for _ in range(2):
        async with working(log, bookings.PROJECTION) as worker:
            await until(lambda: worker.stopped)
        assert isinstance(worker.stopped, PoisonEvent)
        assert (worker.stopped.position, log.position("bookings")) == (3, 2)


async def test_a_stored_event_that_cannot_be_read_is_parked_from_the_stream_as_well(
    log: Log, relay: Client, nats_server: NatsServer
) -> None:
    async with working(log, bookings.PROJECTION, nats_server.urls.projections):
        await log.append(opened())
        await log.publish(relay)
        await until(lambda: log.position("bookings") == 1)
        await append_raw(log, "booking.created", damaged(start="soon"))
        position = await log.append(cancelled(B1), B2)
        await log.publish(relay)
        await until(lambda: log.position("bookings") == position)
    assert parked(log) == [(2, "B1", True), (3, "B1", False)]
    assert log.rows(STATUSES) == [("B2", "confirmed")]


async def test_an_event_without_a_readable_key_stops_at_its_position(log: Log) -> None:
    await log.append(opened(), B1)
    await append_raw(log, "booking.created", b"no JSON")
    await log.append(B2)
    async with working(log, bookings.PROJECTION) as worker:
        await until(lambda: worker.stopped)
    assert isinstance(worker.stopped, PoisonEvent)
    assert (worker.stopped.position, log.position("bookings")) == (3, 2)


async def test_an_event_of_a_newer_release_is_waited_for_and_told_once(log: Log) -> None:
    await log.append(opened(), B1, B2)
    newer = orjson.dumps(orjson.loads(STORED) | {"v": 99})
    overwrite(log, 2, newer)
    with capture_logs() as lines:
        async with working(log, bookings.PROJECTION) as worker:
            await until(lambda: worker.trouble)
            assert not worker.keeps_up
            assert log.position("bookings") == 1
            overwrite(log, 2, STORED)  # As if this were the release that knows it.
            await until(lambda: log.position("bookings") == 3)
            await until(lambda: worker.keeps_up)
    assert parked(log) == []
    told = [line for line in lines if line["event"] == "projection waits for a newer release"]
    assert [line["position"] for line in told] == [2]


async def test_a_restarted_worker_knows_what_is_parked(log: Log) -> None:
    await log.append(opened(), B1)
    async with working(log, failing_at(bookings.PROJECTION, 2)):
        await until(lambda: log.position("bookings") == 2)
    await log.append(cancelled(B1), B2)
    async with working(log, bookings.PROJECTION) as worker:
        await until(lambda: log.position("bookings") == 4)
        await until(lambda: worker.parked == 2)
    assert parked(log) == [(2, "B1", True), (3, "B1", False)]
    assert log.rows(STATUSES) == [("B2", "confirmed")]


async def test_a_worker_does_not_apply_what_its_rival_has_parked(
    log: Log, relay: Client, nats_server: NatsServer
) -> None:
    await log.append(opened())
    await log.publish(relay)
    async with working(log, bookings.PROJECTION, nats_server.urls.projections) as worker:
        await until_consumed(relay.jetstream())
        await log.append(booked("B0", start=NINE - HOUR))
        await log.publish(relay)
        await until(lambda: worker.position == 2)
        waits = []
        for number in range(3):
            # Parked by a rival since it last looked, at a position where it has been.
            log.rows(
                "INSERT INTO read.parked (name, version, number, position, key, reason)"
                " VALUES ('bookings', 4, 1, %s, %s, 'planted') RETURNING 1",
                *(worker.position, f"P{number}"),
            )
            log.rows("UPDATE read.builds SET parked_revision = parked_revision + 1 RETURNING 1")
            begun = time.monotonic()
            both = (booked(f"{name}{number}", start=NINE + number * HOUR) for name in "PQ")
            position = await log.append(*both)
            await log.publish(relay)
            await until(lambda: worker.position == position)  # noqa: B023  # Awaited here.
            waits.append(time.monotonic() - begun)
    assert min(waits) < 0.8, "a list that is out of date costs one more look, and no pause"
    assert parked(log) == [
        *((2, "P0", True), (3, "P0", False), (4, "P1", True), (5, "P1", False)),
        *((6, "P2", True), (7, "P2", False)),
    ]
    assert log.rows(STATUSES) == [(name, "confirmed") for name in ("B0", "Q0", "Q1", "Q2")]


async def test_nothing_is_parked_wrongly_when_the_database_is_killed_among_poison(
    postgres_server: PostgresServer,
) -> None:
    """Every tenth event is refused by the table, so that most batches are tried event by event."""
    many = [booked(f"B{number:03}", start=NINE + number * HOUR) for number in range(400)]
    refused = range(11, 402, 10)
    with postgres_server.migrated_database() as url:
        async with a_log(url) as log:
            await log.append(opened())
            for beginning in range(0, 400, 100):
                await log.append(*many[beginning : beginning + 100])
            async with working(log, refused_at(bookings.PROJECTION, refused, "status")) as worker:
                for progress in (30, 150):
                    await until(lambda: worker.position > progress)  # noqa: B023  # Awaited here.
                    postgres_server.kill()
                    await until(lambda: not postgres_server.engine.is_running())
                    postgres_server.restart()
                await until(lambda: worker.position == 401, limit=40)
            assert [position for position, _, _ in parked(log)] == list(refused)
            assert len(log.rows(STATUSES)) == 400 - len(refused)


async def test_others_stay_within_the_lag_target_while_a_key_is_parked(log: Log) -> None:
    await log.append(opened(), B1)
    async with working(log, failing_at(bookings.PROJECTION, 2)) as worker:
        await until(lambda: log.position("bookings") == 2)
        lags = []
        for number in range(40):
            begun = time.monotonic()
            other = booked(f"C{number}", start=NINE + number * HOUR)
            position = await log.append(checked_in(B1), other)
            await until(lambda: worker.position >= position)  # noqa: B023  # Awaited here.
            lags.append(time.monotonic() - begun)
    assert len(parked(log)) == 41
    assert len(log.rows(STATUSES)) == 40
    # Whoever waits for what is parked, or tries it again first, waits for longer each time.
    assert median(lags) < 0.25
