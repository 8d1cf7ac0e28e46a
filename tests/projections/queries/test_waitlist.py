"""Places in waitlists, and the line in which they stand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studyspot.domain.events import WaitlistAccepted, WaitlistJoined, WaitlistLeft, WaitlistOfferLapsed
from studyspot.domain.waiting import Entry, evolve_entry, place_in_line
from tests.projections.happenings import HOUR, hired, joined, offered, opened
from tests.projections.queries.asking import ask, assert_problem, text
from tests.projections.serving import bearer
from tests.projections.system import Log

PATH = "/api/waitlist"
OWNER, STELLA = bearer("owner", "library_owner"), bearer("stella", "staff")
NOW = datetime.now(UTC).replace(microsecond=0)
TOMORROW = NOW + timedelta(days=1)


async def places(
    reads: httpx.AsyncClient, at_least: int, **parameters: Any
) -> list[tuple[str, str, int | None]]:
    line = await ask(reads, PATH, at_least, OWNER, libraryId="L1", **parameters)
    return [(row["id"], row["status"], row["place"]) for row in line["rows"]]


async def test_one_sees_ones_own_places_and_who_runs_the_library_its_line(
    log: Log, reads: httpx.AsyncClient
) -> None:
    position = await log.append(
        *(opened("L1"), opened("L2", "rival"), hired("stella")),
        *(
            joined("E1", "anna", TOMORROW),
            joined("E2", "ben", TOMORROW),
            joined("E3", "anna", TOMORROW, library_id="L2"),
        ),
    )
    own = await ask(reads, PATH, position, bearer("anna"))
    assert [(row["id"], row["place"]) for row in own["rows"]] == [("E3", 1), ("E1", 1)]
    (of_ben,) = (await ask(reads, PATH, position, bearer("ben")))["rows"]
    assert (of_ben["place"], of_ben["userId"], of_ben["start"]) == (2, "ben", text(TOMORROW))
    assert "anna" not in str(of_ben)
    for runner in (OWNER, STELLA):
        line = await ask(reads, PATH, position, runner, libraryId="L1")
        assert [row["userId"] for row in line["rows"]] == ["anna", "ben"]
        assert (await ask(reads, PATH, position, runner))["rows"] == [], "they wait nowhere"
    only = await ask(reads, PATH, position, bearer("anna"), libraryId="L2")
    assert [row["id"] for row in only["rows"]] == ["E3"]
    for other in (bearer("rival", "library_owner"), bearer("tom", "staff")):
        answer = await reads.get(PATH, params={"libraryId": "L1"}, headers=other)
        assert_problem(answer, 403, "not-your-library")


async def test_a_place_tells_what_becomes_of_it(log: Log, reads: httpx.AsyncClient) -> None:
    entries = [joined(f"E{number}", f"s{number}", TOMORROW) for number in range(5)]
    until = NOW + timedelta(minutes=10)
    position = await log.append(
        opened(),
        *entries,
        offered(entries[0], until),
        WaitlistLeft(**entries[1].facts(), reason="asked"),
        WaitlistOfferLapsed(**entries[2].facts(), status="lapsed", hold_id="H2", seat_id="S1"),
        WaitlistAccepted(**entries[3].facts(), hold_id="H3", booking_id="B3"),
    )
    told = [(await ask(reads, PATH, position, bearer(f"s{number}")))["rows"][0] for number in range(5)]
    statuses = [(row["status"], row["place"]) for row in told]
    assert statuses == [
        ("offered", None),
        ("left", None),
        ("lapsed", None),
        ("accepted", None),
        ("waiting", 1),
    ]
    assert told[0]["offer"] == {"holdId": "H1", "seatId": "S1", "until": text(until)}
    assert (told[1]["leftReason"], told[1]["offer"], told[3]["bookingId"]) == ("asked", None, "B3")
    assert await places(reads, position) == [("E0", "offered", None), ("E4", "waiting", 1)]
    # The library could not keep its offer: back at the place where they were.
    back = WaitlistOfferLapsed(**entries[0].facts(), status="waiting", hold_id="H1", seat_id="S1")
    assert await places(reads, await log.append(back)) == [("E0", "waiting", 1), ("E4", "waiting", 2)]


async def test_what_the_clock_has_ended_is_over(log: Log, reads: httpx.AsyncClient) -> None:
    begun, late = joined("E1", "anna", NOW - timedelta(minutes=6)), joined("E2", "ben", TOMORROW)
    position = await log.append(opened(), begun, late, offered(late, NOW - timedelta(seconds=1)))
    (over,) = (await ask(reads, PATH, position, bearer("anna")))["rows"]
    assert (over["status"], over["leftReason"], over["place"]) == ("left", "over", None)
    (lapsed,) = (await ask(reads, PATH, position, bearer("ben")))["rows"]
    assert (lapsed["status"], lapsed["offer"]) == ("lapsed", None)
    assert await places(reads, position) == []


async def test_the_line_is_paged_in_its_order(log: Log, reads: httpx.AsyncClient) -> None:
    revoked = joined("E9", "zoe", TOMORROW, revoked_booking_id="B1")
    many = [joined(f"E{number}", f"s{number}", TOMORROW) for number in range(5)]
    position = await log.append(opened(), *many, revoked)
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await ask(reads, PATH, position, OWNER, libraryId="L1", limit=2, **cursor)
        found += [row["id"] for row in page["rows"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == ["E9", "E0", "E1", "E2", "E3", "E4"]
    assert [place for *_, place in await places(reads, position)] == [1, 2, 3, 4, 5, 6]


WISHES = st.fixed_dictionaries(
    {},
    optional={
        "zone": st.sampled_from(["quiet", "general"]),
        "attributes": st.dictionaries(st.sampled_from(["power", "floor"]), st.integers(1, 2)),
        "revoked_booking_id": st.just("B1"),
    },
)
STARTS = st.integers(0, 6).map(lambda hours: TOMORROW + hours * HOUR)
LINES = st.lists(st.tuples(STARTS, st.integers(1, 3), WISHES), min_size=1, max_size=8)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(line=LINES)
async def test_the_place_is_that_of_the_domain(
    log: Log, reads: httpx.AsyncClient, line: list[tuple[datetime, int, dict[str, Any]]]
) -> None:
    library_id = f"L{log.store.head().position}"
    entries: list[WaitlistJoined] = [
        joined(f"{library_id}-{number}", f"s{number}", start, hours, library_id, **wishes)
        for number, (start, hours, wishes) in enumerate(line)
    ]
    position = await log.append(opened(library_id), *entries)
    found = await ask(reads, PATH, position, OWNER, libraryId=library_id)
    standing: list[Entry] = [entry for one in entries if (entry := evolve_entry(None, one)) is not None]
    assert {row["id"]: row["place"] for row in found["rows"]} == {
        one.entry_id: place_in_line(one.entry_id, standing, NOW) for one in entries
    }
