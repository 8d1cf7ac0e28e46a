"""A day in a study hall, through HTTP alone: every answer, notice and read model as the rules have it."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from studyspot.checker.judge import Evidence, judge
from studyspot.checker.records import BookingsRead, SeatMapRead
from studyspot.checker.sources import read_log
from tests.engines import PostgresServer
from tests.journeys.person import Person
from tests.journeys.town import Town, a_town

INDIA = ZoneInfo("Asia/Kolkata")
EVE = datetime(2026, 12, 1, 10, 0, tzinfo=INDIA)
"""A Tuesday; the day itself is the Wednesday."""

PLANS = [
    {"id": "morning", "unit": "shift", "shift": "morning", "amountMinor": 10_000},
    {"id": "afternoon", "unit": "shift", "shift": "afternoon", "amountMinor": 12_000},
    {"id": "evening", "unit": "shift", "shift": "evening", "amountMinor": 8_000},
    {"id": "hourly", "unit": "hour", "amountMinor": 2_000},
]
RULES = {"dayBookings": 2, "freeCancelMinutes": 120, "lateRefundPercent": 50, "advanceDays": 7}
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def on_the_day(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 12, 2, hour, minute, tzinfo=INDIA)


def text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


MORNING = {"start": text(on_the_day(6)), "end": text(on_the_day(12))}
AFTERNOON = {"start": text(on_the_day(12)), "end": text(on_the_day(18))}
EVENING = {"start": text(on_the_day(18)), "end": text(on_the_day(23))}
ALL_DAY = {"start": text(on_the_day(6)), "end": text(on_the_day(23))}


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.migrated_database() as url:
        yield url


@pytest.fixture
async def town(database: str) -> AsyncIterator[Town]:
    # Two processes of policies: nothing may happen twice.
    async with a_town(database, EVE.astimezone(UTC), policies=2) as town:
        yield town


class Hall:
    """The library of the day, and those who meet there."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.owner = town.person("owner", "library_owner")
        self.asha, self.ravi, self.meera, self.kiran, self.latha = (
            town.person(name) for name in ("asha", "ravi", "meera", "kiran", "latha")
        )
        self.id = ""
        self.seats: list[str] = []

    @property
    def path(self) -> str:
        return f"/api/libraries/{self.id}"

    async def opens(self) -> None:
        """Forty seats, shifts and hours, prices and rules."""
        described = {"name": "Saraswati", "city": "Pune", "timeZone": "Asia/Kolkata"}
        self.id = (await self.owner.does("POST", "/api/libraries", described))["id"]
        zones = ["general"] * 20 + ["quiet"] * 20
        seats = [
            {"label": f"A{number}", "zone": zone, "attributes": {"power": True}}
            for number, zone in enumerate(zones, start=1)
        ]
        added = await self.owner.does("POST", f"{self.path}/seats", {"seats": seats})
        self.seats = [seat["id"] for seat in added["seats"]]
        weekly = [{"day": day, "opens": "06:00", "closes": "23:00"} for day in WEEK]
        await self.owner.does("PUT", f"{self.path}/hours", {"hours": weekly})
        await self.owner.does("PUT", f"{self.path}/pricing", {"plans": PLANS})
        rules = await self.owner.does("PUT", f"{self.path}/rules", RULES)
        assert (rules["dayBookings"], rules["checkInClosesMinutes"]) == (2, 30)

    def of_seat(self, number: int, interval: dict[str, str], **more: Any) -> dict[str, Any]:
        return {"libraryId": self.id, "seatId": self.seats[number - 1], **interval, **more}

    async def books(self, student: Person, number: int, interval: dict[str, str], plan: str) -> Any:
        booking = self.of_seat(number, interval, planId=plan)
        return await student.does("POST", "/api/bookings", booking)

    async def seat_map(self, person: Person, after: int, interval: dict[str, str]) -> dict[str, Any]:
        told = await person.gets(f"{self.path}/seats", after=after, **interval)
        return {seat["id"]: seat for seat in told["seats"]}

    async def desk_code(self) -> str:
        code: str = (await self.owner.gets(f"{self.path}/desk-code"))["code"]
        return code


