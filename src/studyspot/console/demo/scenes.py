"""The scenes, in their order: each does something real, and fails when what it promises is not so."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from studyspot.checker.judge import Evidence, judge
from studyspot.checker.records import BookingsRead, SeatMapRead
from studyspot.checker.sources import read_log, read_stream
from studyspot.client.errors import ProblemError
from studyspot.console.demo.cast import PATIENCE, Player, SceneFailed, player
from studyspot.console.demo.cuttable import Cuttable
from studyspot.console.temporary_system import TemporarySystem
from studyspot.domain.people import Role
from studyspot.wire.bodies import NewSeatBody, PlanBody
from studyspot.wire.booking_bodies import BookingAnswer

SEATS = 50
RIVALS = 50


@dataclass(slots=True)
class Stage:
    """What the scenes share."""

    system: TemporarySystem
    people: AsyncExitStack
    student_wire: Cuttable
    student_fanout_url: str
    plant_fault: bool = False
    library_id: str = ""
    seats: list[str] = field(default_factory=list)
    cast: list[Player] = field(default_factory=list)
    booking: BookingAnswer | None = None
    amount: int = 5000
    start: datetime = field(
        default_factory=lambda: (
            datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
        )
    )

    @property
    def end(self) -> datetime:
        return self.start + timedelta(hours=2)

    @property
    def owner(self) -> Player:
        return self.cast[0]

    @property
    def student(self) -> Player:
        return self.cast[1]

    async def enters(self, user_id: str, role: Role, name: str, fanout_url: str | None = None) -> Player:
        person = await self.people.enter_async_context(
            player(
                user_id,
                role,
                token=self.system.token(user_id, role, name),
                api_url=self.system.api_url,
                fanout_url=fanout_url or self.system.fanout_url,
            )
        )
        self.cast.append(person)
        return person


Scene = Callable[[Stage], Awaitable[str]]


async def open_library(stage: Stage) -> str:
    owner = await stage.enters("owner-meera", "library_owner", "Meera Joshi")
    began = time.monotonic()
    opened = await owner.client.create_library("Saraswati Reading Room", "Pune", "Asia/Kolkata")
    stage.library_id = opened.id
    labels = [NewSeatBody(label=f"A{number:02}") for number in range(1, SEATS + 1)]
    added = await owner.client.add_seats(opened.id, labels)
    stage.seats = [seat.id for seat in added.seats]
    await owner.awaits_position(added.position, "library:updated")
    return f"{SEATS} seats in {_milliseconds(time.monotonic() - began)}"


async def connect_people(stage: Stage) -> str:
    began = time.monotonic()
    student = await stage.enters("student-asha", "student", "Asha Rao", stage.student_fanout_url)
    other = await stage.enters("student-ravi", "student", "Ravi Iyer")
    for person in (student, other):
        await person.client.join(f"library:{stage.library_id}")
    return f"owner and two students, in {_milliseconds(time.monotonic() - began)}"


async def book(stage: Stage) -> str:
    began = time.monotonic()
    stage.booking = await stage.student.client.book(stage.library_id, stage.seats[0], stage.start, stage.end)
    answered = time.monotonic()
    return await _received_by_both(stage, stage.booking.position, "booking:created", began, answered)


async def rush(stage: Stage) -> str:
    seat = stage.seats[1]
    async with AsyncExitStack() as rivals:
        clients = [
            (
                await rivals.enter_async_context(
                    player(
                        f"rival-{number}",
                        "student",
                        token=stage.system.token(f"rival-{number}", "student"),
                        api_url=stage.system.api_url,
                        fanout_url=stage.system.fanout_url,
                    )
                )
            )
            for number in range(RIVALS)
        ]
        stage.cast += clients
        began = time.monotonic()
        outcomes = await asyncio.gather(
            *(rival.client.book(stage.library_id, seat, stage.start, stage.end) for rival in clients),
            return_exceptions=True,
        )
        took = time.monotonic() - began
        won = [outcome for outcome in outcomes if isinstance(outcome, BookingAnswer)]
        told = sum(isinstance(o, ProblemError) and o.type == "/problems/seat-taken" for o in outcomes)
        if (len(won), told) != (1, RIVALS - 1):
            strange = [repr(o) for o in outcomes if not isinstance(o, BookingAnswer | ProblemError)]
            raise SceneFailed(f"{len(won)} won, {told} were told seat-taken; {strange[:3]}")
        winner = next(rival for rival in clients if rival.user_id == won[0].user_id)
        for person in (winner, stage.owner):
            await person.awaits_position(won[0].position, "booking:created")
    return f"1 won, {told} told seat-taken, all within {_milliseconds(took)}"


async def change_price(stage: Stage) -> str:
    began = time.monotonic()
    position = await _price(stage)
    came = [await person.awaits_position(position, "pricing:updated") for person in stage.cast[:3]]
    return f"pricing:updated to {len(came)} sockets, the last after {_milliseconds(max(came) - began)}"


async def arrive(stage: Stage) -> str:
    """Hold a seat from now on, book it as quoted, and check in with the code that the desk shows."""
    student, seat, now = stage.student.client, stage.seats[3], datetime.now(UTC)
    interval = (now, now + timedelta(hours=1))
    held = await student.hold(stage.library_id, seat, *interval)
    quoted = await student.quote(stage.library_id, seat, *interval)
    booked = await student.book(stage.library_id, seat, *interval, hold_id=held.id, quote_id=quoted.id)
    if booked.amount_minor != quoted.amount_minor:
        raise SceneFailed(f"quoted {quoted.amount_minor}, charged {booked.amount_minor}")
    try:
        await student.check_in(booked.id)
    except ProblemError as refused:
        if refused.type != "/problems/desk-code-required":
            raise
    else:
        raise SceneFailed("the student checked in without the desk's code")
    shown = await stage.owner.client.desk_code(stage.library_id)
    began = time.monotonic()
    arrived = await student.check_in(booked.id, code=shown.code)
    answered = time.monotonic()
    return await _received_by_both(stage, arrived.position, "booking:checkin", began, answered)


async def cancel(stage: Stage) -> str:
    assert stage.booking is not None
    began = time.monotonic()
    cancelled = await stage.student.client.cancel(stage.booking.id, reason="the train is late")
    answered = time.monotonic()
    return await _received_by_both(stage, cancelled.position, "booking:cancelled", began, answered)


async def drop_and_resume(stage: Stage) -> str:
    seen = stage.student.seen
    stage.student_wire.cut()
    await stage.student.client.status.until(lambda status: status.state == "reconnecting", PATIENCE)
    positions = await _three_things(stage)
    stage.student_wire.mend()
    mended = time.monotonic()
    await _once_in_order(stage, positions, {stage.student.user_id: seen})
    return f"three events, each once, in order, {_milliseconds(time.monotonic() - mended)} after it was back"


def killed(name: str, title: str) -> Scene:
    """Return the scene in which a process is killed, and three things happen before it is back."""

    async def scene(stage: Stage) -> str:
        seen = {person.user_id: person.seen for person in stage.cast[:3]}
        began = time.monotonic()
        pid = stage.system.kill(name)
        positions = await _three_things(stage)
        answered = time.monotonic()
        await _once_in_order(stage, positions, seen)
        delivered = time.monotonic()
        async with asyncio.timeout(PATIENCE.total_seconds()):
            await stage.system.is_back(name, pid)
        await _reads_agree(stage, positions[-1])
        return (
            f"{title}: answered within {_milliseconds(answered - began)}, "
            f"delivered {_milliseconds(delivered - began)} after the kill"
        )

    return scene


async def verdict(stage: Stage) -> str:
    last = await _price(stage)
    for person in stage.cast[:3]:
        await person.awaits_position(last, "pricing:updated")
    reads: list[SeatMapRead | BookingsRead] = []
    seat_map = await stage.owner.client.seat_map(stage.library_id, stage.start, stage.end, min_position=last)
    body = seat_map.model_dump(mode="json", by_alias=True)
    reads.append(SeatMapRead(stage.library_id, stage.start, stage.end, body))
    for person in stage.cast[:3]:
        page = await person.client.bookings(limit=100, min_position=last)
        rows = tuple(row.model_dump(mode="json", by_alias=True) for row in page.rows)
        whose = {"library_id": stage.library_id} if person is stage.owner else {"user_id": person.user_id}
        reads.append(BookingsRead(page.position, rows, **whose))
    found = await _judged(stage, reads)
    if stage.plant_fault:
        connection = stage.student.witness.socket.connections[0]
        index = next(
            index for index, passage in enumerate(connection.passages) if passage.frame["type"] == "event"
        )
        del connection.passages[index]
        found = await _judged(stage, reads)
    return found


async def _judged(stage: Stage, reads: Sequence[SeatMapRead | BookingsRead]) -> str:
    """Return the verdict on all that happened so far, which is clean."""
    settings = stage.system.settings
    messages = await read_stream(settings["nats_url"])
    found = judge(
        Evidence(
            # On this thread: policies go on, and no socket may hear of what the log had not when it was read.
            records=read_log(settings["database_url"]),
            messages=messages,
            answers=[answer for person in stage.cast for answer in person.witness.answers],
            sockets=[person.witness.socket for person in stage.cast],
            reads=list(reads),
            settled=False,
        )
    )
    if not found.clean:
        raise SceneFailed(str(found))
    return str(found)


async def _received_by_both(stage: Stage, position: int, name: str, began: float, answered: float) -> str:
    student = await stage.student.awaits_position(position, name)
    owner = await stage.owner.awaits_position(position, name)
    return (
        f"answered in {_milliseconds(answered - began)}, "
        f"student after {_milliseconds(student - began)}, owner after {_milliseconds(owner - began)}"
    )


async def _price(stage: Stage) -> int:
    stage.amount += 500
    plan = PlanBody(id="hourly", unit="hour", amount_minor=stage.amount)
    return (await stage.owner.client.set_pricing(stage.library_id, [plan])).position


async def _three_things(stage: Stage) -> list[int]:
    """Book, change the price, cancel; return their positions."""
    booked = await stage.student.client.book(stage.library_id, stage.seats[2], stage.start, stage.end)
    priced = await _price(stage)
    cancelled = await stage.student.client.cancel(booked.id)
    return [booked.position, priced, cancelled.position]


async def _once_in_order(stage: Stage, positions: list[int], seen: dict[str, int]) -> None:
    """Each of these people gets each position, once, in order."""
    for person in stage.cast[:3]:
        if person.user_id not in seen:
            continue
        after = seen[person.user_id]
        await person.awaits(
            lambda events: {event.position for event in events} >= set(positions),
            f"positions {positions}",
            after,
        )
        got = [event.position for event in person.events(after) if event.position in positions]
        if got != positions:
            raise SceneFailed(f"{person.user_id} got {got}, not {positions}")


async def _reads_agree(stage: Stage, position: int) -> None:
    """A read model reaches the position, and shows the seat free again."""
    seat_map = await stage.student.client.seat_map(
        stage.library_id, stage.start, stage.end, min_position=position
    )
    status = next(seat.status for seat in seat_map.seats if seat.id == stage.seats[2])
    if status != "free":
        raise SceneFailed(f"the seat map of position {seat_map.position} says {status}, not free")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


SCENES: tuple[tuple[str, Scene], ...] = (
    ("an owner opens a library", open_library),
    ("people connect", connect_people),
    ("a student books; student and owner are told", book),
    (f"{RIVALS} students book one seat at once", rush),
    ("the owner changes the price; students are told", change_price),
    ("a student holds, is quoted, books, and checks in with the desk's code", arrive),
    ("the student cancels; both are told", cancel),
    ("a student's socket drops, three things happen, it resumes", drop_and_resume),
    ("the relay is killed", killed("relay", "relay")),
    ("the projection worker is killed", killed("projections", "worker")),
    ("the fan-out is killed", killed("fanout", "fan-out")),
    ("NATS is killed", killed("nats", "NATS")),
    ("the checker's verdict", verdict),
)
