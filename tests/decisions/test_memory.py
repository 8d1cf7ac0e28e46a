"""What a decision remembers of what others read: fresh all the same, and forgotten with its history."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from studyspot.decisions.identifiers import new_id, new_occupation
from studyspot.decisions.memory import WORTH_REMEMBERING, Memory, Placed, merged
from studyspot.decisions.run import Circumstances, Decisions
from studyspot.domain.decider import Criterion
from studyspot.domain.events import ClosureAnnounced, ClosureWithdrawn, LibraryDeleted, LibraryDetails
from studyspot.domain.holds import PLACE_HOLD, PlaceHold
from studyspot.domain.libraries import CREATE_LIBRARY, CreateLibrary
from studyspot.domain.opening import SET_OPENING, SetOpening, WantedClosure
from studyspot.domain.people import Actor
from studyspot.domain.refusals import LibraryClosed
from studyspot.domain.seats import ADD_SEATS, AddSeats, NewSeat
from studyspot.event_store.store import EventStore

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
OWNER = Actor("owner", "library_owner")
CLOSURES = Criterion((ClosureAnnounced, ClosureWithdrawn), "library:L1")


def closed(position: int, library_id: str = "L1") -> Placed:
    event = ClosureWithdrawn(library_id=library_id, closure_id=f"C{position}")
    return Placed(position, event, (f"library:{library_id}",))


def test_what_is_read_again_and_again_is_read_once() -> None:
    memory = Memory()
    memory.goes_on("first")
    many = [closed(position) for position in range(1, WORTH_REMEMBERING + 1)]
    memory.learn((CLOSURES,), {}, many, 40)
    known = memory.recall((CLOSURES,))
    assert known[CLOSURES].position == 40
    memory.learn((CLOSURES,), known, [closed(41)], 41)
    assert [placed.position for placed in merged(memory.recall((CLOSURES,)).values(), [])] == [
        *range(1, WORTH_REMEMBERING + 1),
        41,
    ]


def test_little_and_settings_are_not_remembered() -> None:
    memory = Memory()
    newest = Criterion((LibraryDeleted,), "library:L1", newest=True)
    deleted = [Placed(at, LibraryDeleted(library_id="L1"), ("library:L1",)) for at in range(1, 100)]
    memory.learn((CLOSURES, newest), {}, [*deleted, closed(100)], 100)
    assert memory.recall((CLOSURES, newest)) == {}


def test_another_history_is_another_log() -> None:
    memory = Memory()
    assert not memory.goes_on("first")
    memory.learn((CLOSURES,), {}, [closed(position) for position in range(1, 100)], 100)
    assert memory.goes_on("first")
    assert not memory.goes_on("second")
    assert memory.recall((CLOSURES,)) == {}


def test_what_was_asked_longest_ago_is_forgotten_first() -> None:
    memory = Memory(most_events=50)
    others = Criterion(CLOSURES.types, "library:L2")
    memory.learn((CLOSURES,), {}, [closed(position) for position in range(1, 31)], 30)
    memory.learn((others,), {}, [closed(position, "L2") for position in range(31, 61)], 60)
    assert set(memory.recall((CLOSURES, others))) == {others}


@given(st.lists(st.tuples(st.sampled_from(["L1", "L2"]), st.booleans()), max_size=80))
def test_remembering_changes_nothing(steps: list[tuple[str, bool]]) -> None:
    """Whoever reads what is new and remembers the rest has all, whatever was read when, and by whom."""
    memory = Memory(most_events=40)
    log: list[Placed] = []
    boundary = (CLOSURES, Criterion(CLOSURES.types, "library:L2"))
    for library_id, reads_both in steps:
        log.append(closed(len(log) + 1, library_id))
        asked = boundary if reads_both else boundary[:1]
        recalled = memory.recall(asked)
        read = [
            placed
            for placed in log
            for criterion in asked
            if criterion.tag in placed.tags
            and (criterion not in recalled or placed.position > recalled[criterion].position)
        ]
        memory.learn(asked, recalled, read, len(log))
        tags = {criterion.tag for criterion in asked}
        assert merged(recalled.values(), read) == [placed for placed in log if tags & set(placed.tags)]


@pytest.fixture
async def library(database_url: str) -> tuple[str, str]:
    """A library with a thousand closures that are long past, and a seat."""
    library_id, seat_id = new_id(NOW), new_id(NOW)
    with EventStore(database_url) as store:
        decisions = Decisions(store)
        details = LibraryDetails(name="Saraswati", city="Pune", time_zone="Asia/Kolkata")
        await run(decisions, CREATE_LIBRARY, CreateLibrary(library_id, details, "INR", OWNER))
        seats = (NewSeat(seat_id, "A1", "general", {}),)
        await run(decisions, ADD_SEATS, AddSeats(library_id, seats, OWNER))
        far = NOW + timedelta(days=300)
        for hundred in range(10):
            closures = tuple(
                WantedClosure(f"C{hundred}-{number}", False, far, far + timedelta(hours=1), None)
                for number in range(100)
            )
            await run(decisions, SET_OPENING, SetOpening(library_id, False, None, closures, OWNER, NOW))
    return library_id, seat_id


async def run(decisions: Decisions, decider: object, command: object) -> None:
    circumstances = Circumstances(actor="someone", at=NOW, command_id=new_id(NOW))
    await decisions.run(decider, command, circumstances, lambda _, events: {"events": len(events)})  # type: ignore[arg-type]


def hold(library_id: str, seat_id: str, day: int) -> PlaceHold:
    start = NOW + timedelta(days=day)
    # The tests share a database.
    student = Actor(f"student-{library_id[-8:]}", "student")
    return PlaceHold(
        new_id(NOW), new_occupation(), library_id, seat_id, start, start + timedelta(hours=1), student, NOW
    )


def events_read() -> float:
    return REGISTRY.get_sample_value("studyspot_decision_events_sum") or 0


async def test_a_long_list_of_closures_is_read_once_and_a_rivals_closure_all_the_same(
    database_url: str, library: tuple[str, str]
) -> None:
    library_id, seat_id = library
    with EventStore(database_url) as store, EventStore(database_url) as elsewhere:
        decisions, rival = Decisions(store), Decisions(elsewhere)
        await run(decisions, PLACE_HOLD, hold(library_id, seat_id, 1))
        before = events_read()
        await run(decisions, PLACE_HOLD, hold(library_id, seat_id, 2))
        assert events_read() - before < 100
        start = NOW + timedelta(days=3)
        closure = WantedClosure("today", False, start, start + timedelta(days=1), None)
        await run(rival, SET_OPENING, SetOpening(library_id, False, None, (closure,), OWNER, NOW))
        with pytest.raises(LibraryClosed):
            await run(decisions, PLACE_HOLD, hold(library_id, seat_id, 3))


async def test_after_an_epoch_the_log_is_read_anew(database_url: str, library: tuple[str, str]) -> None:
    library_id, seat_id = library
    with EventStore(database_url) as store:
        decisions = Decisions(store)
        await run(decisions, PLACE_HOLD, hold(library_id, seat_id, 1))
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE store.head SET epoch = 'another'")
        before = events_read()
        await run(decisions, PLACE_HOLD, hold(library_id, seat_id, 2))
        assert events_read() - before > 1_000
