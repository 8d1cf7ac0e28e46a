"""Policies that are killed, run twice, begin anew or lose the database do everything once."""

import asyncio
import random
from collections import Counter
from functools import partial

import pytest
import structlog

from studyspot.domain.events import (
    BookingCheckedIn,
    BookingCompleted,
    BookingNoShow,
    BookingRevoked,
    HoldLapsed,
)
from studyspot.event_store.store import EventStore
from tests.engines import PostgresServer
from tests.policies.happenings import HOUR, NINE, became, booked, closed, held, opened
from tests.policies.system import DAY_BEFORE, Log, a_log, child, until

EACH = 25
"""Of holds that lapse, bookings that are missed, completed, and hit by a closure."""

CONNECTED = """
SELECT count(*)::int FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'studyspot policies'
"""
NOON = NINE + 3 * HOUR
DUE = NINE + 2 * HOUR


def a_day(log: Log) -> None:
    """Append what asks for `EACH` of everything by `DUE`."""
    log.append(opened())
    for kind in ("missed", "completed", "revoked"):
        start = NOON if kind == "revoked" else NINE
        log.append_by(
            (booked(f"{kind}-{number}", f"S-{kind}-{number}", start, f"u-{kind}-{number}"), "owner")
            for number in range(EACH)
        )
    for number in range(EACH):
        completed = booked(f"completed-{number}", f"S-completed-{number}", NINE, f"u-completed-{number}")
        log.append(became(BookingCheckedIn, completed))
    log.append(*(held(f"H-{number}", NINE, f"S-held-{number}") for number in range(EACH)))
    log.append(closed(NOON, NOON + 8 * HOUR, revoke_at=NINE))


def all_done_once(log: Log) -> None:
    """Fail unless everything that `a_day` asks for has happened once.

    Of two processes that come late, one may revoke a booking before the other has said that it is affected:
    then its student is told of the revocation alone.
    """
    done = log.of_policies()
    assert Counter(type(event) for event in done) == dict.fromkeys(
        (HoldLapsed, BookingNoShow, BookingCompleted, BookingRevoked), EACH
    )
    assert len({getattr(event, "booking_id", None) or getattr(event, "hold_id", None) for event in done}) == (
        len(done)
    )
    kinds = log.kinds()
    assert kinds.pop("booking-affected", 0) <= EACH
    assert kinds == {
        "booking-made-for-you": 3 * EACH,
        "booking-revoked": EACH,
        "booking-no-show": EACH,
    }
    causes = [notice.cause for notice in log.notices()]
    assert len(causes) == len(set(causes))
    assert log.rows("SELECT key FROM policies.tasks") == []
    assert log.rows("SELECT subject FROM policies.occupations") == []


def has_grown(log: Log, before: int, events: int) -> bool:
    return log.store.head().position >= before + events


@pytest.mark.parametrize("seed", [1, 2])
async def test_killed_again_and_again_they_do_everything_once(log: Log, seed: int) -> None:
    chance = random.Random(seed)
    a_day(log)
    log.clock.at = DAY_BEFORE
    for at in (DAY_BEFORE, DUE, DUE):
        log.clock.at = at
        before = log.store.head().position
        async with child(log):
            await until(partial(has_grown, log, before, chance.randrange(1, EACH)))
            await asyncio.sleep(chance.random() / 50)
    await log.settle(DUE)
    all_done_once(log)


async def test_two_processes_do_everything_once(log: Log) -> None:
    async with log.policies(processes=2):
        a_day(log)
        await until(log.is_settled)
        log.clock.at = DUE
        await until(log.is_settled)
    all_done_once(log)


async def test_when_one_of_two_dies_the_other_does_what_it_had_taken(log: Log) -> None:
    log.clock.at = DUE
    async with log.policies():
        async with child(log):
            await until(lambda: log.rows(CONNECTED) == [(2,)])
            log.clock.at = DAY_BEFORE
            a_day(log)
            log.clock.at = DUE
            begun = log.store.head().position
            await until(lambda: log.store.head().position > begun + EACH)
        await until(log.is_settled)
    all_done_once(log)


async def test_tables_that_are_lost_are_made_again_and_nothing_is_told_twice(log: Log) -> None:
    a_day(log)
    await log.settle(DAY_BEFORE)
    kept = log.rows("SELECT key, due_at FROM policies.tasks ORDER BY key")
    assert kept
    for table in ("tasks", "occupations"):
        log.execute(f"DELETE FROM policies.{table}")
    log.execute("UPDATE policies.progress SET position = 0, epoch = NULL")
    told = log.kinds()
    await log.settle()
    assert log.rows("SELECT key, due_at FROM policies.tasks ORDER BY key") == kept
    assert log.kinds() == told
    await log.settle(DUE)
    all_done_once(log)


async def test_another_epoch_is_followed_from_its_beginning(log: Log) -> None:
    log.append(opened(), booked("B1"), actor="student")
    await log.settle(DAY_BEFORE)
    log.execute("UPDATE policies.occupations SET subject = 'booking:of-a-lost-history'")
    async with log.policies():
        log.store.new_epoch()
        await until(lambda: log.rows("SELECT subject FROM policies.occupations") == [("booking:B1",)])
    assert log.rows("SELECT epoch FROM policies.progress") == [(log.store.head().epoch,)]


async def test_a_log_that_was_set_back_is_followed_from_its_beginning(log: Log) -> None:
    log.append(opened(), booked("B1"), actor="student")
    await log.settle(DAY_BEFORE)
    log.execute("UPDATE policies.progress SET position = 99")
    with structlog.testing.capture_logs() as lines:
        await log.settle(NINE + HOUR)
    assert [type(event) for event in log.of_policies()] == [BookingNoShow]
    assert "policies begin anew" in [line["event"] for line in lines]


async def test_they_wait_for_a_database_that_is_away(postgres_server: PostgresServer) -> None:
    with postgres_server.migrated_database() as url, a_log(url) as log:
        a_day(log)
        log.clock.at = DUE
        begun = log.store.head().position
        async with log.policies() as process:
            await until(lambda: log.store.head().position > begun + EACH)
            postgres_server.kill()
            await until(lambda: not process.readiness().ready)
            postgres_server.restart()
            await until(lambda: process.readiness().ready)
            with EventStore(url) as store:
                again = Log(url, store, log.clock)
                await until(again.is_settled)
                all_done_once(again)


async def test_a_halted_log_is_waited_for(log: Log) -> None:
    log.append(opened(), booked("B1"), actor="student")
    log.store.halt("restored")
    log.clock.at = NINE + HOUR
    async with log.policies() as process:
        await until(lambda: process.readiness().degraded == {"halted": "restored"})
        log.store.new_epoch()
        await until(log.is_settled)
        await until(lambda: process.readiness().degraded == {})
    assert [type(event) for event in log.of_policies()] == [BookingNoShow]
