"""Students are told what others did with their bookings, once, and never what they did themselves."""

from typing import Any

import pytest

from studyspot.domain.events import BookingCancelled, BookingCheckedIn, BookingRevoked, Event
from tests.policies.happenings import HOUR, NINE, became, booked, closed, missed, moved, opened, seat
from tests.policies.system import DAY_BEFORE, Log

BOOKING = {"bookingId": "B1", "seatId": "S1", "start": "2026-12-01T09:00:00Z", "end": "2026-12-01T10:00:00Z"}
MONEY = {"amountMinor": 5000, "currency": "INR"}
CHECK_IN = {"checkInFrom": "2026-12-01T08:45:00Z", "checkInUntil": "2026-12-01T09:30:00Z"}
AFTER_NOON = NINE + 3 * HOUR

TOLD: list[tuple[Event, str, dict[str, Any]]] = [
    (booked(), "booking-made-for-you", BOOKING | CHECK_IN | MONEY),
    (
        moved(booked(start=AFTER_NOON), NINE),
        "booking-moved",
        BOOKING
        | CHECK_IN
        | MONEY
        | {
            "previousSeatId": "S1",
            "previousStart": "2026-12-01T12:00:00Z",
            "previousEnd": "2026-12-01T13:00:00Z",
            "previousAmountMinor": 5000,
        },
    ),
    (
        became(BookingCancelled, booked(), late=True, kept_minor=2500),
        "booking-cancelled",
        BOOKING | MONEY | {"late": True, "keptMinor": 2500},
    ),
    (
        became(BookingRevoked, booked(), reason="closure", closure_id="C1"),
        "booking-revoked",
        BOOKING | MONEY | {"reason": "closure", "closureId": "C1"},
    ),
    (missed(booked()), "booking-no-show", BOOKING | MONEY | {"missedAt": "2026-12-01T09:30:00Z"}),
]


@pytest.mark.parametrize(("event", "kind", "parameters"), TOLD, ids=[kind for _, kind, _ in TOLD])
async def test_a_student_is_told_what_another_did(
    log: Log, event: Event, kind: str, parameters: dict[str, Any]
) -> None:
    position = log.append(event)
    await log.settle()
    await log.settle()
    (notice,) = log.notices()
    assert (notice.user_id, notice.library_id, notice.kind) == ("student", "L1", kind)
    assert notice.cause == f"{position}:{kind}"
    assert notice.parameters == parameters


@pytest.mark.parametrize("event", [event for event, kind, _ in TOLD if kind != "booking-no-show"], ids=type)
async def test_nobody_is_told_what_they_did_themselves(log: Log, event: Event) -> None:
    log.append(event, actor="student")
    await log.settle()
    assert log.notices() == []


async def test_a_no_show_is_told_also_where_the_students_own_next_booking_brought_it(log: Log) -> None:
    log.append(missed(booked()), actor="student")
    await log.settle()
    assert log.kinds() == {"booking-no-show": 1}


async def test_what_needs_no_words_is_not_told(log: Log) -> None:
    log.append(opened(), seat(), became(BookingCheckedIn, booked()))
    await log.settle()
    assert log.notices() == []


async def test_an_announcement_is_told_to_each_student_whom_it_concerns_but_its_author(log: Log) -> None:
    log.append(
        opened(),
        *(booked(f"B{number}", f"S{number}", user_id=f"u{number}") for number in range(3)),
        booked("B9", "S9", user_id="owner"),
        booked("later", "S1", start=NINE + 24 * HOUR, user_id="u4"),
        actor=None,
    )
    position = log.append(closed(revoke_at=NINE - HOUR))
    await log.settle()
    affected = [notice for notice in log.notices() if notice.kind == "booking-affected"]
    assert {(notice.user_id, notice.cause) for notice in affected} == {
        (f"u{number}", f"{position}:booking-affected:B{number}") for number in range(3)
    }
    (first,) = [notice for notice in affected if notice.user_id == "u0"]
    assert first.parameters == {
        "bookingId": "B0",
        "seatId": "S0",
        "start": "2026-12-01T09:00:00Z",
        "end": "2026-12-01T10:00:00Z",
        "reason": "closure",
        "closureId": "C1",
        "revokeAt": "2026-12-01T08:00:00Z",
    }


async def test_who_is_revoked_at_once_is_told_only_that(log: Log) -> None:
    log.append(opened(), seat(), booked(), actor="student")
    log.append(closed(revoke_at=DAY_BEFORE))
    await log.settle()
    assert log.kinds() == {"booking-revoked": 1}
