"""What is read says when a change of it is parked, to those who may read it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import psycopg

from studyspot.projections.models import bookings, libraries, notifications, seats
from studyspot.projections.projection import Projection
from tests.projections.happenings import HOUR, NINE, booked, cancelled, opened, seat
from tests.projections.poison import failing_at
from tests.projections.queries.asking import assert_problem, text
from tests.projections.serving import READS, bearer, reads_of
from tests.projections.system import Log, until, working

ANNA, BEN = bearer("anna"), bearer("ben")
OWNER, RIVAL = bearer("owner", "library_owner"), bearer("rival", "library_owner")
B1 = booked("B1", user_id="anna")
B2 = booked("B2", user_id="anna", start=NINE + HOUR)
MAP: dict[str, Any] = {"start": text(NINE), "end": text(NINE + 3 * HOUR)}
HEADER = "StudySpot-Parked"


@asynccontextmanager
async def reading(log: Log, *projections: Projection) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the reads, once every one of these projections has reached the log's head."""
    async with AsyncExitStack() as stack:
        for projection in projections:
            await stack.enter_async_context(working(log, projection))
        await until(lambda: log.readable(*(projection.name for projection in projections)))
        yield await stack.enter_async_context(reads_of(log))


async def asked(
    client: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None, **parameters: Any
) -> tuple[dict[str, Any], bool]:
    """What was answered, and whether its header says that something is parked."""
    answer = await client.get(path, headers=headers or {}, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json(), answer.headers.get(HEADER) == "true"


def marked(rows: Sequence[dict[str, Any]]) -> list[tuple[str, bool]]:
    return [(row["id"], row.get("parked", False)) for row in rows]


async def test_a_booking_whose_change_is_parked_says_so(log: Log) -> None:
    await log.append(opened(), B1, B2, cancelled(B1))
    async with reading(log, failing_at(bookings.PROJECTION, 4)) as client:
        for who in (ANNA, OWNER):
            body, told = await asked(client, "/api/bookings/B1", who)
            assert (body["status"], body["parked"], told) == ("confirmed", True, True)
            body, told = await asked(client, "/api/bookings/B2", who)
            assert (body["status"], "parked" in body, told) == ("confirmed", False, False)


async def test_a_booking_that_is_not_there_yet_is_withheld_from_its_party_and_unknown_to_others(
    log: Log,
) -> None:
    await log.append(opened(), opened("L2", "rival"), B1, B2)
    async with reading(log, failing_at(bookings.PROJECTION, 3)) as client:
        for who in (ANNA, OWNER):
            answer = await client.get("/api/bookings/B1", headers=who)
            assert_problem(answer, 503, "parked")
            assert int(answer.headers["Retry-After"]) > 0
        for other in (BEN, RIVAL):
            assert_problem(await client.get("/api/bookings/B1", headers=other), 404, "booking-unknown")
        assert_problem(await client.get("/api/bookings/B9", headers=ANNA), 404, "booking-unknown")


async def test_a_list_of_bookings_says_which_are_parked_and_whether_one_may_be_missing(log: Log) -> None:
    await log.append(opened(), opened("L2", "rival"), B1, B2, cancelled(B2))
    async with reading(log, failing_at(bookings.PROJECTION, 3, 5)) as client:
        for who in (ANNA, OWNER):
            body, told = await asked(client, "/api/bookings", who)
            assert (marked(body["rows"]), body["parked"], told) == ([("B2", True)], True, True)
        for other in (BEN, RIVAL):
            body, told = await asked(client, "/api/bookings", other)
            assert (body["rows"], "parked" in body, told) == ([], False, False)
        # What is narrowed to something else is not concerned.
        assert "parked" not in (await asked(client, "/api/bookings", ANNA, libraryId="L2"))[0]
        assert "parked" not in (await asked(client, "/api/bookings", OWNER, userId="ben"))[0]


async def test_an_owner_whose_library_is_parked_is_not_told_that_it_has_no_bookings(log: Log) -> None:
    await log.append(opened(), opened("L2", "rival"), B1)
    async with reading(log, failing_at(bookings.PROJECTION, 1)) as client:
        body, told = await asked(client, "/api/bookings", OWNER)
        assert (body["rows"], body["parked"], told) == ([], True, True)
        assert_problem(await client.get("/api/bookings/B1", headers=OWNER), 503, "parked")
        assert "parked" not in (await asked(client, "/api/bookings", ANNA))[0]
        assert "parked" not in (await asked(client, "/api/bookings", RIVAL))[0]


async def test_a_map_says_what_of_it_is_parked(log: Log) -> None:
    await log.append(
        *(opened(), seat("S1"), seat("S2"), seat("S3"), opened("L2")),
        *(booked("B1", "S1"), booked("B2", "S2"), booked("B3", "S3"), cancelled(booked("B1", "S1"))),
    )
    async with reading(log, failing_at(seats.PROJECTION, 7, 9)) as client:
        body, told = await asked(client, "/api/libraries/L1/seats", **MAP)
        assert marked(body["seats"]) == [("S1", True), ("S2", False), ("S3", False)]
        assert [one.get("parked") for one in body["seats"][0]["occupations"]] == [True]
        assert (body["parked"], told) == (True, True), "a booking is missing, and nobody knows of which seat"
        body, told = await asked(client, "/api/libraries/L2/seats", **MAP)
        assert ("parked" in body, told) == (False, False)


async def test_a_library_whose_beginning_is_parked_is_withheld_and_an_unknown_one_is_not_found(
    log: Log,
) -> None:
    await log.append(opened())
    broken = (failing_at(seats.PROJECTION, 1), failing_at(libraries.PROJECTION, 1))
    async with reading(log, *broken) as client:
        for path in ("/api/libraries/{}/seats", "/api/libraries/{}"):
            assert_problem(await client.get(path.format("L1"), params=MAP), 503, "parked")
            assert_problem(await client.get(path.format("L9"), params=MAP), 404, "library-unknown")
        body, told = await asked(client, "/api/libraries")
        assert (body["rows"], body["parked"], told) == ([], True, True)


async def test_a_library_says_so_and_its_etag_is_not_that_of_before(log: Log) -> None:
    await log.append(opened(), opened("L2"))
    async with reading(log, failing_at(libraries.PROJECTION, 3), seats.PROJECTION) as client:
        before = await client.get("/api/libraries/L1")
        assert "parked" not in before.json()
        await log.append(opened(name="Another name"))
        await until(lambda: log.position("libraries") == log.position("seats") == 3)
        after = await client.get("/api/libraries/L1", headers={"If-None-Match": before.headers["ETag"]})
        assert (after.status_code, after.json()["name"], after.json()["parked"]) == (200, "Library L1", True)
        again = await client.get("/api/libraries/L1", headers={"If-None-Match": after.headers["ETag"]})
        assert (again.status_code, again.headers[HEADER]) == (304, "true")
        body, told = await asked(client, "/api/libraries")
        assert (marked(body["rows"]), body["parked"], told) == ([("L1", True), ("L2", False)], True, True)


async def test_a_search_says_of_which_library_the_seats_are_in_doubt(log: Log) -> None:
    await log.append(opened(), opened("L2"), seat("S1"), booked("B1"))
    async with reading(log, libraries.PROJECTION, failing_at(seats.PROJECTION, 4)) as client:
        body, told = await asked(client, "/api/libraries")
        assert (marked(body["rows"]), body["parked"], told) == ([("L1", True), ("L2", False)], True, True)
        body, told = await asked(client, "/api/libraries", q="L2")
        assert (marked(body["rows"]), "parked" in body, told) == ([("L2", False)], False, False)


MANY = 20_000
FLOOD = """
INSERT INTO read.parked (name, version, number, position, key, library_id, user_id, reason)
SELECT name, version, number, 1000000 + n, 'K' || n, library_id, 'u' || n, 'planted'
FROM read.current, generate_series(1, %s) AS n, (VALUES ('L1'), ('L2'), (NULL)) AS l (library_id)
WHERE n %% 3 = CASE library_id WHEN 'L1' THEN 0 WHEN 'L2' THEN 1 ELSE 2 END
RETURNING 1
"""
LOOKED_AT = """
SELECT (SELECT seq_tup_read FROM pg_stat_user_tables WHERE relid = 'read.parked'::regclass)
     + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relid = 'read.parked'::regclass)
"""
TIMES = 8
"""Some statements are prepared by then, and planned for any parameters."""


async def test_what_is_looked_at_does_not_grow_with_what_is_parked(log: Log) -> None:
    await log.append(*(opened(), opened("L2", "rival"), seat("S1"), seat("S2"), B1, B2, cancelled(B2)))
    broken = (
        failing_at(libraries.PROJECTION, 2),
        failing_at(seats.PROJECTION, 7),
        failing_at(bookings.PROJECTION, 7),
        notifications.PROJECTION,
    )
    reads: list[tuple[str, dict[str, str], dict[str, Any]]] = [
        ("/api/libraries", {}, {}),
        ("/api/libraries/L1", {}, {}),
        ("/api/libraries/L1/seats", {}, MAP),
        *(("/api/bookings", who, {}) for who in (ANNA, BEN, OWNER, RIVAL)),
        *(("/api/bookings", who, {"userId": "ben", "libraryId": "L2"}) for who in (ANNA, OWNER, RIVAL)),
        ("/api/bookings/B1", ANNA, {}),
        ("/api/bookings/B1", OWNER, {}),
        ("/api/bookings/stats", ANNA, {}),
        ("/api/bookings/stats", OWNER, {}),
        ("/api/libraries/L1/stats", OWNER, {}),
        ("/api/libraries/L1/affected", OWNER, {"seatId": "S1"}),
        ("/api/libraries/L1/affected", OWNER, MAP),
        ("/api/notifications", ANNA, {}),
    ]
    async with reading(log, *broken):
        pass
    log.rows(FLOOD, MANY)
    with psycopg.connect(log.database_url, autocommit=True) as connection:
        connection.execute("ANALYZE read.parked")
    before = looked_at(log)
    async with reads_of(log) as client:
        for path, who, parameters in reads:
            for _ in range(TIMES):
                await asked(client, path, who, **parameters)
    await until(lambda: backends_of_reads(log) == 0)  # Only then all of them have told.
    # A single one that goes through what is parked looks at more than all of them may.
    assert (looked_at(log) - before) / TIMES < 50 * len(reads) < MANY / 3


def looked_at(log: Log) -> int:
    """How many rows of `read.parked`, or entries of its indexes, were read so far."""
    ((count,),) = log.rows(LOOKED_AT)
    return int(count)


def backends_of_reads(log: Log) -> int:
    # Others of this database come and go as they like: autovacuum, and what follows the log.
    ((count,),) = log.rows(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s",
        READS,
    )
    return int(count)
