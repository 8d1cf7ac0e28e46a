"""Rule 15: joining a waitlist, the place in line, and leaving it."""

from datetime import timedelta
from typing import Any

import pytest

from studyspot.domain.events import (
    AccountDisabled,
    BookingRevoked,
    Event,
    HoldReleased,
    LibraryDeleted,
    WaitlistAccepted,
    WaitlistJoined,
    WaitlistLeft,
    WaitlistOfferLapsed,
)
from studyspot.domain.people import Actor
from studyspot.domain.refusals import (
    AccountInactive,
    BeyondHorizon,
    BookingTooLong,
    BookingTooShort,
    EndNotAfterStart,
    LibraryClosed,
    LibraryRetired,
    LibraryUnknown,
    NotForOthers,
    NotRevoked,
    NotYetReleased,
    NotYourLibrary,
    Refusal,
    StartInThePast,
    StudentBusy,
    StudentHolding,
    StudentRequired,
    WaitingAlready,
    WaitlistEntryEnded,
    WaitlistEntryUnknown,
    WaitlistFull,
    WaitlistJoinedTooOften,
)
from studyspot.domain.waiting import Entry, evolve_entry, place_in_line
from studyspot.domain.waitlist import JOIN_WAITLIST, LEAVE_WAITLIST, LeaveWaitlist
from tests.domain.given import (
    ADMIN,
    ASHA,
    DAY,
    ELEVEN,
    HOUR,
    INSTANT,
    MINUTE,
    MIRA,
    NINE,
    NOON,
    NOW,
    OPEN,
    OTHER_OWNER,
    OWNER,
    RAVI,
    TEN,
    booked,
    closed,
    held,
    join,
    missed,
    offered,
    only,
    ruled,
    waits,
    when,
)


def leave(entry_id: str, by: Actor = ASHA, **changes: Any) -> LeaveWaitlist:
    return LeaveWaitlist(entry_id, by, **({"at": NOW} | changes))


def entries(*joined: WaitlistJoined) -> list[Entry]:
    return [entry for event in joined if (entry := evolve_entry(None, event)) is not None]


# Joining.


def test_a_student_joins_for_any_seat_or_for_what_it_must_have() -> None:
    wanted: dict[str, Any] = {"zone": "quiet", "attributes": {"window": True}}
    assert when(JOIN_WAITLIST, OPEN, join(ASHA)) == (waits(ASHA, entry_id="E1"),)
    assert when(JOIN_WAITLIST, OPEN, join(ASHA, **wanted)) == (waits(ASHA, entry_id="E1", **wanted),)


def test_a_library_joins_for_its_students_and_students_for_themselves() -> None:
    (joined,) = when(JOIN_WAITLIST, OPEN, join(OWNER, user_id="ravi"))
    assert isinstance(joined, WaitlistJoined)
    assert joined.user_id == "ravi"
    with pytest.raises(StudentRequired):
        when(JOIN_WAITLIST, OPEN, join(OWNER))
    with pytest.raises(NotForOthers):
        when(JOIN_WAITLIST, OPEN, join(ASHA, user_id="ravi"))
    for stranger in (OTHER_OWNER, ADMIN, Actor("staff", "staff")):
        with pytest.raises(NotYourLibrary):
            when(JOIN_WAITLIST, OPEN, join(stranger, user_id="ravi"))


