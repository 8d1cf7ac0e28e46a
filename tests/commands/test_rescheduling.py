"""Another seat or time for a booking over HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.commands.hall import HOUR, NOW, Hall, a_hall


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    async with a_hall(database_url) as hall:
        yield hall


async def test_a_booking_has_another_seat_and_time_at_the_price_of_now(hall: Hall) -> None:
    asha, ravi = hall.person(), hall.person()
    await hall.costs(5000)
    booked = await hall.books(asha)
    path = f"/api/bookings/{booked['id']}"
    await hall.owner.does(
        "POST", f"{path}/payments", {"kind": "payment", "amountMinor": 10_000, "method": "cash"}
    )
    shorter = {"seatId": hall.seats[1], "start": hall.at(6), "end": hall.at(7)}
    moved = await asha.asks("PATCH", path, shorter, key="move-1")
    told = moved.json()
    assert moved.status_code == 200
    assert {name: told[name] for name in ("seatId", "start", "end", "amountMinor", "refundMinor")} == {
        **shorter,
        "amountMinor": 5000,
        "refundMinor": 5000,
    }
    again = await asha.asks("PATCH", path, shorter, key="move-1")
    assert again.json() == told
    await asha.is_refused(422, "nothing-to-reschedule", "PATCH", path, shorter)
    await asha.is_refused(422, "nothing-to-reschedule", "PATCH", path, {})
    await hall.books(ravi)
    taken = await asha.is_refused(
        409, "seat-taken", "PATCH", path, {"seatId": hall.seats[0], "start": hall.at(2), "end": hall.at(3)}
    )
    assert taken["alternatives"] == {"freeFrom": hall.at(4)}
    stranger = hall.person()
    await stranger.is_refused(404, "booking-unknown", "PATCH", path, {"end": hall.at(8)})


async def test_a_rescheduling_may_be_quoted(hall: Hall) -> None:
    asha = hall.person()
    await hall.costs(5000)
    booked = await hall.books(asha)
    path = f"/api/bookings/{booked['id']}"
    quote = await asha.does("POST", f"{hall.path}/quote", hall.to_quote(0, 2, 5))
    await hall.costs(7000)
    other = {"end": hall.at(6), "quoteId": quote["id"]}
    await asha.is_refused(422, "quote-mismatch", "PATCH", path, other)
    hall.now = NOW + timedelta(minutes=11)
    longer = {"end": hall.at(5), "quoteId": quote["id"]}
    changed = await asha.is_refused(409, "price-changed", "PATCH", path, longer)
    assert changed["quote"]["amountMinor"] == 21_000
    longer["quoteId"] = changed["quote"]["id"]
    assert (await asha.does("PATCH", path, longer))["amountMinor"] == 21_000


async def test_a_quoted_rescheduling_that_comes_again_is_answered_as_before(hall: Hall) -> None:
    asha = hall.person()
    await hall.costs(5000)
    path = f"/api/bookings/{(await hall.books(asha))['id']}"
    quote = await asha.does("POST", f"{hall.path}/quote", hall.to_quote(0, 3, 4))
    later = {"start": hall.at(3), "quoteId": quote["id"]}
    moved = await asha.does("PATCH", path, later, key="later")
    await asha.does("PATCH", path, {"end": hall.at(6)})
    again = await asha.asks("PATCH", path, later, key="later")
    assert (again.status_code, again.json()) == (200, moved)
    assert again.headers["Idempotent-Replayed"] == "true"
    await asha.is_refused(422, "quote-mismatch", "PATCH", path, later)


async def test_it_is_too_late_to_move_a_booking_away_from_a_late_cancellation(hall: Hall) -> None:
    asha = hall.person()
    booked = await hall.books(asha)
    path = f"/api/bookings/{booked['id']}"
    hall.now = NOW + 1.5 * HOUR
    late = await asha.is_refused(409, "too-late-to-reschedule", "PATCH", path, {"end": hall.at(5)})
    assert late["since"] == booked["freeCancelUntil"]
    assert (await hall.owner.does("PATCH", path, {"end": hall.at(5)}))["end"] == hall.at(5)
