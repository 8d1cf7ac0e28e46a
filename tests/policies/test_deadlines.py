"""Each deadline is carried out once, at its time, whoever comes first."""

from datetime import timedelta

import pytest

from studyspot.domain.events import (
    BookingCancelled,
    BookingCheckedIn,
    BookingCheckedOut,
    BookingCompleted,
    BookingNoShow,
    HoldLapsed,
    HoldReleased,
)
from studyspot.policies.app import real_time
from tests.policies.happenings import BUFFER, HOUR, NINE, became, booked, held, missed, moved, opened, seat
from tests.policies.system import Log, until

CHECK_IN_UNTIL = NINE + HOUR / 2
MOMENT = timedelta(microseconds=1)


def types(log: Log) -> list[type]:
    return [type(event) for event in log.of_policies()]


async def test_a_hold_lapses_at_its_time_and_not_before(log: Log) -> None:
    log.append(opened(), seat(), held(until=NINE - HOUR))
    await log.settle(NINE - HOUR - MOMENT)
    assert types(log) == []
    await log.settle(NINE - HOUR)
    assert types(log) == [HoldLapsed]
    await log.settle(NINE)
    assert types(log) == [HoldLapsed]


@pytest.mark.parametrize("kind", [HoldReleased, HoldLapsed])
async def test_a_hold_that_is_over_does_not_lapse(log: Log, kind: type) -> None:
    log.append(held(), became(kind, held()))
    await log.settle(NINE)
    assert types(log) == []
    assert log.rows("SELECT key FROM policies.tasks") == []


async def test_a_hold_that_became_a_booking_does_not_lapse(log: Log) -> None:
    log.append(held(), booked(hold_id="H1"))
    await log.settle(NINE)
    assert types(log) == []


async def test_who_does_not_come_is_a_no_show_when_check_in_closes(log: Log) -> None:
    log.append(opened(), seat(), booked())
    await log.settle(CHECK_IN_UNTIL - MOMENT)
    assert types(log) == []
    await log.settle(CHECK_IN_UNTIL)
    assert types(log) == [BookingNoShow]


async def test_who_came_is_none_and_their_booking_completes_when_the_seat_is_free_again(log: Log) -> None:
    log.append(opened(), seat(), booked(), became(BookingCheckedIn, booked()))
    await log.settle(NINE + HOUR + BUFFER - MOMENT)
    assert types(log) == []
    await log.settle(NINE + HOUR + BUFFER)
    assert types(log) == [BookingCompleted]


async def test_the_deadline_of_a_booking_that_was_moved_is_its_new_one(log: Log) -> None:
    log.append(opened(), seat(), booked())
    await log.settle()
    log.append(moved(booked(), NINE + 3 * HOUR))
    await log.settle(CHECK_IN_UNTIL + HOUR)
    assert types(log) == []
    await log.settle(CHECK_IN_UNTIL + 3 * HOUR)
    assert types(log) == [BookingNoShow]


@pytest.mark.parametrize(
    "ending", [became(BookingCancelled, booked(), late=False), became(BookingCheckedOut, booked())]
)
async def test_nothing_more_becomes_of_a_booking_that_is_over(log: Log, ending: BookingCancelled) -> None:
    log.append(booked(), ending)
    await log.settle(NINE + 24 * HOUR)
    assert types(log) == []
    assert log.rows("SELECT subject FROM policies.occupations") == []


async def test_a_no_show_that_a_rival_noted_is_not_noted_again(log: Log) -> None:
    log.append(opened(), seat(), booked())
    await log.settle()
    log.append(missed(booked()), actor="rival")
    await log.settle(NINE + HOUR)
    assert types(log) == []


async def test_deadlines_missed_while_nothing_ran_are_carried_out_late(log: Log) -> None:
    log.append(opened(), seat(), held("H1"), booked("B1", "S2"), booked("B2", "S3", user_id="other"))
    log.append(became(BookingCheckedIn, booked("B2", "S3", user_id="other")))
    await log.settle(NINE + 1000 * HOUR)
    assert sorted(types(log), key=repr) == sorted((HoldLapsed, BookingNoShow, BookingCompleted), key=repr)


async def test_a_deadline_is_kept_at_once_by_the_real_clock(log: Log) -> None:
    late = []
    async with log.policies(now=real_time) as process:
        await until(lambda: process.readiness().ready)
        for number in range(3):
            lapses = real_time() + timedelta(milliseconds=200)
            after = log.append(held(f"H{number}", until=lapses))
            await until(lambda after=after: log.of_policies(after))  # type: ignore[misc]
            *_, last = log.recorded(after)
            late.append(last.metadata.time - lapses)
    # Sooner than somebody looks who is not called; once, as the machine may be busy.
    assert timedelta() <= min(late) < timedelta(milliseconds=500)