@pytest.mark.parametrize(
    ("given", "changes", "refusal"),
    [
        ((), {}, LibraryUnknown),
        ((*OPEN, LibraryDeleted(library_id="L1")), {}, LibraryRetired),
        (OPEN, {"end": NINE}, EndNotAfterStart),
        (OPEN, {"start": NOW - 5 * MINUTE - INSTANT}, StartInThePast),
        (OPEN, {"end": NINE + 101 * DAY}, BookingTooLong),
        (OPEN, {"start": NOW + 366 * DAY, "end": NOW + 366 * DAY + HOUR}, BeyondHorizon),
        ((*OPEN, ruled(shortest_minutes=180)), {}, BookingTooShort),
        ((*OPEN, ruled(longest_minutes=60)), {}, BookingTooLong),
        ((*OPEN, ruled(advance_days=0)), {}, NotYetReleased),
        ((*OPEN, closed(TEN, NOON)), {}, LibraryClosed),
        ((*OPEN, booked(ASHA)), {}, StudentBusy),
        ((*OPEN, booked(ASHA, library_id="L2", seat_id="S9")), {}, StudentBusy),
        ((*OPEN, held(ASHA)), {}, StudentHolding),
        ((*OPEN, AccountDisabled(user_id="asha")), {}, AccountInactive),
    ],
)
def test_nobody_waits_for_what_they_could_not_book(
    given: tuple[Event, ...], changes: dict[str, Any], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        when(JOIN_WAITLIST, given, join(ASHA, **changes))


def test_a_quota_that_is_used_up_now_may_not_be_then() -> None:
    given = (*OPEN, ruled(day_bookings=1), booked(ASHA, start=NOON, end=NOON + HOUR))
    assert when(JOIN_WAITLIST, given, join(ASHA))


def test_what_the_clock_has_ended_keeps_nobody_from_waiting() -> None:
    booking = booked(ASHA, end=NOON)
    at = booking.check_in_until
    wanted: dict[str, Any] = {"start": TEN, "end": NOON}
    with pytest.raises(StudentBusy):
        when(JOIN_WAITLIST, (*OPEN, booking), join(ASHA, at=at - INSTANT, **wanted))
    assert when(JOIN_WAITLIST, (*OPEN, booking), join(ASHA, at=at, **wanted))
    assert when(JOIN_WAITLIST, (*OPEN, booking, missed(booking)), join(ASHA, at=at, **wanted))


def test_joining_again_changes_nothing_and_another_overlapping_wish_is_refused() -> None:
    asha = waits(ASHA)
    assert when(JOIN_WAITLIST, (*OPEN, asha), join(ASHA)) == ()
    assert when(JOIN_WAITLIST, (*OPEN, asha, *offered(asha)), join(ASHA)) == ()
    for other in ({"end": TEN}, {"zone": "quiet"}, {"attributes": {"window": True}}):
        with pytest.raises(WaitingAlready) as refused:
            when(JOIN_WAITLIST, (*OPEN, asha), join(ASHA, **other))
        assert refused.value.entry_id == "E-asha"
    assert when(JOIN_WAITLIST, (*OPEN, asha), join(ASHA, start=ELEVEN, end=NOON))
    assert when(JOIN_WAITLIST, (*OPEN, waits(ASHA, library_id="L2")), join(ASHA))


def test_who_waits_no_more_may_join_again() -> None:
    asha = waits(ASHA)
    left = WaitlistLeft(**asha.facts(), reason="asked")
    assert when(JOIN_WAITLIST, (*OPEN, asha, left), join(ASHA))
    late = NOW + 10 * MINUTE
    assert when(JOIN_WAITLIST, (*OPEN, asha, *offered(asha)), join(ASHA, at=late))


def test_two_hundred_wait_for_a_day_and_no_more() -> None:
    others: list[Event] = [waits(Actor(f"s{number}", "student")) for number in range(199)]
    assert when(JOIN_WAITLIST, (*OPEN, *others), join(ASHA))
    mira = waits(MIRA, start=NINE - HOUR, end=NINE)
    full = (*OPEN, *others, mira)
    with pytest.raises(WaitlistFull) as refused:
        when(JOIN_WAITLIST, full, join(ASHA))
    assert refused.value.limit == 200
    assert when(JOIN_WAITLIST, full, join(ASHA, start=NINE + DAY, end=ELEVEN + DAY))
    assert when(JOIN_WAITLIST, (*full, WaitlistLeft(**mira.facts(), reason="asked")), join(ASHA))


def test_a_student_joins_ten_times_for_a_day_and_no_more() -> None:
    before: list[Event] = []
    for number in range(10):
        assert when(JOIN_WAITLIST, (*OPEN, *before), join(ASHA))
        joined = waits(ASHA, entry_id=f"E{number}")
        before += [joined, WaitlistLeft(**joined.facts(), reason="asked")]
    with pytest.raises(WaitlistJoinedTooOften):
        when(JOIN_WAITLIST, (*OPEN, *before), join(ASHA))
    assert when(JOIN_WAITLIST, (*OPEN, *before), join(RAVI))


# Who lost a booking.


def test_who_lost_a_booking_waits_for_some_of_its_time_before_all_others() -> None:
    lost = booked(ASHA, end=NOON)
    given = (*OPEN, lost, BookingRevoked(**lost.facts(), reason="closure"))
    (joined,) = when(JOIN_WAITLIST, given, join(ASHA, revoked_booking_id="B0"))
    assert isinstance(joined, WaitlistJoined)
    assert joined.revoked_booking_id == "B0"


@pytest.mark.parametrize(
    "given",
    [
        (),
        (booked(ASHA, start=NOON, end=NOON + HOUR),),
        (booked(RAVI), BookingRevoked(**booked(RAVI).facts(), reason="closure")),
        (booked(ASHA, end=TEN), BookingRevoked(**booked(ASHA, end=TEN).facts(), reason="closure")),
        (
            booked(ASHA, library_id="L2"),
            BookingRevoked(**booked(ASHA, library_id="L2").facts(), reason="closure"),
        ),
    ],
)
def test_who_lost_no_such_booking_comes_before_nobody(given: tuple[Event, ...]) -> None:
    with pytest.raises(NotRevoked):
        when(JOIN_WAITLIST, (*OPEN, *given), join(ASHA, revoked_booking_id="B0"))


def test_what_was_lost_is_made_good_once() -> None:
    lost, again = booked(ASHA), waits(ASHA, revoked_booking_id="B0")
    accepted = WaitlistAccepted(**again.facts(), hold_id="H1", booking_id="B1")
    given = (*OPEN, lost, BookingRevoked(**lost.facts(), reason="closure"), again)
    lapsed = WaitlistOfferLapsed(**again.facts(), status="lapsed", hold_id="H1", seat_id="S1")
    assert when(JOIN_WAITLIST, (*given, lapsed), join(ASHA, revoked_booking_id="B0"))
    with pytest.raises(NotRevoked):
        when(JOIN_WAITLIST, (*given, accepted), join(ASHA, revoked_booking_id="B0"))


# The place in line.


def test_the_place_in_line_counts_whoever_may_be_offered_the_same_seat_before() -> None:
    line = entries(
        waits(ASHA, zone="quiet"),
        waits(RAVI, start=ELEVEN, end=NOON),
        waits(MIRA, attributes={"window": False}),
        waits(Actor("lost", "student"), revoked_booking_id="B0"),
        waits(Actor("late", "student"), attributes={"window": True}),
    )

    def place(name: str) -> int | None:
        return place_in_line(f"E-{name}", line, NOW)

    # Asha's quiet seat may have no window, as Mira's must; nobody else is before who lost a booking.
    assert place("lost") == 1
    assert place("asha") == 2
    assert place("ravi") == 1
    assert place("mira") == 3
    assert place("late") == 3
    assert place("nobody") is None
    assert place_in_line("E-late", line, NINE + 5 * MINUTE) is None


# Leaving.


@pytest.mark.parametrize("by", [ASHA, OWNER, Actor("asha", "library_owner")])
def test_the_student_or_the_library_leaves_the_line(by: Actor) -> None:
    assert when(LEAVE_WAITLIST, (*OPEN, waits(ASHA)), leave("E-asha", by)) == (
        WaitlistLeft(**waits(ASHA).facts(), reason="asked"),
    )


@pytest.mark.parametrize("by", [RAVI, OTHER_OWNER, ADMIN])
def test_a_place_in_line_exists_only_for_its_student_and_its_library(by: Actor) -> None:
    with pytest.raises(WaitlistEntryUnknown):
        when(LEAVE_WAITLIST, (*OPEN, waits(ASHA)), leave("E-asha", by))
    with pytest.raises(WaitlistEntryUnknown):
        when(LEAVE_WAITLIST, OPEN, leave("E-asha"))


def test_leaving_lets_go_of_what_is_offered() -> None:
    asha = waits(ASHA)
    events = when(LEAVE_WAITLIST, (*OPEN, asha, *offered(asha)), leave("E-asha"))
    assert only(HoldReleased, events).hold_id == "H-E-asha"
    assert only(WaitlistLeft, events).reason == "asked"


def test_nobody_leaves_a_line_in_which_they_stand_no_more() -> None:
    asha = waits(ASHA)
    for ended, ended_as in (
        (WaitlistLeft(**asha.facts(), reason="over"), "left"),
        (WaitlistOfferLapsed(**asha.facts(), status="lapsed", hold_id="H1", seat_id="S1"), "lapsed"),
        (WaitlistAccepted(**asha.facts(), hold_id="H1", booking_id="B1"), "accepted"),
    ):
        with pytest.raises(WaitlistEntryEnded) as refused:
            when(LEAVE_WAITLIST, (*OPEN, asha, ended), leave("E-asha"))
        assert refused.value.ended_as == ended_as


def test_what_the_clock_has_ended_cannot_be_left() -> None:
    asha = waits(ASHA)
    with pytest.raises(WaitlistEntryEnded):
        when(LEAVE_WAITLIST, (*OPEN, asha), leave("E-asha", at=NINE + timedelta(minutes=5)))
    assert when(LEAVE_WAITLIST, (*OPEN, asha), leave("E-asha", at=NINE + timedelta(minutes=5) - INSTANT))
    with pytest.raises(WaitlistEntryEnded):
        when(LEAVE_WAITLIST, (*OPEN, asha, *offered(asha)), leave("E-asha", at=NOW + 10 * MINUTE))