async def test_a_day_in_a_study_hall(town: Town, database: str) -> None:
    hall = Hall(town)
    await hall.opens()
    first, missed = await the_eve(hall)
    await the_morning(hall, first, missed)
    await late_for_nothing(hall)
    await a_seat_breaks(hall)
    await the_evening(hall, first)
    await the_end_of_the_library(hall)
    await all_is_well(hall, database)


async def the_eve(hall: Hall) -> tuple[str, str]:
    """Hold, quote and book, with a price change in between; rivals and quotas; two bookings come of it."""
    asha, ravi = hall.asha, hall.ravi
    wanted = {"seatId": hall.seats[0], **MORNING}
    await asha.is_refused("plan-required", "POST", f"{hall.path}/quote", wanted)
    quote = await asha.does("POST", f"{hall.path}/quote", {**wanted, "planId": "morning"})
    assert (quote["amountMinor"], quote["currency"], quote["planId"]) == (10_000, "INR", "morning")
    hold = await asha.does("POST", "/api/holds", hall.of_seat(1, MORNING))
    again = await asha.does("POST", "/api/holds", hall.of_seat(1, MORNING))
    assert again["id"] == hold["id"]
    shown = (await hall.seat_map(ravi, hold["position"], MORNING))[hall.seats[0]]
    assert (shown["status"], shown["occupations"][0]["until"]) == ("held", hold["until"])

    dearer = [{**plan, "amountMinor": 15_000} if plan["id"] == "morning" else plan for plan in PLANS]
    await hall.owner.does("PUT", f"{hall.path}/pricing", {"plans": dearer})
    taken = await ravi.is_refused(
        "seat-taken", "POST", "/api/bookings", hall.of_seat(1, MORNING, planId="morning")
    )
    free = taken["alternatives"]["seats"]
    assert free[0]["zone"] == "general"
    assert hall.seats[0] not in {seat["id"] for seat in free}

    from_hold = hall.of_seat(1, MORNING, planId="morning", holdId=hold["id"], quoteId=quote["id"])
    booking = await asha.does("POST", "/api/bookings", from_hold)
    assert (booking["status"], booking["amountMinor"]) == ("confirmed", 10_000)
    other = await hall.books(ravi, 2, MORNING, "morning")
    assert other["amountMinor"] == 15_000
    shown = (await hall.seat_map(ravi, other["position"], MORNING))[hall.seats[0]]
    # The occupation that was held is the one that is booked.
    assert (shown["status"], len(shown["occupations"])) == ("booked", 1)

    left = await asha.gets(f"{hall.path}/quota", start=MORNING["start"])
    assert [(quota["name"], quota["left"]) for quota in left["quotas"]] == [("day-bookings", 1)]
    await asha.is_refused("student-busy", "POST", "/api/bookings", hall.of_seat(3, MORNING, planId="morning"))
    await hall.books(asha, 1, EVENING, "evening")
    refused = await asha.is_refused(
        "quota-exhausted", "POST", "/api/bookings", hall.of_seat(1, AFTERNOON, planId="afternoon")
    )
    assert (refused["quota"], refused["limit"], refused["used"]) == ("day-bookings", 2, 2)
    night = {"start": text(on_the_day(23)), "end": text(on_the_day(23) + timedelta(hours=1))}
    await ravi.is_refused(
        "outside-opening-hours", "POST", "/api/bookings", hall.of_seat(4, night, planId="hourly")
    )
    far = {"start": text(on_the_day(6) + timedelta(days=9)), "end": text(on_the_day(12) + timedelta(days=9))}
    unreleased = await ravi.is_refused("not-yet-released", "POST", "/api/bookings", hall.of_seat(4, far))
    assert unreleased["releasedAt"] == text(datetime(2026, 12, 4, tzinfo=INDIA))
    return booking["id"], other["id"]


