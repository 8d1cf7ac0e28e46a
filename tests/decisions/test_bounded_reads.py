"""A decision reads a seat's day, a student's weeks and a library's settings, however long the log is.

Counted, not timed.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from benchmarks.history import write_history
from prometheus_client import REGISTRY

from studyspot.decisions.identifiers import new_id, new_occupation
from studyspot.decisions.run import Circumstances, Decisions
from studyspot.domain.allowance import ASK_ALLOWANCE, AskAllowance
from studyspot.domain.book_seat import BOOK_SEAT, BookSeat
from studyspot.domain.booking_changes import CANCEL_BOOKING, CHECK_IN, CancelBooking, CheckIn
from studyspot.domain.decider import Decider
from studyspot.domain.holds import PLACE_HOLD, RELEASE_HOLD, PlaceHold, ReleaseHold
from studyspot.domain.libraries import SET_PRICING, SET_RULES, SetPricing, SetRules
from studyspot.domain.people import Actor
from studyspot.domain.quotes import ASK_PRICE, AskPrice
from studyspot.domain.refusals import Refusal
from studyspot.domain.rescheduling import RESCHEDULE_BOOKING, RescheduleBooking
from studyspot.domain.rules import BookingRules
from studyspot.event_store.store import EventStore
from tests.engines import PostgresServer

SMALL, LARGE = 100, 100_000
MOST = 150
"""Events: a seat has some dozens on its busiest day, a student some dozens in their weeks."""
ALL_QUOTAS = BookingRules(
    day_bookings=50, day_minutes=50_000, week_bookings=50, week_minutes=50_000, live_bookings=50
)


@dataclass(frozen=True, slots=True)
class Busy:
    """The seat, and the student, of whom the log holds the most."""

    library_id: str
    owner_id: str
    seat_id: str
    student: Actor
    now: datetime


@pytest.fixture(params=[SMALL, LARGE], ids=["100 events", "100 000 events"])
def database(
    request: pytest.FixtureRequest, postgres_server: PostgresServer
) -> Iterator[tuple[str, datetime]]:
    with postgres_server.migrated_database() as url:
        yield url, write_history(url, request.param).ended_at


def busiest(url: str, now: datetime) -> Busy:
    with psycopg.connect(url) as connection:
        (student,) = _one(
            connection,
            "SELECT split_part(tag, ':', 2) FROM store.event_tags"
            " WHERE tag LIKE 'student-week:%' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
        )
        (seat,) = _one(
            connection,
            "SELECT split_part(tag, ':', 2) FROM store.event_tags"
            " WHERE tag LIKE 'seat-day:%' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
        )
        (library,) = _one(
            connection,
            "SELECT convert_from(data, 'UTF8')::jsonb -> 'data' ->> 'libraryId'"
            " FROM store.events WHERE type = 'seat.added' AND %s = ANY(tags)",
            f"seat:{seat}",
        )
        (owner,) = _one(
            connection,
            "SELECT convert_from(data, 'UTF8')::jsonb -> 'data' ->> 'ownerId'"
            " FROM store.events WHERE type = 'library.created' AND %s = ANY(tags)",
            f"library:{library}",
        )
    return Busy(library, owner, seat, Actor(student, "student"), now)


def _one(connection: psycopg.Connection, statement: str, *parameters: Any) -> Any:
    found = connection.execute(statement.encode(), parameters or None).fetchone()
    assert found is not None
    return found


def commands_of(busy: Busy) -> dict[str, tuple[Decider[Any, Any], Any]]:
    """Each kind of command on the busiest seat, for the busiest student, tomorrow at this time."""
    start = busy.now + timedelta(days=1)
    end = start + timedelta(hours=2)
    owner, at = Actor(busy.owner_id, "library_owner"), busy.now
    hold_id, booking_id = new_id(at), new_id(at)
    place = PlaceHold(
        hold_id=hold_id,
        occupation=new_occupation(),
        library_id=busy.library_id,
        seat_id=busy.seat_id,
        start=start,
        end=end,
        actor=busy.student,
        at=at,
    )
    book = BookSeat(
        booking_id=booking_id,
        occupation=new_occupation(),
        library_id=busy.library_id,
        seat_id=busy.seat_id,
        user_id=None,
        start=start,
        end=end,
        plan_id=None,
        actor=busy.student,
        at=at,
    )
    later = RescheduleBooking(
        booking_id, None, start + timedelta(days=1), end + timedelta(days=1), None, busy.student, at
    )
    return {
        "price": (ASK_PRICE, AskPrice(busy.library_id, busy.seat_id, start, end, None, at)),
        "free of charge": (SET_PRICING, SetPricing(busy.library_id, (), owner)),
        "quotas": (SET_RULES, SetRules(busy.library_id, ALL_QUOTAS, owner)),
        "allowance": (ASK_ALLOWANCE, AskAllowance(busy.library_id, busy.student.user_id, start, at)),
        "hold": (PLACE_HOLD, place),
        "book from a hold": (BOOK_SEAT, replace(book, hold_id=hold_id)),
        "book what is taken": (BOOK_SEAT, replace(book, booking_id=new_id(at))),
        "reschedule": (RESCHEDULE_BOOKING, later),
        "check in": (CHECK_IN, CheckIn(booking_id, busy.student, at)),
        "cancel": (CANCEL_BOOKING, CancelBooking(booking_id, None, busy.student, at)),
        "release": (RELEASE_HOLD, ReleaseHold(hold_id, busy.student, at)),
    }


async def test_a_decision_reads_what_its_seat_student_and_library_have_however_long_the_log_is(
    database: tuple[str, datetime],
) -> None:
    url, now = database
    busy = busiest(url, now)
    with EventStore(url) as store:
        decisions = Decisions(store)
        for name, (decider, command) in commands_of(busy).items():
            before = events_read()
            with suppress(Refusal):
                await decisions.run(decider, command, circumstances(now), lambda _, __: {})
            read = events_read() - before
            assert 0 < read <= MOST, f"{name} read {read} events"


def events_read() -> float:
    """How many events the decisions of this process have read so far."""
    return REGISTRY.get_sample_value("studyspot_decision_events_sum") or 0.0


def circumstances(at: datetime) -> Circumstances:
    return Circumstances(actor="someone", at=at, command_id=new_id(at))
