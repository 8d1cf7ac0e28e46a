"""A small study hall in Pune, as its owner opens it, and the days that are spent there."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from studyspot.checker.judge import Evidence, judge
from studyspot.checker.records import BookingsRead, SeatMapRead
from studyspot.checker.sources import read_log
from tests.journeys.person import Person
from tests.journeys.town import Town

INDIA = ZoneInfo("Asia/Kolkata")
EVE = datetime(2026, 12, 1, 10, 0, tzinfo=INDIA)
"""A Tuesday; the day itself is the Wednesday."""

PLANS = [
    {"id": "morning", "unit": "shift", "shift": "morning", "amountMinor": 10_000},
    {"id": "evening", "unit": "shift", "shift": "evening", "amountMinor": 8_000},
    {"id": "hourly", "unit": "hour", "amountMinor": 2_000},
    {"id": "monthly", "unit": "month", "amountMinor": 310_000},
]
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def on_the_day(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 12, 2, hour, minute, tzinfo=INDIA)


MORNING = {"start": text(on_the_day(6)), "end": text(on_the_day(12))}
EVENING = {"start": text(on_the_day(18)), "end": text(on_the_day(23))}
ALL_DAY = {"start": text(on_the_day(6)), "end": text(on_the_day(23))}


class StudyHall:
    """A library with few seats, and its owner."""

    def __init__(self, town: Town, owner: Person) -> None:
        self.town = town
        self.owner = owner
        self.id = ""
        self.seats: list[str] = []

    @property
    def path(self) -> str:
        return f"/api/libraries/{self.id}"

    async def opens(self, seats: int, *closures: dict[str, str]) -> None:
        """Open every day from six until eleven at night; free cancelling ends an hour before."""
        described = {"name": "Saraswati", "city": "Pune", "timeZone": "Asia/Kolkata"}
        self.id = (await self.owner.does("POST", "/api/libraries", described))["id"]
        labels = [{"label": f"A{number}", "zone": "quiet"} for number in range(1, seats + 1)]
        added = await self.owner.does("POST", f"{self.path}/seats", {"seats": labels})
        self.seats = [seat["id"] for seat in added["seats"]]
        hours = [{"day": day, "opens": "06:00", "closes": "23:00"} for day in WEEK]
        await self.owner.does("PUT", f"{self.path}/hours", {"hours": hours, "closures": closures})
        await self.owner.does("PUT", f"{self.path}/pricing", {"plans": PLANS})
        await self.owner.does("PUT", f"{self.path}/rules", {"advanceDays": 62, "checkInClosesMinutes": 30})

    def of_seat(self, number: int, interval: dict[str, str], plan: str, **more: Any) -> dict[str, Any]:
        return {
            "libraryId": self.id,
            "seatId": self.seats[number - 1],
            "planId": plan,
            **interval,
            **more,
        }

    async def books(
        self, person: Person, number: int, interval: dict[str, str], plan: str, **more: Any
    ) -> Any:
        return await person.does("POST", "/api/bookings", self.of_seat(number, interval, plan, **more))

    async def seat_map(self, interval: dict[str, str]) -> dict[int, Any]:
        """Read it as it is at the log's head, each seat under its number."""
        told = await self.owner.gets(f"{self.path}/seats", after=self.head(), **interval)
        return {self.seats.index(seat["id"]) + 1: seat for seat in told["seats"]}

    def head(self) -> int:
        """Return the log's newest position, for reads that must reflect all of it."""
        return self.town.log.store.head().position

    async def is_judged_clean(self) -> None:
        """Hand all answers, bookings and the seat map to the judge, who shares nothing with the product."""
        head = self.head()
        bookings = await self.owner.gets("/api/bookings", after=head, libraryId=self.id, limit=100)
        assert bookings["next"] is None, "these are all"
        seat_map = await self.owner.gets(f"{self.path}/seats", after=head, **ALL_DAY)
        verdict = judge(
            Evidence(
                read_log(self.town.log.database_url),
                answers=[answer for person in self.town.people for answer in person.witness.answers],
                reads=[
                    BookingsRead(bookings["position"], tuple(bookings["rows"]), library_id=self.id),
                    SeatMapRead(self.id, on_the_day(6), on_the_day(23), seat_map),
                ],
            )
        )
        assert verdict.clean, verdict


def goes_on(town: Town, **by: float) -> None:
    """Let the clock go on by so much."""
    town.clock.set(town.clock() + timedelta(**by))