async def the_morning(hall: Hall, booked: str, missed: str) -> None:
    """One checks in with the desk's code, one does not come; the rest of that time is taken by a walk-in."""
    asha, ravi, meera, clock = hall.asha, hall.ravi, hall.meera, hall.town.clock
    paid = {"kind": "payment", "amountMinor": 10_000, "method": "upi", "reference": "UPI 4211"}
    answer = await hall.owner.does("POST", f"/api/bookings/{booked}/payments", paid)
    assert (answer["paidMinor"], answer["dueMinor"]) == (10_000, 0)
    await hall.owner.is_refused("payment-exceeds-due", "POST", f"/api/bookings/{booked}/payments", paid)

    check_in = f"/api/bookings/{booked}/check-in"
    clock.set(on_the_day(5, 40).astimezone(UTC))
    early = await asha.is_refused("check-in-too-early", "POST", check_in, {"code": await hall.desk_code()})
    assert early["opens"] == text(on_the_day(5, 45))
    clock.set(on_the_day(5, 50).astimezone(UTC))
    old_code = await hall.desk_code()
    await asha.is_refused("desk-code-required", "POST", check_in)
    clock.set(on_the_day(5, 55).astimezone(UTC))
    await asha.is_refused("desk-code-wrong", "POST", check_in, {"code": old_code})
    here = await asha.does("POST", check_in, {"code": await hall.desk_code()})
    assert here["status"] == "checked-in"

    clock.set(on_the_day(6, 31).astimezone(UTC))
    await hall.town.until(ravi, f"/api/bookings/{missed}", status="no-show", amountMinor=15_000)
    (told,) = await hall.town.until_noted(ravi, "booking-no-show")
    assert told["parameters"]["bookingId"] == missed
    code = {"code": await hall.desk_code()}
    await ravi.is_refused("booking-missed", "POST", f"/api/bookings/{missed}/check-in", code)
    await ravi.is_refused("booking-missed", "POST", f"/api/bookings/{missed}/cancel")
    walk_in = {"start": text(on_the_day(6, 31)), "end": text(on_the_day(8))}
    taken = await hall.books(meera, 2, walk_in, "hourly")
    assert taken["amountMinor"] == 2_967  # 89 minutes at ₹20 an hour

    clock.set(on_the_day(9).astimezone(UTC))
    left = await asha.does("POST", f"/api/bookings/{booked}/check-out")
    shown = (await hall.seat_map(meera, left["position"], MORNING))[hall.seats[0]]
    assert (left["status"], shown["status"]) == ("completed", "free")
    await hall.town.until(meera, f"/api/bookings/{taken['id']}", status="no-show")


async def late_for_nothing(hall: Hall) -> None:
    """A late cancellation gives half back, and not the quota."""
    kiran, clock = hall.kiran, hall.town.clock
    ten = {"start": text(on_the_day(10)), "end": text(on_the_day(12))}
    booking = await hall.books(kiran, 7, ten, "hourly")
    paid = {"kind": "payment", "amountMinor": 4_000, "method": "cash"}
    await hall.owner.does("POST", f"/api/bookings/{booking['id']}/payments", paid)
    clock.set(on_the_day(9, 30).astimezone(UTC))
    cancelled = await kiran.does("POST", f"/api/bookings/{booking['id']}/cancel", {"reason": "Fever"})
    assert (cancelled["late"], cancelled["keptMinor"], cancelled["refundMinor"]) == (True, 2_000, 2_000)
    read = await kiran.gets(f"/api/bookings/{booking['id']}", after=cancelled["position"])
    assert (read["status"], read["paidMinor"], read["dueMinor"]) == ("cancelled", 2_000, 0)
    assert [entry["kind"] for entry in read["ledger"]] == ["charge", "payment", "waiver", "refund"]
    left = await kiran.gets(f"{hall.path}/quota", start=ten["start"])
    assert left["quotas"][0]["left"] == 1


