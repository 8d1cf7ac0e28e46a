"""The Python client reads what the reads answer."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta

import httpx

from studyspot.client.client import Client
from studyspot.domain.events import LibraryHoursSet, LibraryRulesSet
from studyspot.domain.opening_hours import OpenHours
from studyspot.domain.rules import BookingRules
from tests.projections.happenings import HOUR, booked, notice, opened, paid, seat
from tests.projections.serving import bearer
from tests.projections.system import Log

HOURS = (OpenHours(day="friday", opens=time(8), closes=time(2, 30)),)
RULES = BookingRules(live_bookings=3, release_time=time(18))


def caller(reads: httpx.AsyncClient, headers: Mapping[str, str]) -> Client:
    token = headers["Authorization"].removeprefix("Bearer ")
    return Client(str(reads.base_url).rstrip("/"), "ws://127.0.0.1:9", token)


async def test_every_read_comes_back_as_what_it_is(log: Log, reads: httpx.AsyncClient) -> None:
    begin = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    booking = booked("B1", "S1", begin, user_id="anna")
    await log.append(opened(), seat("S1"), LibraryHoursSet(library_id="L1", hours=HOURS))
    await log.append(LibraryRulesSet(library_id="L1", rules=RULES), booking, paid(booking, 2000, 2000))
    position = await log.append(notice("N1", "anna", seatLabel="A1"))
    async with caller(reads, bearer("anna")) as anna:
        library = await anna.library("L1", min_position=position)
        assert (library.hours, library.rules) == (HOURS, RULES)
        (found,) = (await anna.libraries(min_position=position)).rows
        assert (found.hours, found.seats) == (HOURS, 1)
        told = await anna.notifications(limit=1, min_position=position)
        assert [(row.kind, row.parameters) for row in told.rows] == [("booking-revoked", {"seatLabel": "A1"})]
        own = await anna.booking("B1", min_position=position)
        assert [(entry.kind, entry.amount_minor) for entry in own.ledger] == [
            ("charge", 5000),
            ("payment", 2000),
        ]
        assert (own.paid_minor, own.due_minor) == (2000, 3000)
        assert (await anna.booking_counts(min_position=position)).by_status["confirmed"] == 1
    async with caller(reads, bearer("owner", "library_owner")) as owner:
        hit = await owner.affected("L1", start=begin, end=begin + HOUR, min_position=position)
        assert [row.id for row in hit.rows] == ["B1"]
        assert [
            row.id for row in (await owner.affected("L1", seat_id="S1", limit=5, min_position=position)).rows
        ] == ["B1"]
        figures = await owner.library_stats("L1", min_position=position)
        assert (figures.seats, figures.money[0].revenue_minor) == (1, 2000)
