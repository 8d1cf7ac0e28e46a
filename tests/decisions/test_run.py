"""One command, run: on a fresh read, on the condition that nothing of it changed, once per key."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from studyspot.decisions.identifiers import new_id, new_occupation
from studyspot.decisions.live_bookings import count_live_bookings
from studyspot.decisions.run import Accepted, Circumstances, Decisions
from studyspot.domain.book_seat import BOOK_SEAT, BookSeat
from studyspot.domain.booking_changes import CANCEL_BOOKING, CancelBooking
from studyspot.domain.events import LibraryDetails, Plan
from studyspot.domain.identifiers import is_identifier
from studyspot.domain.libraries import (
    ANNOUNCE_CLOSURE,
    CREATE_LIBRARY,
    SET_PRICING,
    AnnounceClosure,
    CreateLibrary,
    SetPricing,
)
from studyspot.domain.people import Actor
from studyspot.domain.refusals import BookingUnknown, LibraryClosed, SeatTaken
from studyspot.domain.seats import ADD_SEATS, AddSeats, NewSeat
from studyspot.event_store.errors import KeyReused
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Criterion, IdempotencyKey

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
TOMORROW = NOW + timedelta(days=1)
OWNER = Actor("owner", "library_owner")
DETAILS = LibraryDetails(name="Saraswati", city="Pune", time_zone="Asia/Kolkata")


class Desk:
    """A library with two seats, and a process that decides about it."""

    def __init__(self, store: EventStore) -> None:
        self.store = store
        self.decisions = Decisions(store)
        self.library_id = new_id(NOW)
        self.seats = [new_id(NOW), new_id(NOW)]

    async def open(self) -> None:
        await self.run(CREATE_LIBRARY, CreateLibrary(self.library_id, DETAILS, "INR", OWNER))
        seats = tuple(NewSeat(seat, f"A{number}", "general", {}) for number, seat in enumerate(self.seats))
        await self.run(ADD_SEATS, AddSeats(self.library_id, seats, OWNER))

    async def run(self, decider: Any, command: Any, key: IdempotencyKey | None = None) -> Accepted:
        circumstances = Circumstances(actor="someone", at=NOW, command_id=new_id(NOW), key=key)
        return await self.decisions.run(
            decider, command, circumstances, lambda _, events: {"events": len(events)}
        )

    def student(self, name: str) -> Actor:
        """A student of this test alone: the tests of a module share a database."""
        return Actor(f"{name}-{self.library_id[-8:]}", "student")

    def booking(self, student: str, seat: int = 0, **changes: Any) -> BookSeat:
        arguments: dict[str, Any] = {
            "booking_id": new_id(NOW),
            "occupation": new_occupation(),
            "library_id": self.library_id,
            "seat_id": self.seats[seat],
            "user_id": None,
            "start": TOMORROW,
            "end": TOMORROW + timedelta(hours=2),
            "plan_id": None,
            "actor": self.student(student),
            "at": NOW,
        }
        return BookSeat(**(arguments | changes))


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    with EventStore(database_url) as store:
        desk = Desk(store)
        await desk.open()
        yield desk


async def test_of_fifty_students_who_book_one_seat_at_once_one_wins(desk: Desk) -> None:
    wishes = [desk.run(BOOK_SEAT, desk.booking(f"student-{number}")) for number in range(50)]
    outcomes = await asyncio.gather(*wishes, return_exceptions=True)
    assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, SeatTaken) for outcome in outcomes) == 49


async def test_two_processes_never_book_one_seat_twice(desk: Desk, database_url: str) -> None:
    with EventStore(database_url) as other:
        desks = [desk, Desk(other)]
        desks[1].library_id, desks[1].seats = desk.library_id, desk.seats
        wishes = [desks[number % 2].run(BOOK_SEAT, desk.booking(f"s{number}")) for number in range(20)]
        outcomes = await asyncio.gather(*wishes, return_exceptions=True)
    assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == 1


async def test_what_another_process_decided_is_seen_at_once(desk: Desk, database_url: str) -> None:
    await desk.run(BOOK_SEAT, desk.booking("first"))
    with EventStore(database_url) as other:
        elsewhere = Desk(other)
        close = AnnounceClosure(desk.library_id, "c", NOW, None, OWNER)
        await elsewhere.run(ANNOUNCE_CLOSURE, close)
    with pytest.raises(LibraryClosed):
        await desk.run(BOOK_SEAT, desk.booking("second", seat=1))


async def test_a_repeated_key_gets_the_first_answer_and_appends_nothing(desk: Desk) -> None:
    key = IdempotencyKey("asha", new_id(NOW), b"body")
    first = await desk.run(BOOK_SEAT, desk.booking("asha"), key)
    head = desk.store.head().position
    again = await desk.run(BOOK_SEAT, desk.booking("asha"), key)
    assert (again.position, again.answer, again.repeated) == (first.position, first.answer, True)
    assert desk.store.head().position == head
    with pytest.raises(KeyReused):
        await desk.run(BOOK_SEAT, desk.booking("asha"), IdempotencyKey("asha", key.key, b"another body"))


async def test_twins_with_one_key_are_both_told_of_the_one_success(desk: Desk) -> None:
    key = IdempotencyKey("asha", new_id(NOW), b"body")
    twins = [desk.run(BOOK_SEAT, desk.booking("asha"), key) for _ in range(10)]
    answers = await asyncio.gather(*twins)
    assert len({answer.position for answer in answers}) == 1
    assert sum(not answer.repeated for answer in answers) == 1


async def test_a_refused_command_may_come_again_with_its_key(desk: Desk) -> None:
    taken = await desk.run(BOOK_SEAT, desk.booking("first"))
    assert taken.position
    key = IdempotencyKey("asha", new_id(NOW), b"body")
    with pytest.raises(SeatTaken):
        await desk.run(BOOK_SEAT, desk.booking("asha"), key)
    assert not (await desk.run(BOOK_SEAT, desk.booking("asha", seat=1), key)).repeated


async def test_a_refusal_tells_by_which_position_it_was_decided(desk: Desk) -> None:
    taken = await desk.run(BOOK_SEAT, desk.booking("first"))
    with pytest.raises(SeatTaken) as refused:
        await desk.run(BOOK_SEAT, desk.booking("asha"))
    assert refused.value.position == taken.position
    with pytest.raises(BookingUnknown) as unknown:
        await desk.run(CANCEL_BOOKING, CancelBooking("none", None, OWNER, NOW))
    assert unknown.value.position == taken.position


async def test_a_change_that_changes_nothing_is_answered_with_the_head(desk: Desk) -> None:
    await desk.run(ANNOUNCE_CLOSURE, AnnounceClosure(desk.library_id, "c", NOW, None, OWNER))
    head = desk.store.head().position
    again = await desk.run(ANNOUNCE_CLOSURE, AnnounceClosure(desk.library_id, "c", NOW, None, OWNER))
    assert (again.position, again.answer) == (head, {"events": 0})


async def test_live_bookings_are_counted_from_the_log(desk: Desk) -> None:
    kept = desk.booking("one")
    dropped = desk.booking("two", seat=1)
    for command in (kept, dropped):
        await desk.run(BOOK_SEAT, command)
    await desk.run(CANCEL_BOOKING, CancelBooking(dropped.booking_id, None, desk.student("two"), NOW))
    assert await count_live_bookings(desk.store, desk.library_id, NOW) == 1
    assert await count_live_bookings(desk.store, desk.library_id, TOMORROW + timedelta(hours=2)) == 0


async def test_a_decision_reads_only_the_newest_of_each_setting(desk: Desk) -> None:
    for amount in range(5):
        plans = (Plan(id="hourly", unit="hour", amount_minor=amount),)
        await desk.run(SET_PRICING, SetPricing(desk.library_id, plans, OWNER))
    tag = f"library:{desk.library_id}"
    newest = desk.store.read([Criterion(("pricing.updated", "library.created"), (tag,), newest=True)])
    assert [event.type for event in newest.events] == ["library.created", "pricing.updated"]
    assert newest.events[-1].position == desk.store.head().position


def test_identifiers_sort_by_time_and_fit_everywhere() -> None:
    earlier, later = new_id(NOW), new_id(NOW + timedelta(milliseconds=1))
    assert earlier < later
    assert is_identifier(earlier)
    assert is_identifier(new_occupation())
