"""Erasing a person: afterwards nothing says their address, their name, or what was written of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg_pool import AsyncConnectionPool

from studyspot.access.erasure import Erasure
from studyspot.broker.buckets import ensure_buckets, get_name
from studyspot.broker.connection import connect
from studyspot.commands.names import NameBook
from studyspot.projections.models import bookings
from tests.commands.hall import Hall, a_hall
from tests.commands.visitors import PASSWORD, Visitor, a_visitor, assert_problem
from tests.projections.system import a_log, working

LIMIT_SECONDS = 60
NAME = "Asha Visvanathan"
TEXTS = ("Asha is ill", "Asha has not paid", "UPI asha@bank", "Dear Asha")
_TABLES = """
    SELECT table_schema, table_name FROM information_schema.tables
    WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
"""


@pytest.fixture
async def hall(database_url: str, nats_url: str) -> AsyncIterator[Hall]:
    async with a_connection(nats_url) as js:
        await ensure_buckets(js)
    async with (
        a_log(database_url) as log,
        working(log, bookings.PROJECTION),
        a_hall(database_url, nats_url) as hall,
    ):
        yield hall


@asynccontextmanager
async def a_connection(nats_url: str) -> AsyncIterator[Any]:
    connection = await connect(nats_url, name="tests")
    try:
        yield connection.jetstream(timeout=10)
    finally:
        await connection.close()


async def name_becomes(nats_url: str, user_id: str, name: str | None) -> None:
    """Wait until the bucket has this name for somebody."""
    async with asyncio.timeout(LIMIT_SECONDS), a_connection(nats_url) as js:
        while await get_name(js, user_id) != name:  # noqa: ASYNC110 - a bucket has no event to wait for
            await asyncio.sleep(0.02)


def tables_that_hold(database_url: str, *texts: str) -> dict[str, list[str]]:
    """Return the tables with a row in which any of these stands, with what stands there.

    A row is searched as text, and its bytes as UTF-8: the log's events are bytes.
    """
    found: dict[str, list[str]] = {}
    with psycopg.connect(database_url, autocommit=True) as connection:
        tables = connection.execute(_TABLES.encode()).fetchall()
        assert {("store", "events"), ("accounts", "accounts"), ("private", "texts")} <= set(tables)
        for schema, table in tables:
            rows = connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, table)))
            everything = " ".join(
                value.decode(errors="replace") if isinstance(value, bytes) else str(value)
                for row in rows
                for value in row
            ).lower()
            standing = [text for text in texts if text.lower() in everything]
            if standing:
                found[f"{schema}.{table}"] = standing
    return found


async def lives(hall: Hall, visitor: Visitor) -> None:
    """Have somebody do, and have done to them, all that leaves texts about them."""
    await visitor.registers(name=NAME)
    await hall.costs(100)
    mine = await asks(visitor, "POST", "/api/bookings", hall.seat(0, 2, 4))
    await asks(visitor, "POST", f"/api/bookings/{mine['id']}/cancel", {"reason": TEXTS[0]})
    other = await asks(visitor, "POST", "/api/bookings", hall.seat(1, 6, 8))
    paid = {"kind": "payment", "amountMinor": 100, "method": "upi", "reference": TEXTS[2]}
    await hall.owner.does("POST", f"/api/bookings/{other['id']}/payments", paid)
    revoked = await hall.owner.does("POST", f"/api/bookings/{other['id']}/revoke", {"reason": TEXTS[1]})
    as_of = {"StudySpot-Min-Position": str(revoked["position"])}
    read = await hall.http.get("/api/bookings", headers=hall.owner.headers | as_of)
    assert read.status_code == httpx.codes.OK, read.text
    letter = {"libraryId": hall.id, "userIds": [visitor.id], "text": TEXTS[3]}
    await hall.owner.does("POST", "/api/notifications", letter, key="letter")
    invited = {"email": visitor.email.upper()}
    await hall.owner.does("POST", f"{hall.path}/invitations", invited, key="invitation")
    await asks(visitor, "PUT", "/api/notifications/muted", {"kinds": ["check-in-closing"]})
    await asks(visitor, "POST", "/api/bookings/calendar", None)


async def asks(visitor: Visitor, method: str, path: str, body: Any) -> Any:
    answer = await visitor.http.request(method, path, json=body, headers=visitor.headers)
    assert answer.is_success, answer.text
    return answer.json()


async def test_nothing_anywhere_says_who_was_erased(hall: Hall, nats_url: str) -> None:
    admin = hall.person("admin", "admin")
    async with a_visitor(hall.http.base_url) as visitor:
        await lives(hall, visitor)
        known = (visitor.email, NAME, *TEXTS)
        before = tables_that_hold(hall.database_url, *known)
        assert before == {
            "accounts.accounts": [visitor.email, NAME],
            "accounts.invitations": [visitor.email],
            "private.texts": list(TEXTS),
        }
        await name_becomes(nats_url, visitor.id, NAME)
        erased = await admin.does("PATCH", f"/api/people/{visitor.id}", {"status": "erased"})
        assert (erased["status"], erased["id"]) == ("erased", visitor.id)
        assert tables_that_hold(hall.database_url, *known) == {}
        stays = tables_that_hold(hall.database_url, visitor.id)
        personal = ("accounts.", "private.")
        assert [table for table in stays if table.startswith(personal)] == ["accounts.erased"]
        await name_becomes(nats_url, visitor.id, None)
        assert "store.events" in stays, "what happened stays, under an id"
        assert_problem(await visitor.tries(), 401, "credentials-wrong")
        assert_problem(await visitor.refreshes(), 401, "session-over")


@asynccontextmanager
async def a_name_book(database_url: str, nats_url: str) -> AsyncIterator[tuple[NameBook, Erasure]]:
    """Run what publishes names in a process, and what says there who was erased."""
    settings = {"autocommit": True}
    async with AsyncConnectionPool(database_url, min_size=1, max_size=2, open=False, kwargs=settings) as pool:
        erasure = Erasure(pool)
        names = NameBook(nats_url, erasure)
        running = asyncio.create_task(names.run())
        try:
            yield names, erasure
        finally:
            running.cancel()
            await asyncio.wait([running])


async def test_an_erased_name_is_not_published_again(hall: Hall, nats_url: str) -> None:
    async with a_name_book(hall.database_url, nats_url) as (names, erasure):
        names.learn("asha", NAME)
        await name_becomes(nats_url, "asha", NAME)
        await erasure.erase("asha")
        names.forget("asha")
        await name_becomes(nats_url, "asha", None)
        # By a token that another process still took for good.
        names.learn("asha", NAME)
        names.learn("ravi", "Ravi")
        await name_becomes(nats_url, "ravi", "Ravi")
        await name_becomes(nats_url, "asha", None)


async def test_a_name_that_was_not_deleted_is_deleted_by_the_next_process(hall: Hall, nats_url: str) -> None:
    async with a_name_book(hall.database_url, nats_url) as (names, erasure):
        names.learn("kabir", NAME)
        await name_becomes(nats_url, "kabir", NAME)
        await erasure.erase("kabir")
    # That process ended before it deleted the name.
    async with a_connection(nats_url) as js:
        assert await get_name(js, "kabir") == NAME
    async with a_name_book(hall.database_url, nats_url):
        await name_becomes(nats_url, "kabir", None)


async def test_erasing_again_changes_nothing(hall: Hall) -> None:
    admin = hall.person("admin", "admin")
    async with a_visitor(hall.http.base_url) as visitor:
        await lives(hall, visitor)
        first = await admin.does("PATCH", f"/api/people/{visitor.id}", {"status": "erased"})
        again = await admin.does("PATCH", f"/api/people/{visitor.id}", {"status": "erased"})
        assert again == first


async def test_what_is_written_about_an_erased_person_is_not_kept(hall: Hall) -> None:
    admin, student = hall.person("admin", "admin"), hall.person()
    booked = await hall.books(student)
    await admin.does("PATCH", f"/api/people/{student.id}", {"status": "erased"})
    await hall.owner.does("POST", f"/api/bookings/{booked['id']}/revoke", {"reason": TEXTS[1]})
    assert tables_that_hold(hall.database_url, TEXTS[1]) == {}
    told = (await hall.owner.asks("GET", f"/api/bookings/{booked['id']}/history")).json()
    assert [entry["note"] for entry in told["rows"]] == [None, None]


async def test_who_was_erased_may_register_the_address_again_as_somebody_new(hall: Hall) -> None:
    admin = hall.person("admin", "admin")
    async with a_visitor(hall.http.base_url) as visitor:
        await visitor.registers()
        before = visitor.id
        await admin.does("PATCH", f"/api/people/{before}", {"status": "erased"})
        await visitor.registers()
        assert visitor.id != before


async def test_nobody_but_an_administrator_erases_and_nobody_themself(hall: Hall) -> None:
    async with a_visitor(hall.http.base_url) as visitor:
        await visitor.registers()
        path = f"/api/people/{visitor.id}"
        await hall.owner.is_refused(403, "role-not-allowed", "PATCH", path, {"status": "erased"})
        admin = hall.person("admin", "admin")
        itself = f"/api/people/{admin.id}"
        await admin.is_refused(409, "not-yourself", "PATCH", itself, {"status": "erased"})
        await admin.is_refused(422, "invalid-request", "PATCH", path, {"status": "erased", "role": "staff"})
        await admin.is_refused(422, "invalid-request", "PATCH", path, {})
        answer = await visitor.tries(PASSWORD)
        assert answer.status_code == httpx.codes.OK
