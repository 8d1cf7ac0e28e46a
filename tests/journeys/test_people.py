"""People with accounts in a study hall, through HTTP alone: hired, told, barred and erased."""

import asyncio
from datetime import UTC, timedelta
from typing import Any

from icalendar import Calendar

from tests.commands.visitors import assert_problem
from tests.journeys.person import Person
from tests.journeys.resident import Resident
from tests.journeys.study_hall import EVE, EVENING, INDIA, MORNING, StudyHall, goes_on, on_the_day, text
from tests.journeys.town import LIMIT_SECONDS, Town
from tests.journeys.village import Village


async def test_staff_are_hired_by_e_mail_and_a_month_is_booked_and_followed(village: Village) -> None:
    republic_day = {"start": "2027-01-26T00:00:00", "end": "2027-01-27T00:00:00"}
    hall = await village.hall(2, republic_day)
    async with village.policies():
        meera = await somebody_is_hired(village, hall)
        asha = await village.resident("Asha Visvanathan")
        assert_problem(await asha.asks("POST", "/api/libraries", {}), 403, "role-not-allowed")
        bookings = await a_month_is_booked(hall, asha)
        await it_is_followed_in_a_calendar(village, hall, asha, meera, bookings)
        await hall.is_judged_clean()


async def somebody_is_hired(village: Village, hall: StudyHall) -> Resident:
    """Invited before she has an account; her token of before is of no use afterwards."""
    owner, town = hall.owner, village.town
    invited = await owner.does("POST", f"{hall.path}/invitations", {"email": "Meera@Example.org"})
    staff = await owner.gets(f"{hall.path}/staff", after=invited["position"])
    assert staff["rows"] == []
    assert [(row["id"], row["email"], row["userId"]) for row in staff["invitations"]] == [
        (invited["id"], "meera@example.org", None)
    ]
    goes_on(town, minutes=5)
    meera, nisha = await village.residents("Meera Iyer", "Nisha Rao")
    found = await meera.gets("/api/invitations", after=invited["position"])
    assert [(row["id"], row["libraryId"], row["libraryName"], row["city"]) for row in found["rows"]] == [
        (invited["id"], hall.id, "Saraswati", "Pune")
    ]
    assert found["rows"][0]["until"] == invited["until"] == text(EVE + timedelta(days=7))
    assert (await nisha.gets("/api/invitations", after=invited["position"]))["rows"] == []
    accept = f"/api/invitations/{invited['id']}/accept"
    code = {"code": invited["code"]}
    await nisha.is_refused("invitation-unknown", "POST", accept, code)
    await meera.is_refused("invitation-unknown", "POST", accept)
    assert_problem(await meera.asks("GET", f"{hall.path}/desk-code"), 403, "role-not-allowed")

    goes_on(town, minutes=1)
    accepted = await meera.does("POST", accept, code)
    assert (accepted["libraryId"], accepted["role"]) == (hall.id, "staff")
    await until_answered(meera, 401, "token-expired")
    renewed = await meera.renews()
    assert renewed.json()["account"]["role"] == "staff"
    assert (await meera.gets("/api/auth/me"))["role"] == "staff"
    assert len((await meera.gets(f"{hall.path}/desk-code"))["code"]) >= 6
    assert_problem(await meera.asks("PUT", f"{hall.path}/pricing", {"plans": []}), 403, "role-not-allowed")
    assert (await meera.gets("/api/invitations", after=accepted["position"]))["rows"] == []
    staff = await owner.gets(f"{hall.path}/staff", after=accepted["position"])
    assert [(row["userId"], row["name"]) for row in staff["rows"]] == [(meera.user_id, "Meera Iyer")]
    assert staff["invitations"] == []
    code = {"code": invited["code"]}
    await nisha.is_refused("invitation-unknown", "POST", accept, code)
    await meera.is_refused("invitation-unknown", "POST", accept)
    return meera


