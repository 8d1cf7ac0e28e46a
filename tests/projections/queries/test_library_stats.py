"""A library in figures, worked out by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from psycopg_pool import AsyncConnectionPool

from studyspot.domain.events import BookingCreated, SeatRemoved
from studyspot.projections.models.registry import named
from studyspot.projections.queries.library_figures import STATS, Moment, figures_of
from studyspot.projections.queries.reading import Queries
from studyspot.wire.stats_bodies import OccupancyView
from tests.projections.happenings import (
    HOUR,
    booked,
    cancelled,
    checked_in,
    checked_out,
    completed,
    held,
    missed,
    opened,
    paid,
    refunded,
    rescheduled,
    seat,
    service,
)
from tests.projections.queries.asking import ask, assert_problem
from tests.projections.serving import bearer
from tests.projections.system import Log, until, working

OWNER, RIVAL = bearer("owner", "library_owner"), bearer("rival", "library_owner")
PATH = "/api/libraries/L1/stats"
DAY = timedelta(days=1)


async def test_seats_are_counted_by_what_takes_them_now(log: Log, reads: httpx.AsyncClient) -> None:
    now = datetime.now(UTC)
    sitting = booked("B1", "S1", now - HOUR, 2)
    await log.append(opened(), *(seat(f"S{number}") for number in range(7)), service("S0", False))
    position = await log.append(
        *(booked("B0", "S0", now - HOUR, 2), sitting, checked_in(sitting)),
        *(booked("B2", "S2", now - HOUR / 4), booked("B3", "S3", now + HOUR)),
        *(held("H4", "S4", now - HOUR, 2, now + HOUR), held("H5", "S5", now - HOUR, 2, now - HOUR)),
        *(opened("L2", "rival"), seat("S9", "L2"), booked("B9", "S9", now - HOUR, 2, library_id="L2")),
    )
    figures = await ask(reads, PATH, position, OWNER)
    shown = {name: figures[name] for name in ("seats", "free", "held", "booked", "occupied", "outOfService")}
    assert shown == {"seats": 7, "free": 3, "held": 1, "booked": 1, "occupied": 1, "outOfService": 1}
    assert sum(shown.values()) == 2 * shown["seats"]


async def test_money_is_what_the_ledgers_of_thirty_days_come_to(log: Log, reads: httpx.AsyncClient) -> None:
    now = datetime.now(UTC)
    first = booked("B1", "S1", now + HOUR, amount_minor=5000)
    second = booked("B2", "S2", now + HOUR, amount_minor=4000)
    moved = rescheduled(second, seat_id="S3", start=now + 2 * HOUR, amount_minor=3000)
    euros = booked("B3", "S3", now + HOUR, amount_minor=900, currency="EUR")
    before = booked("B4", "S4", now - 40 * DAY, amount_minor=77)
    await log.append(opened(), opened("L2", "rival"), before, paid(before, 77, 77), at=now - 31 * DAY)
    await log.append(first, second, moved, euros, paid(first, 5000, 5000), paid(moved, 1000, 1000))
    position = await log.append(
        *(cancelled(first, late=True, kept_minor=2000), refunded(first, 3000, 2000)),
        booked("B9", "S9", now + HOUR, library_id="L2", amount_minor=100_000),
    )
    assert (await ask(reads, PATH, position, OWNER))["money"] == [
        {
            "currency": "EUR",
            "chargedMinor": 900,
            "paidMinor": 0,
            "refundedMinor": 0,
            "revenueMinor": 0,
        },
        {
            "currency": "INR",
            "chargedMinor": 5000 + 4000 - 1000 - 3000,
            "paidMinor": 6000,
            "refundedMinor": 3000,
            "revenueMinor": 3000,
        },
    ]


async def test_people_are_counted_who_came_and_who_did_not(log: Log, reads: httpx.AsyncClient) -> None:
    now = datetime.now(UTC)

    def of(number: int, user_id: str, start: datetime) -> BookingCreated:
        return booked(f"B{number}", "S1", start, user_id=user_id)

    long_ago = [of(1, "gone", now - 40 * DAY), of(2, "gone", now - 39 * DAY)]
    await log.append(opened(), seat("S1"), *long_ago, at=now - 41 * DAY)
    await log.append(missed(long_ago[0]), checked_in(long_ago[1]), at=now - 39 * DAY)
    # Booked long ago, and came within the thirty days.
    returning = of(3, "ben", now - 20 * DAY)
    await log.append(returning, at=now - 35 * DAY)
    came = [of(4, "anna", now - 3 * DAY), of(5, "anna", now - 2 * DAY)]
    late = of(6, "carl", now - 5 * DAY)
    await log.append(checked_in(returning), *came, late, at=now - 20 * DAY)
    await log.append(*(checked_in(booking) for booking in came), missed(late), at=now - 2 * DAY)
    just_now = of(7, "dora", now - HOUR / 2)
    position = await log.append(just_now, missed(just_now))
    figures = await ask(reads, PATH, position, OWNER)
    assert figures["noShowRate"] == 2 / 5, "two of five since thirty days ago"
    assert figures["activeStudents"] == 4, "anna, ben, carl and dora"
    today = now.astimezone(ZoneInfo("Asia/Kolkata")).date()
    ended = just_now.check_in_until.astimezone(ZoneInfo("Asia/Kolkata")).date()
    assert figures["noShowsToday"] == (1 if ended == today else 0)


async def test_a_library_where_nothing_happened_has_figures_too(log: Log, reads: httpx.AsyncClient) -> None:
    figures = await ask(reads, PATH, await log.append(opened()), OWNER)
    assert (figures["seats"], figures["money"], figures["noShowRate"]) == (0, [], None)
    assert len(figures["occupancy"]) == 7 * 24
    assert {(cell["weekday"], cell["hour"]) for cell in figures["occupancy"]} == {
        (day, hour)
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
        for hour in range(24)
    }
    assert {cell["share"] for cell in figures["occupancy"]} == {0}


async def test_only_the_owner_is_told(log: Log, reads: httpx.AsyncClient) -> None:
    await ask(reads, PATH, await log.append(opened(), opened("L2", "rival")), OWNER)
    for other in (RIVAL, bearer("owner"), bearer("anna")):
        assert_problem(await reads.get(PATH, headers=other), 403, "not-your-library")
    assert_problem(await reads.get("/api/libraries/L9/stats", headers=OWNER), 404, "library-unknown")
    assert_problem(await reads.get(PATH), 401, "unauthenticated")


BERLIN = ZoneInfo("Europe/Berlin")
SUNDAY = datetime(2026, 10, 25, tzinfo=BERLIN)
"""The clock is put back at three: the hour from two to three comes twice."""


async def figures_at(log: Log, now: datetime) -> dict[str, Any]:
    """What a read at that time would be told, once the workers have reached the head."""
    moment = Moment.at(now.astimezone(UTC), BERLIN)
    pool = AsyncConnectionPool(
        log.database_url, min_size=1, max_size=1, timeout=2, open=False, kwargs={"autocommit": True}
    )
    seats, bookings = named(("seats", "bookings"))
    async with working(log, seats), working(log, bookings):
        await until(lambda: log.readable("seats", "bookings"))
        async with pool, Queries(pool, log.database_url, log.store) as queries:
            reading = await queries.read(STATS, moment.parameters("L1"), None)
    return figures_of(reading.rows[0], moment.hours)


def shares(cells: tuple[OccupancyView, ...]) -> dict[tuple[str, int], float]:
    return {(cell.weekday, cell.hour): cell.share for cell in cells if cell.share}


async def test_occupancy_is_the_time_that_students_sat_there_by_the_library_s_clock(log: Log) -> None:
    """Two seats for 28 days: each weekday's hour has eight seat-hours, or ten where it comes twice."""
    now = (SUNDAY + 2 * DAY).replace(hour=12)  # a Tuesday, after the change

    def at(day: datetime, hour: float) -> datetime:
        return day.replace(tzinfo=BERLIN).astimezone(UTC) + hour * HOUR

    night = booked("B1", "S1", at(SUNDAY, 1), 4)  # one, two, two again, and three o'clock
    early = booked("B2", "S2", at(SUNDAY + DAY, 9), 3)
    stays = booked("B3", "S1", at(now.replace(hour=0), 11), 5)
    unused = booked("B4", "S2", at(SUNDAY + DAY, 14), 5)
    away = booked("B5", "S1", at(SUNDAY + DAY, 14), 5)
    await log.append(*(opened(time_zone="Europe/Berlin"), seat("S1"), seat("S2")), at=at(SUNDAY, -24 * 60))
    await log.append(night, early, stays, unused, away, at=at(SUNDAY, 0))
    await log.append(checked_in(night), at=at(SUNDAY, 0.9))
    await log.append(completed(night), at=at(SUNDAY, 6))
    await log.append(checked_in(early), at=at(SUNDAY + DAY, 9.5))
    await log.append(checked_out(early), at=at(SUNDAY + DAY, 10.25))
    await log.append(missed(unused), cancelled(away), at=at(SUNDAY + DAY, 15))
    await log.append(checked_in(stays), at=at(now.replace(hour=0), 11))
    assert shares((await figures_at(log, now))["occupancy"]) == pytest.approx(
        {
            ("sunday", 1): 1 / 8,
            ("sunday", 2): 2 / 10,
            ("sunday", 3): 1 / 8,
            ("monday", 9): 0.5 / 8,
            ("monday", 10): 0.25 / 8,
            ("tuesday", 11): 1 / 8,
        }
    )


