"""What a closure, or a seat that cannot be used, makes of the holds and bookings that it hits."""

import pytest

from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingRevoked,
    ClosureAnnounced,
    HoldReleased,
    SeatAvailabilityChanged,
    SeatRemoved,
)
from tests.policies.happenings import (
    HOUR,
    NINE,
    became,
    booked,
    closed,
    held,
    moved,
    opened,
    seat,
    service,
    withdrawn,
)
from tests.policies.system import DAY_BEFORE, Log

EIGHT = NINE - HOUR
MANY = 1000


def revoked(log: Log) -> list[tuple[str, str]]:
    """Which bookings policies have revoked, and why."""
    events = log.of_policies()
    assert all(isinstance(event, BookingRevoked) for event in events)
    return [(event.booking_id, event.reason) for event in events if isinstance(event, BookingRevoked)]


async def test_what_a_closure_hits_is_revoked_when_the_time_to_move_it_is_over(log: Log) -> None:
    log.append(opened(), seat(), booked(), booked("B2", start=NINE + 24 * HOUR), actor="student")
    log.append(closed(revoke_at=EIGHT))
    await log.settle()
    assert revoked(log) == []
    await log.settle(EIGHT)
    assert revoked(log) == [("B1", "closure")]
    assert log.kinds() == {"booking-affected": 1, "booking-revoked": 1}


async def test_who_was_to_be_revoked_while_nothing_ran_has_not_missed_the_booking(log: Log) -> None:
    log.append(opened(), seat(), booked(), actor="student")
    log.append(closed(revoke_at=EIGHT))
    await log.settle(NINE + 24 * HOUR)
    assert revoked(log) == [("B1", "closure")]
    assert log.kinds()["booking-no-show"] == 0


@pytest.mark.parametrize(
    ("hit", "reason"),
    [
        (closed(revoke_at=NINE + 24 * HOUR), "closure"),
        (service(False, NINE + 24 * HOUR), "seat-out-of-service"),
    ],
)
async def test_nobody_misses_a_booking_for_what_hits_it_however_late_it_would_be_revoked(
    log: Log, hit: ClosureAnnounced | SeatAvailabilityChanged, reason: str
) -> None:
    log.append(opened(), seat(), booked(), actor="student")
    log.append(hit)
    await log.settle(NINE - HOUR / 60)
    assert revoked(log) == []
    await log.settle(NINE)
    assert revoked(log) == [("B1", reason)]
    assert log.kinds() == {"booking-affected": 1, "booking-revoked": 1}


async def test_who_sits_there_already_has_until_the_time_to_move_is_over(log: Log) -> None:
    log.append(opened(), seat(), booked(), became(BookingCheckedIn, booked()), actor="student")
    log.clock.at = NINE
    log.append(service(False, revoke_at=NINE + HOUR / 2))
    await log.settle()
    assert revoked(log) == []
    await log.settle(NINE + HOUR / 2)
    assert revoked(log) == [("B1", "seat-out-of-service")]


async def test_a_student_who_sits_there_is_revoked_as_well(log: Log) -> None:
    log.append(opened(), seat(), booked(), became(BookingCheckedIn, booked()), actor="student")
    log.clock.at = NINE
    log.append(closed(revoke_at=NINE))
    await log.settle()
    assert revoked(log) == [("B1", "closure")]


async def test_a_closure_without_a_time_for_it_revokes_nothing(log: Log) -> None:
    log.append(opened(), seat(), booked(), actor="student")
    log.append(closed())
    await log.settle(EIGHT)
    assert revoked(log) == []
    assert log.notices() == []


async def test_a_withdrawn_closure_revokes_nothing_and_is_not_told_late(log: Log) -> None:
    log.append(opened(), seat(), booked(), actor="student")
    log.append(closed(revoke_at=EIGHT), withdrawn())
    await log.settle(EIGHT)
    assert revoked(log) == []
    assert log.notices() == []


async def test_a_closure_announced_again_is_in_force_again(log: Log) -> None:
    log.append(opened(), seat(), booked(), actor="student")
    log.append(closed(revoke_at=EIGHT), withdrawn(), closed(revoke_at=EIGHT))
    await log.settle(EIGHT)
    assert revoked(log) == [("B1", "closure")]
    assert log.kinds() == {"booking-affected": 1, "booking-revoked": 1}


async def test_a_closure_of_another_library_with_the_same_name_stays(log: Log) -> None:
    log.append(opened(), seat(), booked(), actor="student")
    other = type(withdrawn())(library_id="L2", closure_id="C1")
    log.append(closed(revoke_at=EIGHT), other)
    await log.settle(EIGHT)
    assert revoked(log) == [("B1", "closure")]


async def test_who_was_moved_away_in_time_keeps_the_booking(log: Log) -> None:
    log.append(opened(), seat(), booked(), actor="student")
    log.append(closed(revoke_at=EIGHT))
    await log.settle()
    log.append(moved(booked(), NINE + 24 * HOUR), actor="student")
    await log.settle(EIGHT)
    assert revoked(log) == []


async def test_who_cancelled_before_being_told_is_not_told(log: Log) -> None:
    log.append(opened(), seat(), booked(), actor="student")
    log.append(closed(revoke_at=EIGHT))
    log.append(became(BookingCancelled, booked(), late=False), actor="student")
    await log.settle(EIGHT)
    assert log.notices() == []


async def test_bookings_of_a_seat_out_of_service_are_revoked_at_its_time(log: Log) -> None:
    log.append(opened(), seat(), seat("S2"), booked(), booked("B2", "S2", user_id="other"), actor="student")
    log.append(service(False, revoke_at=EIGHT))
    await log.settle()
    assert revoked(log) == []
    await log.settle(EIGHT)
    assert revoked(log) == [("B1", "seat-out-of-service")]


async def test_a_seat_that_is_back_in_service_keeps_its_bookings(log: Log) -> None:
    log.append(opened(), seat(), booked(), actor="student")
    log.append(service(False, revoke_at=EIGHT))
    await log.settle()
    log.append(service(True))
    await log.settle(EIGHT)
    assert revoked(log) == []


async def test_bookings_of_a_removed_seat_are_revoked_at_once(log: Log) -> None:
    log.append(opened(), seat(), booked(), actor="student")
    log.append(
        service(False, revoke_at=EIGHT), SeatRemoved(library_id="L1", seat_id="S1", revoke_at=DAY_BEFORE)
    )
    await log.settle()
    assert revoked(log) == [("B1", "seat-out-of-service")]


@pytest.mark.parametrize("hit", [closed(revoke_at=DAY_BEFORE), service(False)], ids=type)
async def test_holds_are_released_at_once(log: Log, hit: object) -> None:
    log.append(opened(), seat(), held(), actor="student")
    log.append(hit)  # type: ignore[arg-type]
    await log.settle()
    assert [type(event) for event in log.of_policies()] == [HoldReleased]


async def test_a_thousand_bookings_are_revoked_each_once_and_each_student_told_once(log: Log) -> None:
    log.append(opened())
    for some in range(0, MANY, 500):
        log.append_by(
            (booked(f"B{number}", f"S{number}", user_id=f"u{number}"), f"u{number}")
            for number in range(some, some + 500)
        )
    await log.settle()
    log.append(closed(revoke_at=DAY_BEFORE))
    await log.settle(limit=100)
    assert sorted(booking_id for booking_id, _ in revoked(log)) == sorted(f"B{n}" for n in range(MANY))
    assert sorted(notice.user_id for notice in log.notices()) == sorted(f"u{n}" for n in range(MANY))