async def a_seat_breaks(hall: Hall) -> None:
    """One of its bookings is moved with consent, the other revoked when the time for that is over."""
    owner, latha, kiran, clock = hall.owner, hall.latha, hall.kiran, hall.town.clock
    moved = await hall.books(latha, 5, AFTERNOON, "afternoon")
    left = await hall.books(kiran, 5, EVENING, "evening")
    paid = {"kind": "payment", "amountMinor": 8_000, "method": "cash"}
    await owner.does("POST", f"/api/bookings/{left['id']}/payments", paid)
    seat = f"{hall.path}/seats/{hall.seats[4]}"
    hit = await owner.gets(f"{hall.path}/affected", after=left["position"], seatId=hall.seats[4])
    assert {row["id"] for row in hit["rows"]} == {moved["id"], left["id"]}
    by = text(on_the_day(11))
    await owner.does("PATCH", seat, {"inService": False, "revokeAt": by})
    refused = await hall.meera.is_refused(
        "seat-out-of-service", "POST", "/api/bookings", hall.of_seat(5, AFTERNOON, planId="afternoon")
    )
    assert refused["alternatives"]["seats"]
    for student, booking in ((latha, moved), (kiran, left)):
        (told,) = await hall.town.until_noted(student, "booking-affected")
        assert (told["parameters"]["bookingId"], told["parameters"]["revokeAt"]) == (booking["id"], by)

    moves = [{"bookingId": moved["id"], "seatId": hall.seats[7], "consented": True}]
    await owner.does("POST", f"{hall.path}/affected/resolve", {"moves": moves})
    shown = await hall.town.until(latha, f"/api/bookings/{moved['id']}", seatId=hall.seats[7])
    assert (shown["status"], shown["amountMinor"]) == ("confirmed", 12_000)
    assert len(await hall.town.until_noted(latha, "booking-moved")) == 1

    clock.set(on_the_day(11).astimezone(UTC))
    revoked = await hall.town.until(kiran, f"/api/bookings/{left['id']}", status="revoked")
    assert (revoked["paidMinor"], revoked["dueMinor"]) == (0, 0)
    (told,) = await hall.town.until_noted(kiran, "booking-revoked")
    assert told["parameters"]["reason"] == "seat-out-of-service"
    removed = await owner.does("DELETE", seat)
    assert hall.seats[4] not in await hall.seat_map(owner, removed["position"], ALL_DAY)


async def the_evening(hall: Hall, first: str) -> None:
    """What has been can be read, in words and in figures."""
    history = (await hall.asha.gets(f"/api/bookings/{first}/history"))["rows"]
    assert [row["type"] for row in history] == [
        *("booking.created", "payment.recorded", "booking.checked-in", "booking.checked-out"),
    ]
    assert [row["by"] for row in history] == ["student", "library", "student", "student"]
    assert all(row["text"].endswith(".") for row in history)
    await hall.ravi.is_refused("booking-unknown", "GET", f"/api/bookings/{first}/history")
    stats = await hall.owner.gets(f"{hall.path}/stats")
    assert stats["seats"] == 39
    assert stats["noShowsToday"] == 2


async def the_end_of_the_library(hall: Hall) -> None:
    """It is not retired while bookings are to come, unless they are revoked."""
    refused = await hall.owner.is_refused("future-bookings", "DELETE", hall.path)
    assert refused["count"] == 2
    after = await hall.owner.does("DELETE", hall.path, cascade="true")
    await hall.asha.is_refused(
        "library-retired", "POST", "/api/bookings", hall.of_seat(9, EVENING, planId="evening")
    )
    for student in (hall.asha, hall.latha):
        (told,) = await hall.town.until_noted(student, "booking-revoked")
        assert told["parameters"]["reason"] == "library-retired"
    bookings = await hall.owner.gets("/api/bookings", after=after["position"], limit=100)
    assert {row["status"] for row in bookings["rows"]} == {"completed", "no-show", "cancelled", "revoked"}


async def all_is_well(hall: Hall, database: str) -> None:
    """The judge, who shares nothing with the product, finds nothing."""
    log = read_log(database)
    head = log[-1].position
    bookings = await hall.owner.gets("/api/bookings", after=head, limit=100)
    seat_map = await hall.owner.gets(f"{hall.path}/seats", after=head, **ALL_DAY)
    verdict = judge(
        Evidence(
            log,
            answers=[answer for person in hall.town.people for answer in person.witness.answers],
            reads=[
                BookingsRead(bookings["position"], tuple(bookings["rows"]), library_id=hall.id),
                SeatMapRead(hall.id, on_the_day(6), on_the_day(23), seat_map),
            ],
        )
    )
    assert verdict.clean, verdict