async def until_answered(resident: Resident, status: int, problem: str) -> None:
    """Ask with the token at hand until it is this problem: what the log says is heard of a moment later."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while (answer := await resident.asks_as_before("GET", "/api/auth/me")).is_success:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert_problem(answer, status, problem)


async def a_month_is_booked(hall: StudyHall, asha: Resident) -> list[dict[str, Any]]:
    """Around the closed day, for the share of the month's price that is left."""
    month = {
        "libraryId": hall.id,
        "seatId": hall.seats[0],
        "month": "2027-01",
        "shift": "morning",
        "planId": "monthly",
    }
    refused = await asha.is_refused("series-conflict", "POST", "/api/bookings/series", month)
    assert [(day["date"], day["type"]) for day in refused["conflicts"]] == [
        ("2027-01-26", "/problems/library-closed")
    ]
    made = await asha.does("POST", "/api/bookings/series", month | {"skipConflicts": True})
    assert [day["date"] for day in made["skipped"]] == ["2027-01-26"]
    assert (len(made["bookings"]), made["amountMinor"], made["currency"]) == (30, 300_000, "INR")
    listed = await asha.gets("/api/bookings", after=made["position"], seriesId=made["seriesId"], limit=100)
    assert {row["id"]: row["start"] for row in listed["rows"]} == {
        one["id"]: one["start"] for one in made["bookings"]
    }
    assert {row["status"] for row in listed["rows"]} == {"confirmed"}
    twice = hall.of_seat(2, {name: made["bookings"][3][name] for name in ("start", "end")}, "morning")
    await asha.is_refused("student-busy", "POST", "/api/bookings", twice)
    bookings: list[dict[str, Any]] = made["bookings"]
    return bookings


async def it_is_followed_in_a_calendar(
    village: Village, hall: StudyHall, asha: Resident, meera: Resident, bookings: list[dict[str, Any]]
) -> None:
    """Each day is there, a day that was taken back as cancelled; without its key, nothing opens the feed."""
    revoked = await meera.does("POST", f"/api/bookings/{bookings[4]['id']}/revoke", {"reason": "Painters"})
    (told,) = await village.town.until_noted(asha, "booking-revoked")
    assert told["parameters"]["bookingId"] == bookings[4]["id"]
    made = await asha.does("POST", "/api/bookings/calendar")
    visitor = await village.resident("Curious Program")
    feed = await visitor.asks("GET", "/api/bookings.ics", after=revoked["position"], key=made["key"])
    assert feed.headers["Content-Type"] == "text/calendar; charset=utf-8"
    events: dict[str, Any] = {
        str(event["UID"]): event for event in Calendar.from_ical(feed.content).walk("VEVENT")
    }
    assert len(events) == len(bookings)
    for number, booking in enumerate(bookings):
        event = events[f"{booking['id']}@studyspot"]
        start, end = event["DTSTART"].dt, event["DTEND"].dt
        assert (text(start), text(end)) == (booking["start"], booking["end"])
        assert start.astimezone(INDIA).hour == 6
        assert str(event["STATUS"]) == ("CANCELLED" if number == 4 else "CONFIRMED")
        assert str(event["SUMMARY"]) == "Seat A1, Saraswati"
    await asha.does("DELETE", "/api/bookings/calendar")
    closed = await visitor.asks("GET", "/api/bookings.ics", key=made["key"])
    assert_problem(closed, 404, "not-found")


async def test_people_are_told_what_concerns_them_and_may_mute_some_of_it(village: Village) -> None:
    hall = await village.hall(3)
    town, owner = village.town, hall.owner
    asha, ravi, stranger = await village.residents("Asha", "Ravi", "Stranger")
    await hall.books(owner, 1, later(5), "hourly", userId=asha.user_id)
    await hall.books(ravi, 2, MORNING, "morning")
    muted = await ravi.does("PUT", "/api/notifications/muted", {"kinds": ["check-in-closing"]})
    assert muted["kinds"] == ["check-in-closing"]
    assert (await asha.gets("/api/notifications/muted"))["kinds"] == []
    async with village.policies():
        (made,) = await town.until_noted(asha, "booking-made-for-you")
        # Both reminders are due, that of Ravi's booking before the other.
        town.clock.set(on_the_day(6, 26).astimezone(UTC))
        (reminder,) = await town.until_noted(asha, "check-in-closing")
        assert reminder["parameters"]["checkInUntil"] == text(on_the_day(6, 35))
        letter = await the_owner_writes(village, hall, asha, ravi, stranger)
        await it_is_read(town, asha, (made, reminder, letter))
        town.clock.set(on_the_day(6, 36).astimezone(UTC))
        for student in (asha, ravi):
            await town.until_noted(student, "booking-no-show")
        told = await ravi.gets("/api/notifications")
        assert [row["kind"] for row in told["rows"]] == ["booking-no-show", "personal"]
        assert told["unread"] == 2
        assert (await stranger.gets("/api/notifications"))["rows"] == []
        await hall.is_judged_clean()


def later(minutes: int) -> dict[str, str]:
    """Return the morning, but for its first minutes."""
    return {**MORNING, "start": text(on_the_day(6, minutes))}


