"""What happened to a booking, in words, for its parties alone."""

from collections.abc import AsyncIterator
from datetime import timedelta

import psycopg
import pytest

from tests.commands.hall import NOW, Hall, a_hall


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    async with a_hall(database_url) as hall:
        yield hall


async def test_a_history_tells_who_did_what_and_when_by_the_librarys_clock(hall: Hall) -> None:
    asha = hall.person()
    await hall.costs(125_000)
    made = await hall.books(asha)
    path = f"/api/bookings/{made['id']}"
    payment = {"kind": "payment", "amountMinor": 250_000, "method": "bank-transfer"}
    await hall.owner.does("POST", f"{path}/payments", payment)
    hall.now = NOW + timedelta(minutes=1)
    await asha.does("PATCH", path, {"seatId": hall.seats[1], "end": hall.at(3)})
    await asha.does("POST", f"{path}/cancel", {"reason": "a secret"})
    told = await asha.does("GET", f"{path}/history")
    assert [(row["type"], row["by"], row["actor"]) for row in told["rows"]] == [
        ("booking.created", "student", asha.id),
        ("payment.recorded", "library", hall.owner.id),
        ("booking.rescheduled", "student", asha.id),
        ("payment.refunded", "student", asha.id),
        ("booking.cancelled", "student", asha.id),
        ("payment.refunded", "student", asha.id),
    ]
    assert [row["text"] for row in told["rows"]] == [
        "Booked seat A0 for Tue 1 Dec 2026, 11:00 to 13:00, for INR 2,500.00.",
        "Paid INR 2,500.00 by bank transfer; INR 2,500.00 is paid in all.",
        "Moved from seat A0 to seat A1, and from Tue 1 Dec 2026, 11:00 to 13:00"
        " to Tue 1 Dec 2026, 11:00 to 12:00, for INR 1,250.00.",
        "Given back INR 1,250.00 because the new time or seat costs less; INR 1,250.00 is paid in all.",
        "Cancelled in time; nothing is to be paid.",
        "Given back INR 1,250.00 because the booking was cancelled; INR 0.00 is paid in all.",
    ]
    assert [row["time"] for row in told["rows"][:3]] == [hall.at(0), hall.at(0), hall.at(1 / 60)]
    positions = [row["position"] for row in told["rows"]]
    assert positions == sorted(positions)
    assert told["position"] == positions[-1]
    assert await hall.owner.does("GET", f"{path}/history") == told


async def test_a_history_tells_reasons_and_references_for_as_long_as_they_are_kept(hall: Hall) -> None:
    asha = hall.person()
    await hall.costs(1_000)
    path = f"/api/bookings/{(await hall.books(asha))['id']}"
    payment = {"kind": "payment", "amountMinor": 1_000, "method": "upi", "reference": "UPI 4712"}
    await hall.owner.does("POST", f"{path}/payments", payment)
    resolved = {"revoke": [path.rpartition("/")[2]], "reason": "The roof leaks"}
    await hall.owner.does("POST", f"{hall.path}/affected/resolve", resolved)
    told = [row["note"] for row in (await asha.does("GET", f"{path}/history"))["rows"]]
    assert told == [None, "UPI 4712", "The roof leaks", None]
    with psycopg.connect(hall.database_url) as connection:
        connection.execute("DELETE FROM private.texts WHERE text = 'The roof leaks'")
    told = [row["note"] for row in (await hall.owner.does("GET", f"{path}/history"))["rows"]]
    assert told == [None, "UPI 4712", None, None]


async def test_a_history_comes_in_pages(hall: Hall) -> None:
    asha = hall.person()
    path = f"/api/bookings/{(await hall.books(asha))['id']}"
    await asha.does("POST", f"{path}/cancel")
    first = await asha.does("GET", f"{path}/history", limit=1)
    second = await asha.does("GET", f"{path}/history", limit=1, cursor=first["next"])
    assert [row["type"] for page in (first, second) for row in page["rows"]] == [
        "booking.created",
        "booking.cancelled",
    ]
    assert second["next"] is None
    await asha.is_refused(422, "invalid-request", "GET", f"{path}/history", cursor="mine")


async def test_to_all_others_there_is_no_such_booking(hall: Hall) -> None:
    path = f"/api/bookings/{(await hall.books(hall.person()))['id']}/history"
    for stranger in (hall.person(), hall.person("owner", "library_owner"), hall.person("admin", "admin")):
        await stranger.is_refused(404, "booking-unknown", "GET", path)
