"""A series over HTTP: looked at, booked as a whole, or with days left out."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.commands.hall import Hall, a_hall


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    async with a_hall(database_url) as hall:
        yield hall


def month(hall: Hall, **more: Any) -> dict[str, Any]:
    """January's mornings; the library's clock is five and a half hours ahead."""
    return {"libraryId": hall.id, "seatId": hall.seats[0], "month": "2027-01", "shift": "morning"} | more


async def is_closed_on(hall: Hall, day: str) -> None:
    closures = [{"start": f"{day}T00:00:00", "end": f"{day}T23:59:00"}]
    await hall.owner.does("PUT", f"{hall.path}/hours", {"closures": closures})


async def test_a_month_over_a_closed_day_is_refused_by_name_or_goes_around_it(hall: Hall) -> None:
    plans = [{"id": "monthly", "unit": "month", "amountMinor": 310_000}]
    await hall.owner.does("PUT", f"{hall.path}/pricing", {"plans": plans})
    await is_closed_on(hall, "2027-01-26")
    asha = hall.person()
    refused = await asha.is_refused(409, "series-conflict", "POST", "/api/bookings/series", month(hall))
    assert refused["conflicts"] == [
        {
            "date": "2027-01-26",
            "type": "/problems/library-closed",
            "detail": refused["conflicts"][0]["detail"],
        }
    ]
    looked = await asha.does("POST", "/api/bookings/series/preview", month(hall))
    assert (looked["status"], looked["amountMinor"], looked["seriesId"]) == ("possible", 300_000, None)
    made = await asha.does("POST", "/api/bookings/series", month(hall, skipConflicts=True), key="january")
    assert made["status"] == "confirmed"
    assert [skipped["date"] for skipped in made["skipped"]] == ["2027-01-26"]
    assert len(made["bookings"]) == 30
    assert made["bookings"][0]["start"] == "2027-01-01T00:30:00Z"
    assert made["bookings"][0]["end"] == "2027-01-01T06:30:00Z"
    assert made["amountMinor"] == 300_000 == sum(one["amountMinor"] for one in made["bookings"])
    again = await asha.asks("POST", "/api/bookings/series", month(hall, skipConflicts=True), key="january")
    assert (again.status_code, again.json()) == (201, made)
    one = await asha.does("POST", f"/api/bookings/{made['bookings'][3]['id']}/cancel")
    assert one["status"] == "cancelled"


async def test_looking_books_nothing(hall: Hall) -> None:
    asha, ravi = hall.person(), hall.person()
    await asha.does("POST", "/api/bookings/series/preview", month(hall))
    await ravi.does("POST", "/api/bookings/series", month(hall))
    looked = await asha.asks("POST", "/api/bookings/series/preview", month(hall))
    assert looked.status_code == 409
    assert len(looked.json()["conflicts"]) == 31


async def test_evenings_of_some_weekdays_but_not_of_every_date(hall: Hall) -> None:
    body = {
        "libraryId": hall.id,
        "seatId": hall.seats[0],
        "from": "2026-12-07",
        "until": "2026-12-18",
        "startTime": "18:00",
        "endTime": "21:00",
        "weekdays": ["monday", "friday"],
        "skip": ["2026-12-14"],
    }
    made = await hall.person().does("POST", "/api/bookings/series", body)
    assert [one["start"] for one in made["bookings"]] == [
        "2026-12-07T12:30:00Z",
        "2026-12-11T12:30:00Z",
        "2026-12-18T12:30:00Z",
    ]
    assert made["skipped"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"month": None},
        {"shift": None},
        {"from": "2027-01-01"},
        {"from": "2027-01-01", "until": "2027-01-03"},
        {"month": "2027-13"},
        {"month": None, "from": 1, "until": 2},
        {"startTime": "06:00"},
        {"weekdays": []},
        {"weekdays": ["someday"]},
        {"skipConflicts": "yes"},
        {"skip": ["soon"]},
        {"anything": 1},
    ],
)
async def test_what_does_not_say_when_is_not_understood(hall: Hall, changes: dict[str, Any]) -> None:
    body = {name: value for name, value in month(hall, **changes).items() if value is not None}
    await hall.person().is_refused(422, "invalid-request", "POST", "/api/bookings/series", body)


async def test_too_much_and_nothing_are_refused(hall: Hall) -> None:
    asha = hall.person()
    year = month(hall) | {"from": "2026-12-02", "until": "2027-11-30"}
    del year["month"]
    await asha.is_refused(422, "series-too-long", "POST", "/api/bookings/series", year)
    none = year | {"until": "2026-12-02", "weekdays": ["sunday"]}
    await asha.is_refused(422, "series-without-dates", "POST", "/api/bookings/series", none)
