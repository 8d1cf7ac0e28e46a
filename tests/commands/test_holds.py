"""Holding a seat over HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.commands.hall import HOUR, NOW, Hall, a_hall, text


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    async with a_hall(database_url) as hall:
        yield hall


async def test_a_seat_is_held_held_again_and_let_go(hall: Hall) -> None:
    asha, ravi = hall.person(), hall.person()
    placed = await asha.asks("POST", "/api/holds", hall.seat())
    assert placed.status_code == 201
    hold = placed.json()
    assert hold == {
        "id": hold["id"],
        **hall.seat(),
        "userId": asha.id,
        "until": text(NOW + timedelta(minutes=5)),
        "status": "held",
        "position": hold["position"],
    }
    again = await asha.asks("POST", "/api/holds", hall.seat())
    assert (again.status_code, again.json()["id"]) == (200, hold["id"])
    taken = await ravi.is_refused(409, "seat-taken", "POST", "/api/holds", hall.seat())
    assert taken["alternatives"] == {"freeFrom": hall.at(4)}
    await asha.is_refused(409, "student-holding", "POST", "/api/holds", hall.seat(1))
    path = f"/api/holds/{hold['id']}"
    await ravi.is_refused(404, "hold-unknown", "DELETE", path)
    released = await asha.does("DELETE", path)
    assert (released["id"], released["status"]) == (hold["id"], "released")
    await asha.is_refused(409, "hold-released", "DELETE", path)
    assert (await ravi.does("POST", "/api/holds", hall.seat()))["userId"] == ravi.id


async def test_a_hold_is_over_by_the_clock_alone(hall: Hall) -> None:
    asha, ravi = hall.person(), hall.person()
    hold = await asha.does("POST", "/api/holds", hall.seat())
    hall.now = NOW + timedelta(minutes=5)
    await ravi.does("POST", "/api/bookings", hall.seat())
    await asha.is_refused(409, "hold-lapsed", "DELETE", f"/api/holds/{hold['id']}")
    booking = hall.seat(holdId=hold["id"])
    await asha.is_refused(409, "hold-lapsed", "POST", "/api/bookings", booking)


async def test_a_hold_becomes_exactly_the_booking_that_was_held(hall: Hall) -> None:
    asha = hall.person()
    hold = await asha.does("POST", "/api/holds", hall.seat())
    await asha.is_refused(422, "hold-mismatch", "POST", "/api/bookings", hall.seat(1, holdId=hold["id"]))
    await asha.is_refused(404, "hold-unknown", "POST", "/api/bookings", hall.seat(holdId="none"))
    booking = await asha.does("POST", "/api/bookings", hall.seat(holdId=hold["id"]))
    assert booking["holdId"] == hold["id"]
    booked = await asha.is_refused(409, "hold-booked", "DELETE", f"/api/holds/{hold['id']}")
    assert booked["bookingId"] == booking["id"]


async def test_a_repeated_key_holds_once_and_is_told_the_same(hall: Hall) -> None:
    asha = hall.person()
    first = await asha.asks("POST", "/api/holds", hall.seat(), key="hold-1")
    await asha.does("DELETE", f"/api/holds/{first.json()['id']}")
    second = await asha.asks("POST", "/api/holds", hall.seat(), key="hold-1")
    assert (second.status_code, second.json()) == (201, first.json())
    assert second.headers["Idempotent-Replayed"] == "true"
    other = hall.seat(1)
    await asha.is_refused(422, "idempotency-key-reused", "POST", "/api/holds", other, key="hold-1")


async def test_a_library_holds_for_its_students_and_students_for_themselves(hall: Hall) -> None:
    asha = hall.person()
    await hall.owner.is_refused(422, "student-required", "POST", "/api/holds", hall.seat())
    await asha.is_refused(403, "not-for-others", "POST", "/api/holds", hall.seat(userId=hall.owner.id))
    held = await hall.owner.does("POST", "/api/holds", hall.seat(userId=asha.id))
    assert held["userId"] == asha.id
    other = hall.person("owner", "library_owner")
    await other.is_refused(403, "not-your-library", "POST", "/api/holds", hall.seat(1, userId=asha.id))


async def test_what_cannot_be_had_says_when_it_can(hall: Hall) -> None:
    asha = hall.person()
    closure = {"start": hall.at(1), "end": hall.at(5)}
    await hall.owner.does("PUT", f"{hall.path}/hours", {"closures": [closure]})
    closed = await asha.is_refused(409, "library-closed", "POST", "/api/holds", hall.seat())
    assert closed["closedUntil"] == hall.at(5)
    weekly = [{"day": "wednesday", "opens": "09:00", "closes": "18:00"}]
    await hall.owner.does("PUT", f"{hall.path}/hours", {"hours": weekly, "closures": []})
    shut = await asha.is_refused(409, "outside-opening-hours", "POST", "/api/holds", hall.seat())
    assert shut["openFrom"] == text(NOW + 24 * HOUR)
    await asha.does("POST", "/api/holds", hall.seat(0, 24, 26))
    await hall.owner.does("PUT", f"{hall.path}/rules", {"advanceDays": 1})
    next_week = hall.seat(0, 24 * 8, 24 * 8 + 1)
    early = await asha.is_refused(409, "not-yet-released", "POST", "/api/holds", next_week)
    assert early["releasedAt"] == hall.at(24 * 7 - 9)
