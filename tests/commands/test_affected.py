"""Moving and revoking the bookings that a closure or a seat's end hits."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from studyspot.projections.models import seats as seat_model
from tests.commands.hall import NOW, Hall, a_hall
from tests.projections.system import a_log, working


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    """A library with the read model in which free seats are found."""
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(a_log(database_url))
        await stack.enter_async_context(working(log, seat_model.PROJECTION))
        yield await stack.enter_async_context(a_hall(database_url))


async def shown(hall: Hall) -> None:
    """Wait until the read model shows everything so far."""
    position = (await hall.owner.does("GET", f"{hall.path}/desk-code"))["position"]
    headers = {"StudySpot-Min-Position": str(position)}
    interval = {"start": hall.at(2), "end": hall.at(4)}
    answer = await hall.http.get(f"{hall.path}/seats", params=interval, headers=headers)
    assert answer.status_code == 200, answer.text


async def resolved(hall: Hall, body: dict[str, Any], key: str | None = None) -> Any:
    return await hall.owner.does("POST", f"{hall.path}/affected/resolve", body, key=key)


async def test_who_cannot_have_a_seat_is_offered_others(hall: Hall) -> None:
    await hall.books(hall.person())
    await shown(hall)
    taken = await hall.person().is_refused(409, "seat-taken", "POST", "/api/bookings", hall.seat())
    other = {"id": hall.seats[1], "label": "A1", "zone": "general"}
    assert taken["alternatives"] == {"seats": [other], "freeFrom": hall.at(4)}
    assert "freeFrom" not in taken
    await hall.owner.does("PATCH", f"{hall.path}/seats/{hall.seats[0]}", {"inService": False})
    await shown(hall)
    out = await hall.person().is_refused(409, "seat-out-of-service", "POST", "/api/holds", hall.seat())
    assert out["alternatives"] == {"seats": [other]}


async def test_bookings_are_moved_to_seats_that_are_alike_while_there_are_any(hall: Hall) -> None:
    await hall.opens(seats=4)
    people = [hall.person() for _ in range(3)]
    booked = [await hall.books(person, number) for number, person in enumerate(people)]
    await hall.owner.does("PATCH", f"{hall.path}/seats/{hall.seats[3]}", {"attributes": {"socket": True}})
    by = {"inService": False, "revokeAt": hall.at(1)}
    for seat in hall.seats[:2]:
        await hall.owner.does("PATCH", f"{hall.path}/seats/{seat}", by)
    await shown(hall)
    moves = [{"bookingId": made["id"], "consented": True} for made in booked]
    told = await resolved(hall, {"moves": moves}, key="resolve")
    moved, left, unaffected = told["results"]
    assert (moved["outcome"], moved["seatId"]) == ("moved", hall.seats[3])
    assert moved["bookingId"] == booked[0]["id"]
    assert (left["outcome"], left["problem"]["type"]) == ("refused", "/problems/no-seat-alike")
    assert unaffected["problem"]["type"] == "/problems/booking-unaffected"
    assert told["position"] >= booked[-1]["position"]
    again = await resolved(hall, {"moves": moves}, key="resolve")
    assert again["results"][0] == moved
    assert again["results"][1]["outcome"] == "refused"


async def test_each_is_decided_on_its_own(hall: Hall) -> None:
    asha, ravi, meera = (hall.person() for _ in range(3))
    one, two = await hall.books(asha), await hall.books(ravi, 1)
    elsewhere = {"id": hall.id, "seats": hall.seats}
    await hall.opens()
    foreign = await hall.books(meera)
    hall.id, hall.seats = elsewhere["id"], elsewhere["seats"]  # type: ignore[assignment]
    closure = {"start": hall.at(2), "end": hall.at(5), "revokeAt": hall.at(1)}
    await hall.owner.does("PUT", f"{hall.path}/hours", {"closures": [closure]})
    later = {"start": hall.at(5), "end": hall.at(7)}
    body = {
        "moves": [{"bookingId": one["id"], **later}, {"bookingId": foreign["id"], "consented": True}],
        "revoke": [two["id"], "none"],
        "reason": "The roof is mended",
    }
    told = await resolved(hall, body)
    assert [result["outcome"] for result in told["results"]] == ["refused", "refused", "revoked", "refused"]
    assert [result["problem"] and result["problem"]["type"] for result in told["results"]] == [
        "/problems/consent-required",
        "/problems/booking-unknown",
        None,
        "/problems/booking-unknown",
    ]
    history = (await ravi.does("GET", f"/api/bookings/{two['id']}/history"))["rows"]
    assert history[-1]["text"] == "The library took the booking back: it is closed then."
    body = {"moves": [{"bookingId": one["id"], **later, "consented": True}]}
    (moved,) = (await resolved(hall, body))["results"]
    assert (moved["outcome"], moved["start"], moved["seatId"]) == ("moved", later["start"], hall.seats[0])
    assert hall.now == NOW


async def test_only_the_library_resolves_and_only_what_it_names(hall: Hall) -> None:
    path = f"{hall.path}/affected/resolve"
    nothing = {"revoke": ["none"]}
    await hall.person().is_refused(403, "role-not-allowed", "POST", path, nothing)
    other = hall.person("owner", "library_owner")
    await other.is_refused(403, "not-your-library", "POST", path, nothing)
    for body in ({}, {"revoke": ["b", "b"]}, {"revoke": [f"b{number}" for number in range(101)]}):
        await hall.owner.is_refused(422, "invalid-request", "POST", path, body)
