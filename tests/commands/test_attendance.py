"""Checking in with the code that the desk shows, and out."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.commands.hall import HOUR, NOW, Hall, Person, a_hall, text


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    async with a_hall(database_url) as hall:
        yield hall


async def code_of(hall: Hall) -> str:
    code: str = (await hall.owner.does("GET", f"{hall.path}/desk-code"))["code"]
    return code


async def booked(hall: Hall, person: Person, number: int = 0) -> str:
    made: Any = await hall.books(person, number, 0, 2)
    return f"/api/bookings/{made['id']}"


async def test_the_desk_shows_a_code_and_when_it_turns(hall: Hall) -> None:
    hall.now = NOW + timedelta(seconds=15)
    answer = await hall.owner.asks("GET", f"{hall.path}/desk-code")
    told = answer.json()
    assert (told["secondsLeft"], told["validUntil"]) == (45, text(NOW + timedelta(seconds=60)))
    assert 6 <= len(told["code"]) <= 8
    assert told["svg"].startswith("<svg")
    assert answer.headers["Cache-Control"] == "no-store"
    hall.now += timedelta(seconds=60)
    assert await code_of(hall) != told["code"]
    other = hall.person("owner", "library_owner")
    await other.is_refused(403, "not-your-library", "GET", f"{hall.path}/desk-code")
    await hall.person().is_refused(403, "role-not-allowed", "GET", f"{hall.path}/desk-code")
    await other.is_refused(404, "library-unknown", "GET", "/api/libraries/none/desk-code")


async def test_a_student_checks_in_with_the_code_and_out_without(hall: Hall) -> None:
    asha = hall.person()
    path = await booked(hall, asha)
    await asha.is_refused(422, "desk-code-required", "POST", f"{path}/check-in")
    await asha.is_refused(422, "desk-code-wrong", "POST", f"{path}/check-in", {"code": "000000"})
    code = await code_of(hall)
    typed = f"{code[:3]}-{code[3:]} ".lower()
    here = await asha.does("POST", f"{path}/check-in", {"code": typed}, key="in")
    assert here["status"] == "checked-in"
    again = await asha.asks("POST", f"{path}/check-in", {"code": typed}, key="in")
    assert (again.status_code, again.json()) == (200, here)
    await asha.is_refused(409, "already-checked-in", "POST", f"{path}/check-in", {"code": code})
    assert (await asha.does("POST", f"{path}/check-out"))["status"] == "completed"
    with psycopg.connect(hall.database_url) as connection:
        logged = connection.execute("SELECT data FROM store.events").fetchall()
    assert not any(code.encode() in bytes(data) for (data,) in logged)


async def test_the_code_before_is_accepted_for_a_moment_and_no_other_librarys_ever(hall: Hall) -> None:
    asha, ravi = hall.person(), hall.person()
    paths = [await booked(hall, asha), await booked(hall, ravi, 1)]
    before = await code_of(hall)
    hall.now = NOW + timedelta(seconds=69)
    await asha.does("POST", f"{paths[0]}/check-in", {"code": before})
    hall.now = NOW + timedelta(seconds=70)
    await ravi.is_refused(422, "desk-code-wrong", "POST", f"{paths[1]}/check-in", {"code": before})
    await hall.opens()
    elsewhere = await code_of(hall)
    await ravi.is_refused(422, "desk-code-wrong", "POST", f"{paths[1]}/check-in", {"code": elsewhere})


async def test_the_library_checks_in_without_a_code_and_strangers_find_nothing(hall: Hall) -> None:
    asha = hall.person()
    path = await booked(hall, asha)
    code = {"code": await code_of(hall)}
    other = hall.person("owner", "library_owner")
    for stranger in (hall.person(), other):
        await stranger.is_refused(404, "booking-unknown", "POST", f"{path}/check-in", code)
    assert (await hall.owner.does("POST", f"{path}/check-in"))["status"] == "checked-in"


async def test_check_in_has_its_time(hall: Hall) -> None:
    asha = hall.person()
    made = await hall.books(asha)
    path = f"/api/bookings/{made['id']}"
    early = await asha.is_refused(409, "check-in-too-early", "POST", f"{path}/check-in", {"code": "x"})
    assert early["opens"] == made["checkInFrom"] == text(NOW + 1.75 * HOUR)
    hall.now = NOW + 2.5 * HOUR
    code = {"code": await code_of(hall)}
    late = await asha.is_refused(409, "check-in-window-missed", "POST", f"{path}/check-in", code)
    assert late["closed"] == made["checkInUntil"] == text(hall.now)
    await asha.is_refused(409, "booking-missed", "POST", f"{path}/cancel")
    await asha.is_refused(409, "booking-missed", "POST", f"{path}/check-out")
