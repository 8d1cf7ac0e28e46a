"""Libraries as everyone reads them."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from studyspot.domain.events import (
    ClosureAnnounced,
    ClosureWithdrawn,
    LibraryDeleted,
    LibraryHoursSet,
    LibraryRulesSet,
    LibraryUpdated,
    Plan,
    PricingUpdated,
)
from studyspot.domain.opening_hours import WEEKDAYS, OpenHours
from studyspot.domain.rules import BookingRules
from tests.projections.happenings import HOUR, booked, cancelled, opened, seat, service
from tests.projections.queries.asking import ask, assert_problem, text
from tests.projections.system import Log

PRICES = PricingUpdated(
    library_id="L1",
    price_version=2,
    currency="INR",
    plans=(
        Plan(id="day", unit="day", amount_minor=20000),
        Plan(id="hour", unit="hour", amount_minor=3000, zone="quiet"),
        Plan(id="morning", unit="shift", shift="morning", amount_minor=12000),
    ),
)


async def test_a_search_finds_words_cities_and_amenities(log: Log, reads: httpx.AsyncClient) -> None:
    position = await log.append(
        opened("L1", name="Saraswati Study Hall", city="Pune", amenities=("wifi", "ac")),
        opened("L2", name="100% Focus", city="Nagpur", address="12 College_Road", amenities=("wifi",)),
        opened("L3", name="Reading Room", city="pune"),
        opened("L4", name="Closed For Good", city="Pune", amenities=("wifi",)),
        LibraryDeleted(library_id="L4"),
    )
    await ask(reads, "/api/libraries", position)

    async def found(**parameters: Any) -> list[str]:
        return [row["id"] for row in (await ask(reads, "/api/libraries", **parameters))["rows"]]

    assert await found() == ["L2", "L3", "L1"], "by name, without the retired one"
    assert await found(q="study") == ["L1"]
    assert await found(q="nagpur") == ["L2"]
    assert await found(q="%") == ["L2"]
    assert await found(q="e_R") == ["L2"], "an underscore is itself, not any letter"
    assert await found(city="PUNE") == ["L3", "L1"]
    assert await found(amenity="wifi") == ["L2", "L1"]
    assert await found(amenity="wifi", city="Pune") == ["L1"]
    assert await found(q="' OR 1=1 --") == []


async def test_a_library_in_a_search_tells_its_lowest_price_and_its_free_seats(
    log: Log, reads: httpx.AsyncClient
) -> None:
    now = datetime.now(UTC)
    gone = booked("B3", "S3", now - HOUR, hours=2)
    position = await log.append(
        opened(),
        *(seat(f"S{number}") for number in range(5)),
        PRICES,
        service("S0", False),
        booked("B0", "S0", now - HOUR, hours=2),
        booked("B1", "S1", now - HOUR, hours=2),
        booked("B2", "S2", now + HOUR),
        gone,
        cancelled(gone),
        booked("B4", "S4", now - 3 * HOUR, hours=2),
        opened("L2", name="Library L9"),
    )
    priced, free = (await ask(reads, "/api/libraries", position))["rows"]
    assert (priced["seats"], priced["seatsFreeNow"]) == (5, 3)
    assert (priced["priceFromMinor"], priced["currency"]) == (3000, "INR")
    assert (free["priceFromMinor"], free["seats"], free["seatsFreeNow"]) == (None, 0, 0)
    closing = ClosureAnnounced(library_id="L1", closure_id="C1", start=now - HOUR, end=now + HOUR)
    closed = (await ask(reads, "/api/libraries", await log.append(closing)))["rows"][0]
    assert (closed["seats"], closed["seatsFreeNow"]) == (5, 0)


async def test_a_library_has_no_seat_free_outside_its_hours_by_its_own_clock(
    log: Log, reads: httpx.AsyncClient
) -> None:
    now = datetime.now(UTC)
    zones = ("Asia/Kolkata", "America/New_York", "Pacific/Kiritimati")

    def around(zone: str, *, begun: timedelta, left: timedelta) -> tuple[OpenHours, ...]:
        local = now.astimezone(ZoneInfo(zone))
        opens, closes = local + begun, local + left
        return (OpenHours(day=WEEKDAYS[opens.weekday()], opens=opens.time(), closes=closes.time()),)

    for number, zone in enumerate(zones):
        open_id, closed_id = f"A{number}", f"B{number}"
        await log.append(
            *(opened(library_id, time_zone=zone) for library_id in (open_id, closed_id)),
            *(seat(f"S-{library_id}", library_id) for library_id in (open_id, closed_id)),
            LibraryHoursSet(library_id=open_id, hours=around(zone, begun=-HOUR, left=HOUR)),
            LibraryHoursSet(library_id=closed_id, hours=around(zone, begun=HOUR, left=2 * HOUR)),
        )
    position = await log.append(
        opened("C0"),
        seat("S-C0", "C0"),
        opened("C1"),
        seat("S-C1", "C1"),
        LibraryHoursSet(library_id="C1", hours=()),
    )
    rows = (await ask(reads, "/api/libraries", position))["rows"]
    shown = {row["id"]: (row["openNow"], row["seats"], row["seatsFreeNow"]) for row in rows}
    assert shown == {
        **{f"A{number}": (True, 1, 1) for number in range(len(zones))},
        **{f"B{number}": (False, 1, 0) for number in range(len(zones))},
        "C0": (True, 1, 1),
        "C1": (False, 1, 0),
    }
    assert next(row["hours"] for row in rows if row["id"] == "C0") is None, "it is always open"


async def test_pages_follow_one_another_without_gap_or_repeat(log: Log, reads: httpx.AsyncClient) -> None:
    names = [f"Hall {number // 2:02}" for number in range(13)]
    position = await log.append(*(opened(f"L{number:02}", name=name) for number, name in enumerate(names)))
    await ask(reads, "/api/libraries", position)
    ids: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await ask(reads, "/api/libraries", limit=4, **cursor)
        ids += [row["id"] for row in page["rows"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert ids == [f"L{number:02}" for number in range(13)]


async def test_a_wrong_page_is_a_typed_refusal(log: Log, reads: httpx.AsyncClient) -> None:
    await ask(reads, "/api/libraries", await log.append(opened()))
    wrong = [{"limit": "0"}, {"limit": "101"}, {"limit": "many"}, {"q": "a\0b"}, {"city": "x" * 200}]
    wrong += [
        {"cursor": cursor} for cursor in ("x", "W10", "WzEsMl0", "eyJhIjoxfQ", "WyJcdTAwMDAiLCJhIl0", "ü")
    ]
    for parameters in wrong:
        assert_problem(await reads.get("/api/libraries", params=parameters), 422, "invalid-request")


async def test_a_library_tells_its_plans_hours_rules_and_closures(log: Log, reads: httpx.AsyncClient) -> None:
    start = datetime(2027, 1, 1, tzinfo=UTC)
    await log.append(
        opened(address="1 MG Road", amenities=("wifi",)),
        LibraryUpdated(library_id="L1", name="Renamed", city="Pune", time_zone="Asia/Kolkata"),
        PRICES,
        ClosureAnnounced(library_id="L1", closure_id="C1", start=start, end=start + timedelta(days=1)),
        ClosureAnnounced(library_id="L1", closure_id="C2", start=start, revoke_at=start),
        LibraryHoursSet(library_id="L1", hours=(OpenHours(day="sunday", opens=time(8), closes=time(22)),)),
        LibraryRulesSet(
            library_id="L1",
            rules=BookingRules(buffer_minutes=10, day_bookings=2, release_time=time(18)),
        ),
    )
    position = await log.append(ClosureWithdrawn(library_id="L1", closure_id="C1"))
    assert await ask(reads, "/api/libraries/L1", position) == {
        "id": "L1",
        "name": "Renamed",
        "city": "Pune",
        "address": None,
        "timeZone": "Asia/Kolkata",
        "amenities": [],
        "currency": "INR",
        "retired": False,
        "priceVersion": 2,
        "plans": [
            {"id": "day", "unit": "day", "shift": None, "zone": None, "amountMinor": 20000},
            {"id": "hour", "unit": "hour", "shift": None, "zone": "quiet", "amountMinor": 3000},
            {"id": "morning", "unit": "shift", "shift": "morning", "zone": None, "amountMinor": 12000},
        ],
        "hours": [{"day": "sunday", "opens": "08:00:00", "closes": "22:00:00"}],
        "rules": {
            "holdMinutes": 5,
            "checkInOpensMinutes": -15,
            "checkInClosesMinutes": 30,
            "freeCancelMinutes": 60,
            "lateRefundPercent": 0,
            "bufferMinutes": 10,
            "shortestMinutes": 1,
            "longestMinutes": None,
            "advanceDays": None,
            "advanceStrict": False,
            "releaseTime": "18:00:00",
            "dayBookings": 2,
            "dayMinutes": None,
            "weekBookings": None,
            "weekMinutes": None,
            "liveBookings": None,
            "strikes": 3,
            "strikeDays": 30,
            "blockDays": 7,
        },
        "closures": [{"id": "C2", "start": text(start), "end": None, "revokeAt": text(start)}],
        "position": position,
    }
    retired = await ask(reads, "/api/libraries/L1", await log.append(LibraryDeleted(library_id="L1")))
    assert retired["retired"], "its history stays, and bookings still name it"


async def test_an_etag_stands_until_the_library_itself_changes(log: Log, reads: httpx.AsyncClient) -> None:
    await ask(reads, "/api/libraries/L1", await log.append(opened()))
    etag = (await reads.get("/api/libraries/L1")).headers["ETag"]
    position = await log.append(opened("L2"))
    await ask(reads, "/api/libraries/L2", position)
    for matching in ("*", etag.removeprefix("W/")):
        known = await reads.get("/api/libraries/L1", headers={"If-None-Match": matching})
        assert known.status_code == 304
    same = await reads.get("/api/libraries/L1", headers={"If-None-Match": f'"other", {etag}'})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["StudySpot-Position"] == str(position)
    await ask(reads, "/api/libraries/L1", await log.append(PRICES))
    changed = await reads.get("/api/libraries/L1", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag


async def test_an_unknown_library_is_not_found(log: Log, reads: httpx.AsyncClient) -> None:
    await ask(reads, "/api/libraries", await log.append(opened()))
    assert_problem(await reads.get("/api/libraries/L2"), 404, "library-unknown")
