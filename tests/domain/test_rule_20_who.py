"""Rules 18 and 20: a command's own moment and its actor decide, and strangers learn nothing."""

from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.events import BookingCreated, HoldPlaced
from studyspot.domain.holds import PLACE_HOLD
from studyspot.domain.people import Actor
from studyspot.domain.refusals import (
    EndNotAfterStart,
    LibraryUnknown,
    NotForOthers,
    NotYourLibrary,
    StudentRequired,
)
from tests.domain.given import (
    ADMIN,
    ASHA,
    DAY,
    LIBRARY,
    NINE,
    NOW,
    OPEN,
    OTHER_OWNER,
    OWNER,
    RAVI,
    SEAT,
    book,
    booked,
    held,
    hold,
    only,
    ruled,
    when,
)

STAFF = Actor("somebody", "staff")
DECIDERS: list[tuple[Any, Any]] = [(BOOK_SEAT, book), (PLACE_HOLD, hold)]


@pytest.mark.parametrize(("decider", "command"), DECIDERS)
def test_students_act_for_themselves_and_a_library_for_the_student_it_names(
    decider: Any, command: Any
) -> None:
    for by, named, user_id in (
        (ASHA, None, "asha"),
        (ASHA, "asha", "asha"),
        (OWNER, "asha", "asha"),
        (OWNER, "owner", "owner"),
    ):
        (taken,) = when(decider, OPEN, command(by, user_id=named))
        assert isinstance(taken, BookingCreated | HoldPlaced)
        assert taken.user_id == user_id
    with pytest.raises(NotForOthers):
        when(decider, OPEN, command(ASHA, user_id="ravi"))
    with pytest.raises(StudentRequired):
        when(decider, OPEN, command(OWNER))


@pytest.mark.parametrize(("decider", "command"), DECIDERS)
@pytest.mark.parametrize("stranger", [OTHER_OWNER, ADMIN, STAFF, Actor("owner", "admin")])
def test_whoever_does_not_run_the_library_is_told_so_before_anything_else(
    decider: Any, command: Any, stranger: Actor
) -> None:
    wish = command(stranger, user_id="asha")
    for known in (
        (),
        (booked(RAVI),),
        (booked(ASHA),),
        (held(ASHA),),
        (held(RAVI),),
        (ruled(advance_days=0, day_bookings=0),),
    ):
        with pytest.raises(NotYourLibrary):
            when(decider, (*OPEN, *known), wish)
        with pytest.raises(NotYourLibrary):
            when(decider, (LIBRARY, *known), replace(wish, seat_id="S9"))
    with pytest.raises(LibraryUnknown):
        when(decider, (SEAT,), wish)


@pytest.mark.parametrize(("decider", "command"), DECIDERS)
def test_the_moment_of_the_command_decides_and_no_other_clock(decider: Any, command: Any) -> None:
    for years in (-20, 0, 20):
        at = NOW + 365 * years * DAY
        wish = command(at=at, start=at + DAY, end=at + DAY + (NINE - NOW) / 24)
        assert when(decider, OPEN, wish) == when(decider, OPEN, replace(wish))


def test_an_instant_is_the_same_in_whatever_offset_it_is_written() -> None:
    tokyo = timezone(timedelta(hours=9))
    plain = only(BookingCreated, when(BOOK_SEAT, OPEN, book()))
    wish = book()
    other = only(
        BookingCreated,
        when(
            BOOK_SEAT,
            OPEN,
            replace(
                wish,
                start=wish.start.astimezone(tokyo),
                end=wish.end.astimezone(tokyo),
                at=wish.at.astimezone(tokyo),
            ),
        ),
    )
    for known in fields(BookingCreated):
        assert getattr(plain, known.name) == getattr(other, known.name)


@pytest.mark.parametrize(("decider", "command"), DECIDERS)
def test_a_time_that_nobody_may_take_is_refused_without_reading_anything(decider: Any, command: Any) -> None:
    for wish in (
        command(end=NINE),
        command(end=NINE + 101 * DAY),
        command(start=NOW + 400 * DAY, end=NOW + 401 * DAY),
        command(start=datetime.min.replace(tzinfo=NOW.tzinfo)),
    ):
        assert decider.boundary(wish, decider.initial()) == ()
    with pytest.raises(EndNotAfterStart):
        when(decider, OPEN, command(end=NINE))