async def the_owner_writes(
    village: Village, hall: StudyHall, asha: Resident, ravi: Resident, stranger: Resident
) -> dict[str, Any]:
    """To students with a booking there, and to nobody else."""
    letter = {"libraryId": hall.id, "text": "The lift is out of order."}
    to_all = letter | {"userIds": [asha.user_id, ravi.user_id, stranger.user_id]}
    refused = await hall.owner.asks("POST", "/api/notifications", to_all)
    assert assert_problem(refused, 409, "not-your-students")["userIds"] == [stranger.user_id]
    other = await village.resident("Other Owner", "library_owner")
    to_ravi = letter | {"userIds": [ravi.user_id]}
    await other.is_refused("not-your-library", "POST", "/api/notifications", to_ravi)
    assert_problem(await asha.asks("POST", "/api/notifications", to_ravi), 403, "role-not-allowed")
    to_both = letter | {"userIds": [asha.user_id, ravi.user_id]}
    sent = await hall.owner.does("POST", "/api/notifications", to_both)
    assert [one["userId"] for one in sent["sent"]] == [asha.user_id, ravi.user_id]
    for student, one in zip((asha, ravi), sent["sent"], strict=True):
        told = (await student.gets("/api/notifications", after=sent["position"]))["rows"][0]
        assert (told["id"], told["kind"], told["text"]) == (one["id"], "personal", letter["text"])
        assert (told["libraryId"], told["deleted"]) == (hall.id, False)
    notices = (await asha.gets("/api/notifications"))["rows"]
    found: dict[str, Any] = notices[0]
    return found


async def it_is_read(town: Town, asha: Resident, notices: tuple[dict[str, Any], ...]) -> None:
    """What was read is not counted any more, and is told with when that was; it is nobody else's to read."""
    made, reminder, letter = (notice["id"] for notice in notices)
    assert (await asha.gets("/api/notifications"))["unread"] == 3
    stranger = next(
        person for person in town.people if person is not asha and person.witness.socket.role == "student"
    )
    await stranger.is_refused("notification-unknown", "POST", f"/api/notifications/{made}/read")
    read_at = text(town.clock())
    read = await asha.does("POST", f"/api/notifications/{made}/read")
    goes_on(town, seconds=30)
    again = await asha.does("POST", f"/api/notifications/{made}/read")
    assert read["id"] == again["id"] == made
    told = await asha.gets("/api/notifications", after=again["position"])
    assert (told["unread"], {row["id"]: row["readAt"] for row in told["rows"]}) == (
        2,
        {letter: None, reminder: None, made: read_at},
    )
    left = await asha.gets("/api/notifications", unread="true")
    assert [row["id"] for row in left["rows"]] == [letter, reminder]


async def test_an_administrator_announces_bars_and_erases(village: Village) -> None:
    hall = await village.hall(2)
    town, admin = village.town, village.town.person("admin-1", "admin")
    asha, farah, ishaan = await village.residents("Asha", "Farah Qureshi", "Ishaan Chatterjee")
    async with village.policies():
        said = await admin.does(
            "POST", "/api/announcements", {"title": "Diwali", "text": "All lamps are lit."}
        )
        told = await asha.gets("/api/announcements", after=said["position"])
        assert [(row["id"], row["title"], row["text"]) for row in told["rows"]] == [
            (said["id"], "Diwali", "All lamps are lit.")
        ]
        unsaid = await asha.asks("POST", "/api/announcements", {"title": "I", "text": "Hear me."})
        assert_problem(unsaid, 403, "role-not-allowed")
        await one_is_barred_for_a_while(town, hall, admin, farah)
        await one_is_erased(town, hall, admin, ishaan)
        await the_audit_tells_who_did_what(hall, admin, farah, ishaan)
        assert_problem(await asha.asks("GET", "/api/audit"), 403, "role-not-allowed")
        await hall.is_judged_clean()


