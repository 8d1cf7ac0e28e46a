"""What operators do before and during a rebuild holds in the build that comes of it."""

import asyncio
from dataclasses import replace

import orjson
import psycopg
import pytest

from studyspot.domain.events import HoldPlaced, WaitlistOffered
from studyspot.projections.builds import Build
from studyspot.projections.mending import drop
from studyspot.projections.models import audit, bookings, libraries, notifications, seats
from studyspot.projections.rebuild.errors import RowsNotIndexable
from studyspot.projections.rebuild.shares import KeyGlance, Share, dividing_fields
from tests.projections.happenings import HOUR, NINE, booked, opened, seat
from tests.projections.poison import append_raw
from tests.projections.rebuild.holding import held
from tests.projections.rebuild.steps import current, rebuild, verifying
from tests.projections.system import Log, until, working

NEWEST = {"v": 1, "time": "2026-12-01T09:00:00Z", "commandid": "c1", "actor": None, "traceparent": None}


def parked(log: Log, build: Build) -> list[int]:
    found = log.rows(
        "SELECT position FROM read.parked WHERE (name, number) = (%s, %s) ORDER BY position",
        build.name,
        build.number,
    )
    return [position for (position,) in found]


async def append_damaged(log: Log, event_type: str, **data: object) -> int:
    """Append what is stored as an event and cannot be read as one."""
    return await append_raw(log, event_type, orjson.dumps({**NEWEST, "data": data}))


async def a_parked_booking(log: Log) -> int:
    """A log with one event that cannot be applied, and a worker's build of it; return its position."""
    await log.append(opened(), seat(), booked())
    position = await append_damaged(log, "booking.created", bookingId="B-lost", libraryId="L1", userId="s1")
    async with working(log, bookings.PROJECTION) as worker:
        await until(lambda: worker.position == position)
    return position


async def test_a_dropped_event_stays_out_of_every_later_build(log: Log) -> None:
    position = await a_parked_booking(log)
    assert parked(log, (await rebuild(log, bookings.PROJECTION)).build) == [position]
    assert drop(log.database_url, bookings.PROJECTION, position, "sent twice").free
    rebuilt = await rebuild(log, bookings.PROJECTION)
    assert (rebuilt.parked, parked(log, rebuilt.build)) == (0, [])
    assert (await verifying(log, bookings.PROJECTION)).difference is None


async def test_an_event_dropped_during_a_rebuild_stays_out_of_what_comes_of_it(log: Log) -> None:
    position = await a_parked_booking(log)
    rebuilding = asyncio.create_task(rebuild(log, bookings.PROJECTION))
    async with held(log.database_url, bookings.PROJECTION, "indexing"):
        assert drop(log.database_url, bookings.PROJECTION, position, "sent twice").free
    rebuilt = await rebuilding
    assert (rebuilt.parked, parked(log, rebuilt.build)) == (0, [])
    assert current(log, bookings.PROJECTION) == rebuilt.build


async def test_an_event_dropped_while_a_rebuild_is_stopped_stays_out_of_what_it_becomes(log: Log) -> None:
    position = await a_parked_booking(log)
    stopped = asyncio.create_task(rebuild(log, bookings.PROJECTION))
    async with held(log.database_url, bookings.PROJECTION, "indexing"):
        stopped.cancel()
        await asyncio.wait([stopped])
    assert drop(log.database_url, bookings.PROJECTION, position, "sent twice").free
    assert (await rebuild(log, bookings.PROJECTION)).parked == 0


async def test_rows_of_events_that_the_log_has_lost_are_mended_by_a_rebuild(log: Log) -> None:
    position = await log.append(opened(), seat(), booked())
    async with working(log, bookings.PROJECTION) as worker:
        await until(lambda: worker.position == position)
    # As after the restore of an older backup.
    log.rows("UPDATE read.builds SET position = position + 5 RETURNING 1")
    rebuilt = await rebuild(log, bookings.PROJECTION)
    assert rebuilt.position == position
    assert current(log, bookings.PROJECTION) == rebuilt.build


async def test_a_rebuild_after_one_that_was_killed_with_its_build_already_read_is_another_one(
    log: Log,
) -> None:
    await log.append(opened(), seat(), booked())
    read = (await rebuild(log, bookings.PROJECTION)).build
    with psycopg.connect(log.database_url) as connection:
        # As the plan of a build that a worker has taken up meanwhile.
        connection.execute(
            "INSERT INTO read.rebuilds (name, version, number, tables, release, epoch, until, parts, dropped)"
            " SELECT name, version, number, tables, 'any', epoch, position, 1, '{}' FROM read.builds"
        )
        connection.execute("DELETE FROM read.bookings_4_1")
    rebuilt = await rebuild(log, bookings.PROJECTION)
    assert rebuilt.build.number > read.number
    assert (await verifying(log, bookings.PROJECTION)).difference is None


