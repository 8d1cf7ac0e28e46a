"""Five hundred students, a hundred seats, one each: all of them at once, each trying several at once."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import httpx
import pytest

from studyspot.checker.judge import Evidence, judge
from studyspot.checker.records import Answer, Record
from studyspot.checker.sources import read_log
from studyspot.console.temporary_system import TemporarySystem, temporary_system
from tests.journeys.person import Person
from tests.projections.serving import Patient

STUDENTS, SEATS, AT_ONCE = 500, 100, 2
CLIENTS, CONNECTIONS = 25, 8
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
INTERVAL = {"start": START.isoformat(), "end": (START + timedelta(hours=12)).isoformat()}


@pytest.fixture
async def system() -> AsyncIterator[TemporarySystem]:
    async with temporary_system() as running:
        yield running


@pytest.fixture
async def students(system: TemporarySystem) -> AsyncIterator[list[Person]]:
    """All of them, spread over clients with some connections each."""
    limits = httpx.Limits(max_connections=CONNECTIONS)
    trust = httpx.create_ssl_context()
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=system.api_url, timeout=60, limits=limits, verify=trust)
            )
            for _ in range(CLIENTS)
        ]
        shared = cycle(clients)
        names = [f"student-{number}" for number in range(STUDENTS)]
        yield [Person(next(shared), name, "student", system.token(name, "student")) for name in names]


@pytest.mark.alone
async def test_as_many_win_as_there_are_seats_and_nobody_twice(
    system: TemporarySystem, students: list[Person]
) -> None:
    async with httpx.AsyncClient(base_url=system.api_url, timeout=30, transport=Patient()) as client:
        owner = Person(client, "owner", "library_owner", system.token("owner", "library_owner"))
        library, seats = await opened(owner)
    async with asyncio.TaskGroup() as trying:
        for number, student in enumerate(students):
            trying.create_task(tries(student, library, list(seats), random.Random(number)))
    log = read_log(system.settings["database_url"])
    answers = [answer for person in (owner, *students) for answer in person.witness.answers]
    winners = Counter(record.facts["userId"] for record in booked(log))
    assert len(winners) == SEATS
    assert set(winners.values()) == {1}
    assert len({record.facts["seatId"] for record in booked(log)}) == SEATS
    verdict = judge(Evidence(log, answers=answers))
    assert verdict.clean, verdict
    assert_refused_for_their_quota_had_won(answers, winners)


async def opened(owner: Person) -> tuple[str, list[str]]:
    """A library with a quota of one booking a day."""
    described = {"name": "Saraswati", "city": "Pune", "timeZone": "UTC"}
    library = (await owner.does("POST", "/api/libraries", described))["id"]
    labels = [{"label": f"A{number}"} for number in range(SEATS)]
    added = await owner.does("POST", f"/api/libraries/{library}/seats", {"seats": labels})
    await owner.does("PUT", f"/api/libraries/{library}/rules", {"dayBookings": 1})
    await owner.gets(f"/api/libraries/{library}/seats", after=added["position"], **INTERVAL)
    return library, [seat["id"] for seat in added["seats"]]


async def tries(student: Person, library: str, seats: list[str], chance: random.Random) -> None:
    """Try seats until one is won, or all that were free are taken."""
    while seats:
        wanted = chance.sample(seats, min(AT_ONCE, len(seats)))
        async with asyncio.TaskGroup() as asking:
            asked = [asking.create_task(book(student, library, seat)) for seat in wanted]
        told = [one.result() for one in asked]
        if any(answer.is_success for answer in told):
            return
        refusals = Counter(answer.json()["type"] for answer in told)
        assert set(refusals) == {"/problems/seat-taken"}, refusals
        seats = await free_seats(student, library)


async def book(student: Person, library: str, seat: str) -> httpx.Response:
    wanted = {"libraryId": library, "seatId": seat, **INTERVAL}
    return await patiently(lambda: student.asks("POST", "/api/bookings", wanted))


async def free_seats(student: Person, library: str) -> list[str]:
    path = f"/api/libraries/{library}/seats"
    start, end = INTERVAL["start"], INTERVAL["end"]
    told = (await patiently(lambda: student.asks("GET", path, start=start, end=end))).json()
    return [seat["id"] for seat in told["seats"] if seat["status"] == "free"]


async def patiently(ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Ask again when it is told to, as a client does that is put off in a rush."""
    async with asyncio.timeout(60):
        # What it waits for is the time that it was told.
        while (response := await ask()).status_code == httpx.codes.SERVICE_UNAVAILABLE:  # noqa: ASYNC110
            await asyncio.sleep(float(response.headers["Retry-After"]))
    return response


def booked(log: list[Record]) -> list[Record]:
    return [record for record in log if record.type == "booking.created"]


def assert_refused_for_their_quota_had_won(answers: list[Answer], winners: Counter[Any]) -> None:
    refused = {"/problems/quota-exhausted", "/problems/student-busy"}
    for answer in answers:
        if isinstance(answer.body, dict) and answer.body.get("type") in refused:
            assert answer.who in winners
