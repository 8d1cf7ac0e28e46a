"""An evening for which all seats are booked, through HTTP alone: the line is served in its order."""

import asyncio
from datetime import UTC, timedelta
from typing import Any

from tests.journeys.person import Person
from tests.journeys.resident import Resident
from tests.journeys.study_hall import EVENING, StudyHall, goes_on, on_the_day, text
from tests.journeys.town import LIMIT_SECONDS, Town
from tests.journeys.village import Village


async def test_who_waits_is_offered_what_is_freed_one_after_another(village: Village) -> None:
    hall = await village.hall(2)
    asha, ravi, kiran, latha, nisha, farah = await village.residents(
        "Asha", "Ravi", "Kiran", "Latha", "Nisha", "Farah"
    )
    first = await hall.books(asha, 1, EVENING, "evening")
    free = await kiran.is_refused("seats-free", "POST", "/api/waitlist", waiting(hall))
    assert [seat["id"] for seat in free["alternatives"]["seats"]] == [hall.seats[1]]
    second = await hall.books(ravi, 2, EVENING, "evening")
    for place, student in enumerate((kiran, latha, nisha), start=1):
        joined = await student.does("POST", "/api/waitlist", waiting(hall))
        assert (joined["status"], joined["place"]) == ("waiting", place)
    again = await nisha.asks("POST", "/api/waitlist", waiting(hall))
    assert (again.status_code, again.json()["id"], again.json()["place"]) == (200, joined["id"], 3)
    await asha.is_refused("student-busy", "POST", "/api/waitlist", waiting(hall))
    await assert_line(hall, after=joined["position"], line=(kiran, latha, nisha))

    await asha.does("POST", f"/api/bookings/{first['id']}/cancel")
    wanted = hall.of_seat(1, EVENING, "evening")
    await farah.is_refused("seat-awaited", "POST", "/api/bookings", wanted)
    part = {"start": text(on_the_day(20)), "end": text(on_the_day(21))}
    await farah.is_refused(
        "seat-awaited", "POST", "/api/holds", {**waiting(hall, part), "seatId": hall.seats[0]}
    )
    await latha.is_refused("seat-awaited", "POST", "/api/bookings", wanted)
    async with village.policies():
        await one_lets_it_lapse_and_the_next_takes_it(village, hall, (kiran, latha, nisha, farah))
        await who_lost_a_booking_comes_first(village, hall, ravi, second["id"], (kiran, nisha, farah))
        await nobody_waits_any_more(village, hall, kiran)
        await hall.is_judged_clean()


def waiting(hall: StudyHall, interval: dict[str, str] = EVENING, **more: Any) -> dict[str, Any]:
    return {"libraryId": hall.id, **interval, **more}


async def place_of(student: Person, **read: Any) -> dict[str, Any]:
    """Return the student's newest place in a waitlist."""
    place: dict[str, Any] = (await student.gets("/api/waitlist", **read))["rows"][0]
    return place


async def assert_line(hall: StudyHall, *, after: int, line: tuple[Person, ...]) -> None:
    """Each sees their own place, and whoever runs the library all of them, in order."""
    for place, student in enumerate(line, start=1):
        own = (await student.gets("/api/waitlist", after=after))["rows"]
        assert {row["userId"] for row in own} == {student.user_id}
        assert (own[0]["status"], own[0]["place"]) == ("waiting", place)
    seen = (await hall.owner.gets("/api/waitlist", after=after, libraryId=hall.id))["rows"]
    waiting = [(row["userId"], row["place"]) for row in seen if row["status"] == "waiting"]
    assert waiting == [(student.user_id, place) for place, student in enumerate(line, start=1)]


async def one_lets_it_lapse_and_the_next_takes_it(
    village: Village, hall: StudyHall, students: tuple[Resident, ...]
) -> None:
    """An offer is for one alone, and for ten minutes."""
    kiran, latha, nisha, farah = students
    town = village.town
    offer = await is_offered(town, hall, kiran, seat=1)
    assert (await place_of(latha))["place"] == 1
    shown = (await hall.seat_map(EVENING))[1]
    assert (shown["status"], shown["occupations"][0]["until"]) == ("held", offer["until"])
    wanted = hall.of_seat(1, EVENING, "evening")
    for student in (farah, latha):
        await student.is_refused("seat-taken", "POST", "/api/bookings", wanted | {"seatId": hall.seats[0]})
    stolen = wanted | {"holdId": offer["holdId"]}
    await latha.is_refused("hold-unknown", "POST", "/api/bookings", stolen)

    goes_on(town, minutes=10)
    await kiran.is_refused("hold-lapsed", "POST", "/api/bookings", stolen)
    (lapsed,) = await town.until_noted(kiran, "waitlist-offer-lapsed")
    assert (lapsed["parameters"]["entryId"], lapsed["parameters"]["status"]) == (offer["entryId"], "lapsed")
    ended = await place_of(kiran)
    assert (ended["status"], ended["place"], ended["offer"]) == ("lapsed", None, None)
    offer = await is_offered(town, hall, latha, seat=1)
    goes_on(town, minutes=9)
    taken = await hall.books(latha, 1, EVENING, "evening", holdId=offer["holdId"])
    assert (taken["status"], taken["holdId"]) == ("confirmed", offer["holdId"])
    accepted = await place_of(latha, after=taken["position"])
    assert (accepted["status"], accepted["bookingId"]) == ("accepted", taken["id"])
    assert (await hall.seat_map(EVENING))[1]["status"] == "booked"
    await assert_line(hall, after=taken["position"], line=(nisha,))