@pytest.mark.parametrize("workers", [1, 4])
async def test_text_that_postgresql_cannot_hold_is_parked_by_a_rebuild_too(log: Log, workers: int) -> None:
    await log.append(opened())
    position = await append_damaged(
        log,
        "library.created",
        libraryId="L-nul",
        ownerId="o1",
        name="Nul",
        city="Pune",
        address="x\x00",
        timeZone="Asia/Kolkata",
        currency="INR",
        amenities=[],
    )
    rebuilt = await rebuild(log, libraries.PROJECTION, workers=workers)
    assert parked(log, rebuilt.build) == [position]
    assert (await verifying(log, libraries.PROJECTION)).difference is None


async def test_a_key_is_one_and_the_same_to_worker_and_rebuild_whatever_else_an_event_holds(
    log: Log,
) -> None:
    await log.append(opened())
    first = await append_damaged(
        log, "seat.added", seatId="S-x", libraryId="L1", label="X", zone="general", occupation="stray"
    )
    second = await append_damaged(
        log, "seat.availability-changed", seatId="S-x", libraryId="L1", inService=False
    )
    async with working(log, seats.PROJECTION) as worker:
        await until(lambda: worker.position == second)
    assert parked(log, current(log, seats.PROJECTION)) == [first, second]
    rebuilt = await rebuild(log, seats.PROJECTION, workers=4)
    assert parked(log, rebuilt.build) == [first, second]


async def test_what_has_lost_its_occupation_parks_all_of_its_booking_in_however_many_parts(log: Log) -> None:
    await log.append(opened(), seat())
    damaged = {"bookingId": "B1", "libraryId": "L1", "userId": "s1"}
    parked_ones = [
        await append_damaged(log, "booking.created", **damaged),
        await log.append(booked("B1")),
        await append_damaged(log, "booking.checked-in", **damaged),
    ]
    await log.append(booked("B2", start=NINE + HOUR))
    rebuilt = await rebuild(log, bookings.PROJECTION, workers=4)
    assert parked(log, rebuilt.build) == parked_ones
    assert log.rows(f"SELECT booking_id FROM read.bookings_4_{rebuilt.build.number}") == [("B2",)]


async def test_a_row_that_no_index_can_hold_ends_a_rebuild_with_its_reason(log: Log) -> None:
    await log.append(opened())
    incompressible = "".join(chr(0x4E00 + number * 7919 % 20000) for number in range(12_000))
    await append_damaged(
        log,
        "library.created",
        libraryId="L-long",
        ownerId="o1",
        name=incompressible,
        city="Pune",
        timeZone="Asia/Kolkata",
        currency="INR",
        amenities=[],
    )
    with pytest.raises(RowsNotIndexable, match="index row"):
        await rebuild(log, libraries.PROJECTION)


def test_a_glance_at_a_key_says_what_decoding_would() -> None:
    added = orjson.dumps({**NEWEST, "data": {"occupation": "o1", "seatId": "S1", "libraryId": "L1"}})
    for field, key in (("seatId", b"S1"), ("occupation", b"o1"), ("libraryId", b"L1")):
        assert KeyGlance(field).key_of(added) == key


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b'{"data":{}}',
        b'{"data":{"seatId":7}}',
        b'{"data":{"seatId": "S1"}}',
        b'{"data":{"label":"\\"seatId\\":\\"S1\\""}}',
        b'{"data":{"seatId":"S\\u0031"}}',
        b'{"data":{"seatId":"S1',
        b'{"data":{"attributes":{"seatId":"S2"},"seatId":"S1"}}',
    ],
)
def test_a_glance_leaves_to_decoding_what_is_not_sure(odd: bytes) -> None:
    assert KeyGlance("seatId").key_of(odd) is None


def test_a_booking_is_in_one_share_for_all_that_take_its_events_and_so_is_what_is_paid_for_it() -> None:
    for projection in (bookings.PROJECTION, seats.PROJECTION, audit.PROJECTION):
        fields = dividing_fields(projection)
        assert fields["booking.created"] == fields["booking.cancelled"] == "occupation"
    assert dividing_fields(bookings.PROJECTION)["payment.recorded"] == "occupation"
    assert dividing_fields(audit.PROJECTION)["hold.placed"] == "occupation"
    # Who waits has none when they join: their place in the list is one key throughout.
    assert dividing_fields(notifications.PROJECTION)["waitlist.offered"] == "hold_id"
    assert dividing_fields(libraries.PROJECTION)["staff.added"] == "library_id"


def test_where_a_key_has_events_without_an_occupation_it_is_the_key_that_divides() -> None:
    mixed = replace(
        audit.PROJECTION, event_classes=(HoldPlaced, WaitlistOffered), key=("hold_id",), passes_by=None
    )
    assert set(dividing_fields(mixed).values()) == {"hold_id"}


def test_every_key_is_in_one_share_and_another_salt_gives_others() -> None:
    keys = [f"B{number}" for number in range(1000)]
    shares = [Share(index, 3) for index in range(3)]
    assert all(sum(share.has(key) for share in shares) == 1 for key in keys)
    assert {key for key in keys if Share(0, 3, salt=5).has(key)} != {
        key for key in keys if shares[0].has(key)
    }
    assert Share(0, 1000, also=frozenset({"B7"})).has("B7")
