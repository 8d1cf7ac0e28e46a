"""Which bookings a closure, a time or a seat's end would hit, told to those who run the library."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from studyspot.domain.events import ClosureAnnounced
from studyspot.projections.models import bookings, libraries, seats
from tests.projections.happenings import (
    HOUR,
    booked,
    cancelled,
    checked_in,
    checked_out,
    opened,
    rescheduled,
    revoked,
    seat,
)
from tests.projections.poison import failing_at
from tests.projections.queries.asking import ask, assert_problem, text
from tests.projections.serving import bearer, reads_of
from tests.projections.system import Log, until, working

PATH = "/api/libraries/L1/affected"
OWNER, RIVAL = bearer("owner", "library_owner"), bearer("rival", "library_owner")
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def closing(closure_id: str, start: datetime, end: datetime | None) -> ClosureAnnounced:
    return ClosureAnnounced(library_id="L1", closure_id=closure_id, start=start, end=end)


async def filled(log: Log) -> int:
    """Seats with bookings that are over, under way, to come, and no longer to come."""
    over = booked("over", "S1", NOW - 3 * HOUR, 2)
    sitting = booked("sitting", "S1", NOW - HOUR, 2)
    left = booked("left", "S2", NOW - HOUR, 3)
    dropped, taken_back = booked("dropped", "S1", NOW + DAY), booked("taken-back", "S2", NOW + DAY)
    moved = booked("moved", "S1", NOW + 2 * DAY)
    month = booked("month", "S2", NOW - 10 * DAY, 24 * 40)
    await log.append(opened("L1", "owner"), opened("L2", "rival"), seat("S1"), seat("S2"), seat("S3"))
    await log.append(
        *(over, sitting, checked_in(sitting), left, checked_in(left), checked_out(left)),
        *(dropped, cancelled(dropped), taken_back, revoked(taken_back)),
        *(moved, rescheduled(moved, seat_id="S2", start=NOW + 3 * DAY)),
    )
    return await log.append(
        *(month, checked_in(month), booked("next", "S1", NOW + DAY, buffer=HOUR)),
        booked("missed", "S2", NOW - HOUR, 8),
        *(booked("far", "S2", NOW + 50 * DAY), booked("elsewhere", "S9", NOW + DAY, library_id="L2")),
        *(closing("day", NOW + DAY, NOW + 2 * DAY), closing("for-good", NOW + 2 * DAY, None)),
        *(closing("running", NOW - 20 * DAY, NOW + HOUR / 2), closing("past", NOW - 9 * DAY, NOW - 8 * DAY)),
    )


async def hit(reads: httpx.AsyncClient, at_least: int | None = None, **selector: Any) -> list[str]:
    return [row["id"] for row in (await ask(reads, PATH, at_least, OWNER, **selector))["rows"]]


async def test_each_way_to_select_finds_what_it_hits_and_nothing_that_is_over(
    log: Log, reads: httpx.AsyncClient
) -> None:
    assert await hit(reads, await filled(log), closureId="day") == ["month", "next"]
    assert await hit(reads, closureId="for-good") == ["month", "moved", "far"]
    assert await hit(reads, closureId="running") == ["month", "sitting"]
    # It hits what has begun, and still takes place.
    assert await hit(reads, closureId="past") == ["month"]
    assert await hit(reads, seatId="S1") == ["sitting", "next"]
    assert await hit(reads, seatId="S2") == ["month", "moved", "far"]
    assert await hit(reads, seatId="S3") == []
    # Back to back is not hit, and the buffer after a booking is not either.
    assert await hit(reads, start=text(NOW + DAY + HOUR), end=text(NOW + 3 * DAY)) == ["month"]
    assert await hit(reads, start=text(NOW + DAY), end=text(NOW + 3 * DAY + HOUR)) == [
        *("month", "next"),
        "moved",
    ]
    assert await hit(reads, start=text(NOW - 4 * HOUR), end=text(NOW)) == ["month", "sitting"]


async def test_each_is_told_as_the_booking_itself(log: Log, reads: httpx.AsyncClient) -> None:
    position = await filled(log)
    (_, told) = (await ask(reads, PATH, position, OWNER, closureId="day"))["rows"]
    alone = await ask(reads, "/api/bookings/next", position, OWNER)
    assert told == {name: value for name, value in alone.items() if name in told}
    assert {*alone} - {*told} == {"ledger", "refundedMinor", "position", "serverNow"}


async def test_pages_follow_one_another(log: Log, reads: httpx.AsyncClient) -> None:
    await ask(reads, PATH, await filled(log), OWNER, seatId="S3")
    first = await ask(reads, PATH, headers=OWNER, seatId="S2", limit=2)
    assert [row["id"] for row in first["rows"]] == ["month", "moved"]
    rest = await ask(reads, PATH, headers=OWNER, seatId="S2", limit=2, cursor=first["next"])
    assert ([row["id"] for row in rest["rows"]], rest["next"]) == (["far"], None)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"closureId": "day", "seatId": "S1"},
        {"start": text(NOW)},
        {"end": text(NOW)},
        {"closureId": "day", "start": text(NOW), "end": text(NOW + DAY)},
        {"seatId": "S1", "end": text(NOW)},
        {"seatId": "a b"},
        {"seatId": "S1", "cursor": "x"},
    ],
)
async def test_one_way_to_select_is_needed(log: Log, reads: httpx.AsyncClient, given: dict[str, str]) -> None:
    await ask(reads, PATH, await log.append(opened(), seat()), OWNER, seatId="S1")
    assert_problem(await reads.get(PATH, params=given, headers=OWNER), 422, "invalid-request")


async def test_what_is_not_there_and_what_is_not_one_s_own_is_a_typed_refusal(
    log: Log, reads: httpx.AsyncClient
) -> None:
    await ask(reads, PATH, await filled(log), OWNER, seatId="S1")

    async def refused(headers: dict[str, str], path: str = PATH, **given: str) -> httpx.Response:
        return await reads.get(path, params=given, headers=headers)

    for other in (RIVAL, bearer("owner"), bearer("anna"), bearer("root", "admin")):
        assert_problem(await refused(other, seatId="S1"), 403, "not-your-library")
    assert_problem(await refused({}, seatId="S1"), 401, "unauthenticated")
    unknown = await refused(OWNER, "/api/libraries/L9/affected", seatId="S1")
    assert_problem(unknown, 404, "library-unknown")
    assert_problem(await refused(OWNER, seatId="S9"), 404, "seat-unknown")
    assert_problem(await refused(OWNER, closureId="C9"), 404, "closure-unknown")
    backwards = {"start": text(NOW + DAY), "end": text(NOW + DAY)}
    assert_problem(await refused(OWNER, **backwards), 422, "end-not-after-start")


async def test_what_is_parked_is_said(log: Log) -> None:
    first, second = booked("B1", "S1", NOW + DAY), booked("B2", "S1", NOW + 2 * DAY)
    await log.append(opened("L1", "owner"), seat("S1"), first, second, cancelled(second), seat("S2"))
    broken = (failing_at(bookings.PROJECTION, 5), failing_at(seats.PROJECTION, 6))
    async with (
        working(log, broken[0]),
        working(log, broken[1]),
        working(log, libraries.PROJECTION),
    ):
        await until(lambda: log.readable("bookings", "seats", "libraries"))
        async with reads_of(log) as client:
            told = (await client.get(PATH, params={"seatId": "S1"}, headers=OWNER)).json()
            assert [(row["id"], row.get("parked")) for row in told["rows"]] == [("B1", None), ("B2", True)]
            assert told["parked"] is True
            hidden = await client.get(PATH, params={"seatId": "S2"}, headers=OWNER)
            assert_problem(hidden, 503, "parked")
