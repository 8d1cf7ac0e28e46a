"""Waiting for a seat over HTTP: joining, the place in line, an offer, leaving."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from studyspot.decisions.run import Circumstances, Decisions
from studyspot.domain.waitlist import OFFER_PLACE, OfferPlace
from studyspot.event_store.store import EventStore
from studyspot.projections.models import seats as seat_model
from tests.commands.hall import NOW, Hall, Person, a_hall
from tests.projections.system import a_log, working


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    """A library of two seats, and no read model: no seat is found to be free."""
    async with a_hall(database_url) as hall:
        yield hall


@pytest.fixture
async def hall_with_map(database_url: str) -> AsyncIterator[Hall]:
    """A library with the read model in which free seats are found."""
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(a_log(database_url))
        await stack.enter_async_context(working(log, seat_model.PROJECTION))
        yield await stack.enter_async_context(a_hall(database_url))


@asynccontextmanager
async def deciding(hall: Hall) -> AsyncIterator[Decisions]:
    """Decide beside the HTTP process, as the policies do."""
    store = EventStore(hall.database_url)
    await asyncio.to_thread(store.open)
    try:
        yield Decisions(store)
    finally:
        await asyncio.to_thread(store.close)


async def offers(hall: Hall, entry_id: str, number: int = 0) -> None:
    """Offer a seat to who waits."""
    command = OfferPlace(entry_id, f"hold-{entry_id}", "an-occupation", hall.seats[number], hall.now)
    circumstances = Circumstances(actor=None, at=hall.now, command_id="offer")
    async with deciding(hall) as decisions:
        await decisions.run(OFFER_PLACE, command, circumstances, lambda _, events: {"count": len(events)})


async def shown(hall: Hall) -> None:
    """Wait until the read model shows everything so far."""
    position = (await hall.owner.does("GET", f"{hall.path}/desk-code"))["position"]
    interval = {"start": hall.at(2), "end": hall.at(4)}
    headers = {"StudySpot-Min-Position": str(position)}
    answer = await hall.http.get(f"{hall.path}/seats", params=interval, headers=headers)
    assert answer.status_code == 200, answer.text


def wish(hall: Hall, start: float = 2, end: float = 4, **more: Any) -> dict[str, Any]:
    return {"libraryId": hall.id, "start": hall.at(start), "end": hall.at(end), **more}


async def full(hall: Hall) -> list[tuple[Person, str]]:
    """Have both seats booked; by whom, and the bookings' ids."""
    people = [hall.person(), hall.person()]
    return [(person, (await hall.books(person, number))["id"]) for number, person in enumerate(people)]


async def test_a_student_waits_sees_their_place_and_leaves(hall: Hall) -> None:
    await full(hall)
    await hall.owner.does("PATCH", f"{hall.path}/seats/{hall.seats[1]}", {"attributes": {"power": True}})
    asha, ravi = hall.person(), hall.person()
    joined = await asha.asks("POST", "/api/waitlist", wish(hall))
    assert joined.status_code == 201
    place = joined.json()
    assert place == {
        "id": place["id"],
        **wish(hall),
        "userId": asha.id,
        "zone": None,
        "attributes": {},
        "status": "waiting",
        "place": 1,
        "revokedBookingId": None,
        "position": place["position"],
    }
    quiet = {"zone": "general", "attributes": {"power": True}}
    behind = await ravi.does("POST", "/api/waitlist", wish(hall, 3, 5, **quiet))
    assert (behind["place"], behind["zone"], behind["attributes"]) == (2, "general", {"power": True})
    again = await asha.asks("POST", "/api/waitlist", wish(hall))
    assert (again.status_code, again.json()["id"], again.json()["place"]) == (200, place["id"], 1)
    waiting = await asha.is_refused(409, "waiting-already", "POST", "/api/waitlist", wish(hall, 3, 5))
    assert waiting["entryId"] == place["id"]
    path = f"/api/waitlist/{place['id']}"
    await ravi.is_refused(404, "waitlist-entry-unknown", "DELETE", path)
    left = await asha.does("DELETE", path)
    assert (left["id"], left["status"]) == (place["id"], "left")
    ended = await asha.is_refused(409, "waitlist-entry-ended", "DELETE", path)
    assert ended["endedAs"] == "left"
    assert (await ravi.asks("POST", "/api/waitlist", wish(hall, 3, 5, **quiet))).json()["place"] == 1


