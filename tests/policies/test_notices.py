"""Students are told what others did with their bookings, once, and never what they did themselves."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingRevoked,
    Event,
    StaffInvited,
    StaffRemoved,
    WaitlistLeft,
    WaitlistOfferLapsed,
)
from studyspot.domain.reminders import REMINDED_BEFORE
from studyspot.policies.commanding import NEWS_FOR
from tests.policies.happenings import HOUR, NINE, became, booked, closed, missed, moved, opened, seat, waits
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


WAITED = {"entryId": "W1", "start": "2026-12-01T09:00:00Z", "end": "2026-12-01T10:00:00Z"}
LINE: list[tuple[Event, str, str, dict[str, Any]]] = [
    (
        WaitlistOfferLapsed(**waits().facts(), status="lapsed", hold_id="H1", seat_id="S1"),
        "u-W1",
        "waitlist-offer-lapsed",
        WAITED | {"seatId": "S1", "status": "lapsed"},
    ),
    (WaitlistLeft(**waits().facts(), reason="over"), "u-W1", "waitlist-left", WAITED | {"reason": "over"}),
    (
        StaffInvited(library_id="L1", invitation_id="I1", user_id="ravi", until=NINE),
        "ravi",
        "staff-invited",
        {"invitationId": "I1", "until": "2026-12-01T09:00:00Z"},
    ),
    (StaffRemoved(library_id="L1", user_id="ravi"), "ravi", "staff-removed", {}),
]


@pytest.mark.parametrize(("event", "user_id", "kind", "parameters"), LINE, ids=[row[2] for row in LINE])
async def test_who_waits_or_works_there_is_told_what_others_did_and_not_what_they_did(
    log: Log, event: Event, user_id: str, kind: str, parameters: dict[str, Any]
) -> None:
    log.append(event, actor=user_id)
    position = log.append(event, actor="owner")
    await log.settle()
    (notice,) = log.notices()
    assert (notice.user_id, notice.library_id, notice.kind) == (user_id, "L1", kind)
    assert (notice.cause, notice.parameters) == (f"{position}:{kind}", parameters)


async def test_who_is_known_by_an_address_alone_is_told_nothing(log: Log) -> None:
    log.append(StaffInvited(library_id="L1", invitation_id="I1", user_id=None, until=NINE))
    await log.settle()
    assert log.notices() == []


SOON = NINE + HOUR / 2 - REMINDED_BEFORE


async def test_who_has_not_come_is_reminded_once_before_check_in_closes(log: Log) -> None:
    position = log.append(booked(), actor="student")
    await log.settle(SOON - timedelta(microseconds=1))
    assert log.notices() == []
    await log.settle(SOON)
    await log.settle(SOON)
    (notice,) = log.notices()
    assert (notice.user_id, notice.kind, notice.cause) == (
        "student",
        "check-in-closing",
        f"{position}:check-in-closing",
    )
    assert notice.parameters == BOOKING | {"checkInUntil": "2026-12-01T09:30:00Z"}


@pytest.mark.parametrize(
    "since",
    [
        (became(BookingCheckedIn, booked()),),
        (became(BookingCancelled, booked(), late=True),),
        (moved(booked(), AFTER_NOON),),
    ],
    ids=["came", "cancelled", "moved"],
)
async def test_who_came_a_moment_before_is_not_reminded(log: Log, since: tuple[Event, ...]) -> None:
    log.append(booked(), actor="student")
    await log.settle()
    log.clock.at = SOON
    log.append(*since, actor="student")
    await log.settle(SOON)
    assert log.notices() == []


@pytest.mark.parametrize(("booked_at", "reminders"), [(SOON - HOUR, 1), (SOON, 0)])
async def test_late_policies_remind_whoever_booked_before_the_time_of_reminding(
    log: Log, booked_at: datetime, reminders: int
) -> None:
    log.clock.at = booked_at
    log.append(booked(), actor="student")
    await log.settle(SOON + REMINDED_BEFORE / 2)
    assert len(log.notices()) == reminders


async def test_a_booking_that_is_moved_is_reminded_of_at_its_new_time(log: Log) -> None:
    log.append(booked(), actor="student")
    await log.settle()
    position = log.append(moved(booked(), AFTER_NOON), actor="student")
    await log.settle(SOON + 3 * HOUR)
    (notice,) = log.notices()
    assert notice.cause == f"{position}:check-in-closing"
    assert notice.parameters["checkInUntil"] == "2026-12-01T12:30:00Z"


async def test_what_is_muted_is_not_told_and_all_else_is(log: Log) -> None:
    kinds = ["booking-made-for-you", "check-in-closing"]
    log.execute("INSERT INTO accounts.muted (user_id, kinds) VALUES (%s, %s)", "student", kinds)
    log.append(opened(), seat(), booked(), booked("B2", "S2", user_id="other"))
    await log.settle(SOON)
    log.append(became(BookingRevoked, booked(), reason="library"))
    await log.settle()
    assert {(notice.user_id, notice.kind) for notice in log.notices()} == {
        ("other", "booking-made-for-you"),
        ("other", "check-in-closing"),
        ("student", "booking-revoked"),
    }


async def test_what_may_be_muted_is_no_news_after_a_week(log: Log) -> None:
    log.append(booked(start=NINE + 30 * 24 * HOUR))
    await log.settle(DAY_BEFORE + NEWS_FOR + timedelta(microseconds=1))
    assert log.notices() == []
