"""Retiring a library together with what is still to come in it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Criterion
from tests.commands.hall import Hall, a_hall


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    async with a_hall(database_url) as hall:
        yield hall


async def test_a_cascade_revokes_every_booking_and_releases_every_hold(hall: Hall) -> None:
    await hall.costs(5000)
    booked = [
        await hall.books(hall.person(), number, start, start + 1) for number in (0, 1) for start in range(5)
    ]
    paid = {"kind": "payment", "amountMinor": 5000, "method": "cash"}
    await hall.owner.does("POST", f"/api/bookings/{booked[0]['id']}/payments", paid)
    moved = hall.person()
    away = await hall.books(moved, 0, 6, 7)
    await moved.does("PATCH", f"/api/bookings/{away['id']}", {"seatId": hall.seats[1]})
    await moved.does("POST", f"/api/bookings/{away['id']}/cancel")
    holding = hall.person()
    held = await holding.does("POST", "/api/holds", hall.seat(0, 8, 9))
    refused = await hall.owner.is_refused(409, "future-bookings", "DELETE", hall.path)
    assert refused["count"] == 10
    await hall.person().is_refused(403, "role-not-allowed", "DELETE", hall.path, cascade="true")
    told = await hall.owner.does("DELETE", hall.path, cascade="true")
    assert (told["id"], told["revoked"], told["released"]) == (hall.id, 10, 1)
    with EventStore(hall.database_url) as store:
        ended = store.read([Criterion(("booking.revoked",), (f"booking:{made['id']}",)) for made in booked])
        back = store.read([Criterion(("payment.refunded",), (f"booking:{booked[0]['id']}",))])
        released = store.read([Criterion(("hold.released",), (f"hold:{held['id']}",))])
    assert (len(ended.events), len(back.events), len(released.events)) == (10, 1, 1)
    assert all(b'"library-retired"' in event.data for event in ended.events)
    await hall.person().is_refused(409, "library-retired", "POST", "/api/bookings", hall.seat())
    await hall.owner.is_refused(409, "library-retired", "DELETE", hall.path, cascade="true")


async def test_a_library_without_bookings_retires_and_lets_its_holds_go(hall: Hall) -> None:
    held = await hall.person().does("POST", "/api/holds", hall.seat(0, 2, 3))
    assert (await hall.owner.does("DELETE", hall.path))["released"] == 1
    with EventStore(hall.database_url) as store:
        released = store.read([Criterion(("hold.released",), (f"hold:{held['id']}",))])
    assert len(released.events) == 1


async def test_a_retirement_that_was_interrupted_goes_on(hall: Hall) -> None:
    await hall.books(hall.person())
    await hall.owner.is_refused(409, "future-bookings", "DELETE", hall.path)
    await hall.books(hall.person(), 1)
    assert (await hall.owner.does("DELETE", hall.path, cascade="true"))["revoked"] == 2


async def test_whoever_books_during_a_cascade_is_revoked_or_refused(hall: Hall) -> None:
    await hall.opens(seats=20)
    wishes = [
        hall.person().asks("POST", "/api/bookings", hall.seat(number, start, start + 1))
        for start in range(2)
        for number in range(20)
    ]
    retiring = hall.owner.does("DELETE", hall.path, cascade="true")
    *answers, told = await asyncio.gather(*wishes, retiring)
    booked = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    refused = {answer.json()["type"] for answer in answers if answer.status_code != 201}
    assert refused <= {"/problems/library-closed", "/problems/library-retired"}
    assert told["revoked"] == len(booked)
    with EventStore(hall.database_url) as store:
        ended = [store.read([Criterion(("booking.revoked",), (f"booking:{one}",))]) for one in booked]
    assert all(len(read.events) == 1 for read in ended)


async def test_a_cascade_goes_through_beside_some_that_only_look(hall: Hall) -> None:
    await hall.opens(seats=10)
    for number in range(10):
        await hall.books(hall.person(), number)
    looking = [hall.owner.asks("DELETE", hall.path) for _ in range(3)]
    answers = await asyncio.gather(hall.owner.asks("DELETE", hall.path, cascade="true"), *looking)
    # Whichever comes last finds nothing to come, and retires it.
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    await hall.owner.is_refused(409, "library-retired", "DELETE", hall.path, cascade="true")