async def one_is_barred_for_a_while(town: Town, hall: StudyHall, admin: Person, farah: Resident) -> None:
    """She may do nothing, and nobody for her; what she has booked stays hers."""
    booking = await hall.books(farah, 1, EVENING, "evening")
    person = f"/api/people/{farah.user_id}"
    known = await admin.gets(person, after=booking["position"])
    assert (known["email"], known["name"], known["status"]) == (
        "farah@example.org",
        "Farah Qureshi",
        "active",
    )
    changed = await admin.does("PATCH", person, {"status": "disabled"})
    assert changed["status"] == "disabled"
    await until_answered(farah, 401, "account-barred")
    assert_problem(await farah.asks("POST", f"/api/bookings/{booking['id']}/cancel"), 401, "account-barred")
    assert_problem(await farah.signs_in(), 401, "account-barred")
    for_her = hall.of_seat(2, MORNING, "morning", userId=farah.user_id)
    await hall.owner.is_refused("account-inactive", "POST", "/api/bookings", for_her)
    kept = await hall.owner.gets(f"/api/bookings/{booking['id']}", after=changed["position"])
    assert (kept["status"], kept["userId"]) == ("confirmed", farah.user_id)
    goes_on(town, minutes=1)
    await admin.does("PATCH", person, {"status": "active"})
    assert (await farah.signs_in()).is_success
    async with asyncio.timeout(LIMIT_SECONDS):
        while not (await farah.asks("GET", "/api/auth/me")).is_success:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    cancelled = await farah.does("POST", f"/api/bookings/{booking['id']}/cancel")
    assert cancelled["late"] is False


async def one_is_erased(town: Town, hall: StudyHall, admin: Person, ishaan: Resident) -> None:
    """Nothing says any more who he was; what happened is still there, under his id."""
    booking = await hall.books(ishaan, 1, MORNING, "morning")
    path = f"/api/bookings/{booking['id']}"
    await ishaan.does("POST", f"{path}/cancel", {"reason": "My grandmother is ill"})
    letter = {"libraryId": hall.id, "userIds": [ishaan.user_id], "text": "Get well soon, grandmother."}
    sent = await hall.owner.does("POST", "/api/notifications", letter)
    history = await hall.owner.gets(f"{path}/history")
    assert [(row["type"], row["note"]) for row in history["rows"]] == [
        ("booking.created", None),
        ("booking.cancelled", "My grandmother is ill"),
    ]
    found = await admin.gets("/api/people", after=sent["position"], q="chatterjee")
    assert [(row["id"], row["email"]) for row in found["rows"]] == [(ishaan.user_id, ishaan.email)]

    erased = await admin.does("PATCH", f"/api/people/{ishaan.user_id}", {"status": "erased"})
    again = await admin.does("PATCH", f"/api/people/{ishaan.user_id}", {"status": "erased"})
    assert (erased["status"], again["status"]) == ("erased", "erased")
    await until_answered(ishaan, 401, "account-barred")
    assert_problem(await ishaan.signs_in(), 401, "credentials-wrong")
    assert_problem(await ishaan.renews(), 401, "session-over")
    known = await admin.gets(f"/api/people/{ishaan.user_id}", after=erased["position"])
    assert (known["email"], known["name"], known["status"]) == (None, None, "erased")
    assert (await admin.gets("/api/people", q="chatterjee"))["rows"] == []
    refused = await admin.is_refused(
        "account-erased", "PATCH", f"/api/people/{ishaan.user_id}", {"status": "active"}
    )
    assert refused["status"] == 409
    left = await hall.owner.asks("GET", f"{path}/history")
    assert [(row["type"], row["actor"], row["note"]) for row in left.json()["rows"]] == [
        ("booking.created", ishaan.user_id, None),
        ("booking.cancelled", ishaan.user_id, None),
    ]
    everything = [left, await hall.owner.asks("GET", "/api/bookings"), await admin.asks("GET", "/api/people")]
    for read in everything:
        assert read.is_success
        assert not any(word in read.text.lower() for word in ("ishaan", "chatterjee", "grandmother"))


async def the_audit_tells_who_did_what(
    hall: StudyHall, admin: Person, farah: Resident, ishaan: Resident
) -> None:
    """To others, or to what is everybody's; not what each did for themself."""
    acts = (await admin.gets("/api/audit", after=hall.head(), limit=100))["rows"]
    by_admin = [(act["type"], act["userId"]) for act in acts if act["actor"] == "admin-1"]
    assert by_admin == [
        ("account.erased", ishaan.user_id),
        ("account.enabled", farah.user_id),
        ("account.disabled", farah.user_id),
        ("announcement.made", None),
    ]
    by_owner = (await admin.gets("/api/audit", actor=hall.owner.user_id, libraryId=hall.id, limit=100))[
        "rows"
    ]
    assert [act["type"] for act in by_owner] == [
        *("notification.sent", "library.rules-set", "pricing.updated", "library.hours-set"),
        *("seat.added", "seat.added", "library.created"),
    ]
    assert not [act for act in acts if act["type"].startswith("booking.")], "they booked for themselves"
    of_farah = await admin.gets("/api/audit", userId=farah.user_id, type="account.disabled")
    assert [act["at"] for act in of_farah["rows"]] == [text(EVE)]