async def is_offered(town: Town, hall: StudyHall, student: Person, seat: int) -> dict[str, Any]:
    """Wait until that seat is offered to a student, as inbox and line have it; the notice's parameters."""
    (told,) = await town.until_noted(student, "waitlist-offered")
    offer: dict[str, Any] = told["parameters"]
    assert (told["id"], told["readAt"]) == (offer["holdId"], None)
    assert offer["until"] == text(town.clock() + timedelta(minutes=10))
    async with asyncio.timeout(LIMIT_SECONDS):
        # Notices and line are two read models.
        while (place := await place_of(student))["status"] == "waiting":  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    held = {"holdId": offer["holdId"], "seatId": hall.seats[seat - 1], "until": offer["until"]}
    assert (place["id"], place["status"], place["place"]) == (offer["entryId"], "offered", None)
    assert place["offer"] == held
    return offer


async def who_lost_a_booking_comes_first(
    village: Village, hall: StudyHall, ravi: Resident, lost: str, students: tuple[Resident, ...]
) -> None:
    """By no fault of theirs, once, and nobody else by it."""
    kiran, nisha, farah = students
    town = village.town
    await hall.owner.does("POST", f"/api/bookings/{lost}/revoke", {"reason": "The lamp is broken"})
    await town.until_noted(ravi, "booking-revoked")
    offer = await is_offered(town, hall, nisha, seat=2)
    for place, student in enumerate((kiran, farah), start=1):
        joined = await student.does("POST", "/api/waitlist", waiting(hall))
        assert joined["place"] == place
    claim = waiting(hall, revokedBookingId=lost)
    await kiran.is_refused("waiting-already", "POST", "/api/waitlist", claim | {"zone": "quiet"})
    stranger = await village.resident("Stranger")
    await stranger.is_refused("not-revoked", "POST", "/api/waitlist", claim)
    joined = await ravi.does("POST", "/api/waitlist", claim)
    assert (joined["place"], joined["revokedBookingId"]) == (1, lost)
    await assert_line(hall, after=joined["position"], line=(ravi, kiran, farah))

    left = await nisha.does("DELETE", f"/api/waitlist/{offer['entryId']}")
    assert left["status"] == "left"
    offer = await is_offered(town, hall, ravi, seat=2)
    taken = await hall.books(ravi, 2, EVENING, "evening", holdId=offer["holdId"])
    await assert_line(hall, after=taken["position"], line=(kiran, farah))
    gone = await place_of(nisha, after=taken["position"])
    assert (gone["status"], gone["leftReason"]) == ("left", "asked")
    await the_library_takes_one_out(village, hall, farah)


async def the_library_takes_one_out(village: Village, hall: StudyHall, farah: Resident) -> None:
    """Whom that concerns is told, and so is who asks what was done to others."""
    entry = (await place_of(farah))["id"]
    left = await hall.owner.does("DELETE", f"/api/waitlist/{entry}")
    (told,) = await village.town.until_noted(farah, "waitlist-left")
    assert (told["parameters"]["entryId"], told["parameters"]["reason"]) == (entry, "asked")
    await farah.is_refused("waitlist-entry-ended", "DELETE", f"/api/waitlist/{entry}")
    admin = village.town.person("admin-1", "admin")
    acts = await admin.gets(
        "/api/audit", after=left["position"], userId=farah.user_id, actor=hall.owner.user_id
    )
    assert [(act["type"], act["ids"]["entryId"]) for act in acts["rows"]] == [("waitlist.left", entry)]


async def nobody_waits_any_more(village: Village, hall: StudyHall, kiran: Resident) -> None:
    """Five minutes after what was waited for has begun."""
    village.town.clock.set(on_the_day(18, 5).astimezone(UTC))
    (told,) = await village.town.until_noted(kiran, "waitlist-left")
    assert told["parameters"]["reason"] == "over"
    assert (await hall.owner.gets("/api/waitlist", libraryId=hall.id))["rows"] == []
