"""A whole system under load while its processes are killed: nothing lost, nothing twice, every map exact."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest

from studyspot.checker.judge import Evidence, judge
from studyspot.checker.records import BookingsRead, SeatMapRead
from studyspot.checker.sources import read_log, read_stream
from studyspot.checker.witness import Witness
from studyspot.client.client import Client
from studyspot.client.errors import ProblemError
from studyspot.client.follow import FollowedLibrary
from studyspot.console.temporary_system import TemporarySystem, temporary_system
from studyspot.domain.people import Role
from studyspot.wire.bodies import NewSeatBody
from tests.chaos.crowd.ending import without_policies

STUDENTS = 6
SEATS = 4
COMMANDS = 12
KILLED = ("fanout", "relay", "projections", "nats", "api", "postgres")
LIMIT = timedelta(seconds=60)


@pytest.fixture
async def system() -> AsyncIterator[TemporarySystem]:
    async with temporary_system() as running:
        yield running


class Person:
    """A client and the record of it."""

    def __init__(self, system: TemporarySystem, user_id: str, role: Role) -> None:
        self.user_id = user_id
        self.witness = Witness(user_id, user_id, role)
        token = system.token(user_id, role)
        self.client = Client(
            system.api_url,
            system.fanout_url,
            token,
            witness=self.witness,
            patience=LIMIT,
            read_own_writes=True,
        )


async def book_and_cancel(person: Person, library: str, seats: list[str], chance: random.Random) -> None:
    """Give commands one after another; being refused is part of it."""
    opening = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    mine: list[str] = []
    for _ in range(COMMANDS):
        try:
            if mine and chance.random() < 0.4:
                await person.client.cancel(mine.pop(chance.randrange(len(mine))))
            else:
                start = opening + timedelta(hours=chance.randrange(6))
                end = start + timedelta(hours=chance.randint(1, 2))
                mine.append((await person.client.book(library, chance.choice(seats), start, end)).id)
        except ProblemError as refused:
            if refused.type not in ("/problems/seat-taken", "/problems/student-busy"):
                raise


async def kill_in_turn(system: TemporarySystem, chance: random.Random) -> None:
    for name in chance.sample(KILLED, len(KILLED)):
        pid = system.kill(name)
        async with asyncio.timeout(LIMIT.total_seconds()):
            await system.is_back(name, pid)


@pytest.mark.parametrize("seed", [20261201])
async def test_kills_lose_nothing_and_every_followed_map_stays_exact(
    system: TemporarySystem, seed: int
) -> None:
    chance = random.Random(seed)
    async with AsyncExitStack() as stack:
        owner = Person(system, "owner", "library_owner")
        students = [Person(system, f"student-{number}", "student") for number in range(STUDENTS)]
        for person in (owner, *students):
            await stack.enter_async_context(person.client)
            await person.client.connected(LIMIT)
        library = (await owner.client.create_library("Reading Room", "Pune", "Asia/Kolkata")).id
        added = await owner.client.add_seats(library, [NewSeatBody(label=f"A{n}") for n in range(SEATS)])
        seats = [seat.id for seat in added.seats]
        start = datetime.now(UTC)
        interval = start, start + timedelta(days=3)
        followed: list[FollowedLibrary] = []

        async def act(person: Person) -> None:
            await book_and_cancel(person, library, seats, random.Random(f"{seed} {person.user_id}"))

        async def follow(person: Person) -> None:
            followed.append(await person.client.follow_library(library, *interval))

        async with asyncio.timeout(LIMIT.total_seconds() * 2), asyncio.TaskGroup() as tasks:
            for person in students:
                tasks.create_task(act(person))
                tasks.create_task(follow(person))
            tasks.create_task(kill_in_turn(system, chance))
        with without_policies(system):
            # The last event, which everyone who follows the library is told.
            last = (await owner.client.change_seat(library, seats[0], in_service=False)).position
            for one in followed:
                await one.until(lambda seats: seats.position >= last, LIMIT)
            shown = await owner.client.seat_map(library, *interval, min_position=last)
            expected = {seat.id: seat for seat in shown.seats}
            for one in followed:
                assert dict(one.seat_map.seats) == expected
            verdict = await judged(
                system,
                [owner, *students],
                shown_map=SeatMapRead(library, *interval, shown.model_dump(mode="json", by_alias=True)),
            )
        assert verdict is None, f"seed {seed}: {verdict}"


async def judged(system: TemporarySystem, people: list[Person], shown_map: SeatMapRead) -> str | None:
    """Return what the judge finds, if anything."""
    reads: list[SeatMapRead | BookingsRead] = [shown_map]
    for person in people[1:]:
        page = await person.client.bookings(limit=100)
        rows = tuple(row.model_dump(mode="json", by_alias=True) for row in page.rows)
        reads.append(BookingsRead(page.position, rows, user_id=person.user_id))
    verdict = judge(
        Evidence(
            records=await asyncio.to_thread(read_log, system.settings["database_url"]),
            messages=await read_stream(system.settings["nats_url"]),
            answers=[answer for person in people for answer in person.witness.answers],
            sockets=[person.witness.socket for person in people],
            reads=reads,
        )
    )
    return None if verdict.clean else str(verdict)
