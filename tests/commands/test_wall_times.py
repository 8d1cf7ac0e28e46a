"""Times by a library's own clock: one that it never shows, and one that it shows twice."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.commands.hall import Hall, a_hall

SKIPPED = "2027-03-28T02:30:00"
TWICE = "2027-10-31T02:30:00"


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    async with a_hall(database_url) as hall:
        await hall.opens("Europe/Berlin")
        yield hall


def wish(hall: Hall, start: str, end: str) -> dict[str, Any]:
    return {"libraryId": hall.id, "seatId": hall.seats[0], "start": start, "end": end}


async def test_a_time_without_an_offset_is_by_the_librarys_clock(hall: Hall) -> None:
    asha = hall.person()
    held = await asha.does("POST", "/api/holds", wish(hall, "2026-12-02T09:00:00", "2026-12-02T11:00:00"))
    assert (held["start"], held["end"]) == ("2026-12-02T08:00:00Z", "2026-12-02T10:00:00Z")
    booked = await asha.does("POST", "/api/bookings", wish(hall, held["start"], held["end"]))
    path = f"/api/bookings/{booked['id']}"
    later = await asha.does("PATCH", path, {"end": "2026-12-02T12:00:00"})
    assert (later["start"], later["end"]) == (held["start"], "2026-12-02T11:00:00Z")


async def test_a_time_in_the_gap_is_refused(hall: Hall) -> None:
    asha = hall.person()
    body = wish(hall, SKIPPED, "2027-03-28T05:00:00")
    for path in ("/api/holds", "/api/bookings"):
        await asha.is_refused(422, "wall-time-skipped", "POST", path, body)
    after_it = wish(hall, "2027-03-28T05:00:00", "2027-03-28T06:00:00")
    booked = await asha.does("POST", "/api/bookings", after_it)
    assert booked["start"] == "2027-03-28T03:00:00Z"
    path = f"/api/bookings/{booked['id']}"
    await asha.is_refused(422, "wall-time-skipped", "PATCH", path, {"start": SKIPPED})
    quoted = {name: value for name, value in body.items() if name != "libraryId"}
    await asha.is_refused(422, "wall-time-skipped", "POST", f"{hall.path}/quote", quoted)
    await asha.is_refused(422, "wall-time-skipped", "GET", f"{hall.path}/quota", start=SKIPPED)
    closure = {"closures": [{"start": SKIPPED}]}
    await hall.owner.is_refused(422, "wall-time-skipped", "PUT", f"{hall.path}/hours", closure)


async def test_a_time_that_comes_twice_needs_its_offset(hall: Hall) -> None:
    asha = hall.person()
    end = "2027-10-31T05:00:00+01:00"
    told = await asha.is_refused(422, "wall-time-ambiguous", "POST", "/api/holds", wish(hall, TWICE, end))
    assert (told["earlier"], told["later"]) == ("2027-10-31T00:30:00Z", "2027-10-31T01:30:00Z")
    second = await asha.does("POST", "/api/holds", wish(hall, f"{TWICE}+01:00", end))
    assert second["start"] == told["later"]


async def test_where_there_is_no_library_there_is_no_clock(hall: Hall) -> None:
    body = {**wish(hall, SKIPPED, TWICE), "libraryId": "none"}
    await hall.person().is_refused(404, "library-unknown", "POST", "/api/holds", body)
    stranger, booked = hall.person(), await hall.books(hall.person())
    path = f"/api/bookings/{booked['id']}"
    await stranger.is_refused(404, "booking-unknown", "PATCH", path, {"start": SKIPPED})