async def test_a_repeated_key_joins_once_and_is_told_the_same(hall: Hall) -> None:
    await full(hall)
    asha = hall.person()
    first = await asha.asks("POST", "/api/waitlist", wish(hall), key="join")
    await asha.does("DELETE", f"/api/waitlist/{first.json()['id']}")
    second = await asha.asks("POST", "/api/waitlist", wish(hall), key="join")
    assert (second.status_code, second.json()) == (201, first.json())
    assert second.headers["Idempotent-Replayed"] == "true"
    other = wish(hall, 3, 4)
    await asha.is_refused(422, "idempotency-key-reused", "POST", "/api/waitlist", other, key="join")


async def test_a_freed_seat_is_for_who_waits_and_is_booked_from_the_offer(hall: Hall) -> None:
    (first, booking), _ = await full(hall)
    asha, ravi = hall.person(), hall.person()
    place = await asha.does("POST", "/api/waitlist", wish(hall))
    await first.does("POST", f"/api/bookings/{booking}/cancel")
    later = await hall.books(first, 0, 6, 7)
    path = f"/api/bookings/{later['id']}"
    for method, where, body in (
        ("POST", "/api/bookings", hall.seat()),
        ("POST", "/api/holds", hall.seat(0, 3, 5)),
        ("PATCH", path, {"start": hall.at(1), "end": hall.at(3)}),
    ):
        awaited = await (first if method == "PATCH" else ravi).is_refused(
            409, "seat-awaited", method, where, body
        )
        assert (awaited["seatId"], awaited["start"], awaited["end"]) == (
            hall.seats[0],
            hall.at(2),
            hall.at(4),
        )
    for_ravi = hall.seat(userId=ravi.id)
    await hall.owner.is_refused(409, "seat-awaited", "POST", "/api/bookings", for_ravi)
    await offers(hall, place["id"])
    await ravi.is_refused(409, "seat-taken", "POST", "/api/bookings", hall.seat())
    still = await asha.asks("POST", "/api/waitlist", wish(hall))
    assert (still.status_code, still.json()["status"], still.json()["place"]) == (200, "offered", None)
    booked = await asha.does("POST", "/api/bookings", hall.seat())
    assert booked["holdId"] == f"hold-{place['id']}"
    ended = await asha.is_refused(409, "waitlist-entry-ended", "DELETE", f"/api/waitlist/{place['id']}")
    assert ended["endedAs"] == "accepted"


async def test_an_offer_is_let_go_or_left_or_lapses(hall: Hall) -> None:
    waiting = [hall.person() for _ in range(3)]
    places = [await person.does("POST", "/api/waitlist", wish(hall)) for person in waiting]
    one, two, three = (place["id"] for place in places)
    await offers(hall, one)
    released = await waiting[0].does("DELETE", f"/api/holds/hold-{one}")
    assert released["status"] == "released"
    await offers(hall, two)
    assert (await waiting[1].does("DELETE", f"/api/waitlist/{two}"))["status"] == "left"
    await offers(hall, three)
    hall.now = NOW + timedelta(minutes=10)
    await waiting[2].is_refused(409, "hold-lapsed", "DELETE", f"/api/holds/hold-{three}")
    ended = await waiting[2].is_refused(409, "waitlist-entry-ended", "DELETE", f"/api/waitlist/{three}")
    assert ended["endedAs"] == "lapsed"
    await hall.books(hall.person())