async def test_a_seat_counts_from_its_first_day_and_one_that_was_removed_no_more(log: Log) -> None:
    now = datetime(2026, 12, 1, 12, tzinfo=BERLIN)  # a Tuesday
    begin = now.astimezone(UTC)
    stay = booked("B1", "S1", begin - 2 * HOUR, 2)
    other = booked("B2", "S2", begin - 2 * HOUR, 2)
    await log.append(opened(time_zone="Europe/Berlin"), seat("S2"), at=begin - 60 * DAY)
    await log.append(seat("S1"), stay, other, checked_in(stay), checked_in(other), at=begin - 2 * HOUR)
    full = shares((await figures_at(log, now))["occupancy"])
    assert full == pytest.approx({("tuesday", 10): 2 / 5, ("tuesday", 11): 2 / 5})
    await log.append(SeatRemoved(library_id="L1", seat_id="S2", revoke_at=begin), at=begin)
    left = shares((await figures_at(log, now))["occupancy"])
    assert left == pytest.approx({("tuesday", 10): 1, ("tuesday", 11): 1})


async def test_today_is_the_library_s_own_day(log: Log) -> None:
    """A day of 25 hours in Berlin, from 22:00 UTC the day before to 23:00 UTC."""
    day = datetime(2026, 10, 24, 22, tzinfo=UTC)
    ends = [day - HOUR / 60, day, day + 25 * HOUR - HOUR / 60, day + 25 * HOUR]
    made = [booked(f"B{number}", "S1", end - HOUR / 2) for number, end in enumerate(ends)]
    await log.append(opened(time_zone="Europe/Berlin"), *made, at=day - DAY)
    await log.append(*(missed(booking) for booking in made), at=day + 26 * HOUR)
    assert (await figures_at(log, SUNDAY.replace(hour=12)))["no_shows_today"] == 2
