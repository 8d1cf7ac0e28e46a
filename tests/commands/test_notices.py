"""Writing to students, marking as read, muting and announcing over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, get_args

import psycopg
import pytest

from studyspot.domain.events import AccountDisabled
from studyspot.domain.notices import MUTABLE
from studyspot.projections.models import bookings, notifications
from studyspot.wire.notice_bodies import Mutable
from tests.commands.hall import Hall, Person, a_hall
from tests.projections.system import Log, a_log, working

PATH = "/api/notifications"


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[Log]:
    async with a_log(database_url) as log:
        yield log


@pytest.fixture
async def hall(database_url: str, log: Log) -> AsyncIterator[Hall]:
    """A library with the read models that tell who booked there, and who was told what."""
    async with AsyncExitStack() as stack:
        for model in (bookings, notifications):
            await stack.enter_async_context(working(log, model.PROJECTION))
        hall = await stack.enter_async_context(a_hall(database_url))
        async with asyncio.timeout(30):
            while (await hall.owner.asks("GET", "/api/bookings")).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        yield hall


def letter(hall: Hall, *people: Person, text: str = "Your umbrella is at the desk") -> dict[str, Any]:
    return {"libraryId": hall.id, "userIds": [person.id for person in people], "text": text}


def texts(hall: Hall, *about: Person) -> list[Any]:
    """What is kept about these people, and about whom."""
    with psycopg.connect(hall.database_url) as connection:
        statement = "SELECT about, text FROM private.texts WHERE about = ANY(%s) ORDER BY about"
        return connection.execute(statement, [[person.id for person in about]]).fetchall()


async def test_a_library_writes_to_its_students_once_and_the_log_never_has_the_text(hall: Hall) -> None:
    asha, ravi = hall.person("asha"), hall.person("ravi")
    await hall.books(asha)
    await hall.books(ravi, 1)
    body = letter(hall, asha, ravi)
    first = await hall.owner.does("POST", PATH, body, key="umbrella")
    assert [sent["userId"] for sent in first["sent"]] == [asha.id, ravi.id]
    assert first["notSent"] == []
    assert await hall.owner.does("POST", PATH, body, key="umbrella") == first
    assert texts(hall, asha, ravi) == [(person.id, body["text"]) for person in (asha, ravi)]
    with psycopg.connect(hall.database_url) as connection:
        logged = connection.execute("SELECT data FROM store.events").fetchall()
    assert not any(b"umbrella" in bytes(data) for (data,) in logged)


async def test_nobody_writes_to_strangers_or_for_another_library(hall: Hall) -> None:
    asha, stranger = hall.person("asha"), hall.person("stranger")
    await hall.books(asha)
    told = await hall.owner.is_refused(409, "not-your-students", "POST", PATH, letter(hall, asha, stranger))
    assert told["userIds"] == [stranger.id]
    other = hall.person("other", "library_owner")
    await other.is_refused(403, "not-your-library", "POST", PATH, letter(hall, asha))
    for body in (letter(hall), letter(hall, asha, asha), letter(hall, asha, text=" ")):
        await hall.owner.is_refused(422, "invalid-request", "POST", PATH, body)
    assert texts(hall, asha, stranger) == []


async def test_who_is_disabled_is_not_written_to_and_nothing_is_kept_about_them(hall: Hall, log: Log) -> None:
    asha, ravi = hall.person("asha"), hall.person("ravi")
    await hall.books(asha)
    await hall.books(ravi, 1)
    await log.append(AccountDisabled(user_id=ravi.id))
    told = await hall.owner.does("POST", PATH, letter(hall, asha, ravi))
    assert ([sent["userId"] for sent in told["sent"]], told["notSent"]) == ([asha.id], [ravi.id])
    assert [about for about, _ in texts(hall, asha, ravi)] == [asha.id]


async def test_what_one_was_told_is_marked_as_read_by_oneself_alone_and_once(hall: Hall) -> None:
    asha = hall.person("asha")
    await hall.books(asha)
    (sent,) = (await hall.owner.does("POST", PATH, letter(hall, asha)))["sent"]
    path = f"{PATH}/{sent['id']}/read"
    await hall.person("ravi").is_refused(404, "notification-unknown", "POST", path)
    await asha.is_refused(404, "notification-unknown", "POST", f"{PATH}/none/read")
    first = await asha.does("POST", path)
    again = await asha.does("POST", path)
    assert first["id"] == again["id"] == sent["id"]
    with psycopg.connect(hall.database_url) as connection:
        statement = "SELECT count(*) FROM store.events WHERE type = 'notification.read' AND tags @> %s"
        assert connection.execute(statement, [[f"notification:{sent['id']}"]]).fetchall() == [(1,)]


async def test_what_loses_nobody_anything_may_be_muted(hall: Hall) -> None:
    assert set(get_args(Mutable)) == MUTABLE
    asha = hall.person("asha")
    before = (await asha.asks("GET", f"{PATH}/muted")).json()
    assert before == {"kinds": [], "mutable": list(get_args(Mutable))}
    muted = {"kinds": ["check-in-closing"]}
    assert (await asha.asks("PUT", f"{PATH}/muted", muted)).json()["kinds"] == ["check-in-closing"]
    assert (await asha.asks("GET", f"{PATH}/muted")).json()["kinds"] == ["check-in-closing"]
    assert (await hall.person("ravi").asks("GET", f"{PATH}/muted")).json()["kinds"] == []
    await asha.asks("PUT", f"{PATH}/muted", {"kinds": []})
    assert (await asha.asks("GET", f"{PATH}/muted")).json()["kinds"] == []
    for kinds in (["booking-revoked"], ["personal"], ["staff-invited", "staff-invited"]):
        await asha.is_refused(422, "invalid-request", "PUT", f"{PATH}/muted", {"kinds": kinds})


async def test_only_administrators_announce_and_once(hall: Hall) -> None:
    body = {"title": "Holiday", "text": "All libraries are closed on Friday."}
    admin = hall.person("admin", "admin")
    for person in (hall.owner, hall.person()):
        assert (await person.asks("POST", "/api/announcements", body)).status_code == 403
    first = await admin.does("POST", "/api/announcements", body, key="holiday")
    assert (first["title"], first["text"]) == (body["title"], body["text"])
    assert await admin.does("POST", "/api/announcements", body, key="holiday") == first