async def test_who_lost_a_booking_comes_first(hall: Hall) -> None:
    (first, lost_id), (_, kept_id) = await full(hall)
    asha = hall.person()
    await asha.does("POST", "/api/waitlist", wish(hall))
    not_theirs = wish(hall, revokedBookingId=kept_id)
    await hall.person().is_refused(409, "not-revoked", "POST", "/api/waitlist", not_theirs)
    await hall.owner.does("POST", f"/api/bookings/{lost_id}/revoke")
    lost = wish(hall, revokedBookingId=lost_id)
    assert (await first.does("POST", "/api/waitlist", lost))["place"] == 1
    assert (await asha.does("POST", "/api/waitlist", wish(hall)))["place"] == 2


async def test_a_library_waits_for_its_students_by_its_clock(hall: Hall) -> None:
    await full(hall)
    asha = hall.person()
    by_wall_time = {"libraryId": hall.id, "start": "2026-12-01T11:00:00", "end": "2026-12-01T13:00:00"}
    await hall.owner.is_refused(422, "student-required", "POST", "/api/waitlist", by_wall_time)
    await asha.is_refused(403, "not-for-others", "POST", "/api/waitlist", {**by_wall_time, "userId": "x"})
    place = await hall.owner.does("POST", "/api/waitlist", {**by_wall_time, "userId": asha.id})
    assert (place["userId"], place["start"], place["end"]) == (asha.id, hall.at(2), hall.at(4))
    assert (await hall.owner.does("DELETE", f"/api/waitlist/{place['id']}"))["status"] == "left"
    other = hall.person("owner", "library_owner")
    await other.is_refused(
        403, "not-your-library", "POST", "/api/waitlist", {**by_wall_time, "userId": asha.id}
    )


async def test_nobody_waits_for_what_they_could_not_book(hall: Hall) -> None:
    asha = hall.person()
    unknown = {**wish(hall), "libraryId": "nowhere"}
    await asha.is_refused(404, "library-unknown", "POST", "/api/waitlist", unknown)
    await asha.is_refused(422, "end-not-after-start", "POST", "/api/waitlist", wish(hall, 4, 2))
    await asha.is_refused(422, "start-in-the-past", "POST", "/api/waitlist", wish(hall, -2, 2))
    await asha.is_refused(422, "invalid-request", "POST", "/api/waitlist", wish(hall, seatId="S1"))
    await hall.books(asha)
    busy = await asha.is_refused(409, "student-busy", "POST", "/api/waitlist", wish(hall, 3, 5))
    assert busy["bookingId"]


async def test_all_who_join_at_once_get_a_place_each(hall: Hall) -> None:
    people = [hall.person() for _ in range(60)]
    async with asyncio.TaskGroup() as joining:
        joined = [joining.create_task(person.does("POST", "/api/waitlist", wish(hall))) for person in people]
    assert sorted(task.result()["place"] for task in joined) == list(range(1, 61))


async def test_who_could_have_a_seat_at_once_is_told_which(hall_with_map: Hall) -> None:
    hall = hall_with_map
    asha, ravi = hall.person(), hall.person()
    await hall.books(hall.person())
    await hall.owner.does("PATCH", f"{hall.path}/seats/{hall.seats[1]}", {"attributes": {"socket": True}})
    await shown(hall)
    free = await asha.is_refused(409, "seats-free", "POST", "/api/waitlist", wish(hall))
    assert free["alternatives"] == {"seats": [{"id": hall.seats[1], "label": "A1", "zone": "general"}]}
    socket: dict[str, Any] = {"attributes": {"socket": True}}
    await asha.is_refused(409, "seats-free", "POST", "/api/waitlist", wish(hall, **socket))
    without: dict[str, Any] = {"attributes": {"socket": False}}
    for unlike in ({"zone": "quiet"}, without):
        await asha.is_refused(422, "no-such-seat", "POST", "/api/waitlist", wish(hall, **unlike))
    await hall.books(hall.person(), 1)
    await shown(hall)
    await asha.does("POST", "/api/waitlist", wish(hall))
    await hall.person().does("POST", "/api/waitlist", wish(hall))
    await hall.owner.does("POST", f"{hall.path}/seats", {"seats": [{"label": "A9"}]})
    await shown(hall)
    # One seat is free now, and somebody waits for it.
    assert (await ravi.does("POST", "/api/waitlist", wish(hall)))["place"] == 3
