"""What cannot be done, or cannot be read, is set aside and told; all else is done."""

import json
from typing import Any
from uuid import uuid4

from prometheus_client import REGISTRY

from studyspot.catalogue.codec import facts_of
from studyspot.domain.events import BookingNoShow
from studyspot.domain.reminders import REMINDED_BEFORE
from studyspot.event_store.types import NewEvent
from studyspot.policies.status import SetAside, status
from tests.policies.happenings import HOUR, NINE, booked, opened, seat
from tests.policies.system import Log, until

DUE = NINE + HOUR


def append_raw(log: Log, event_type: str, data: dict[str, Any], *tags: str, version: int = 1) -> int:
    """Append an event as it might come from another release, or from a broken one."""
    stored = {
        "v": version,
        "time": log.clock.at.isoformat(),
        "commandid": str(uuid4()),
        "actor": "student",
        "traceparent": None,
        "data": data,
    }
    return log.store.append([NewEvent(event_type, json.dumps(stored).encode(), tags)]).position


AT_EASE = {"lag_events": 0, "overdue_seconds": 0}


def told() -> dict[str, float | None]:
    """What is told Prometheus of how policies are."""
    names = ("tasks_set_aside", "unread_events", *AT_EASE)
    return {name: REGISTRY.get_sample_value(f"studyspot_policies_{name}") for name in names}


def missed(log: Log) -> list[str]:
    return [event.booking_id for event in log.of_policies() if isinstance(event, BookingNoShow)]


async def test_a_task_that_can_never_be_done_is_set_aside_and_others_are_done(log: Log) -> None:
    log.append(opened(), seat(), booked("B1"), booked("B2", "S2", user_id="u2"), actor=None)
    broken = append_raw(log, "booking.checked-in", {"bookingId": "B1"}, "booking:B1")
    log.clock.at = DUE
    async with log.policies() as process:
        await until(lambda: missed(log) == ["B2"] and log.is_settled())
        # It is measured now and then.
        await until(lambda: process.readiness().degraded == {"setAside": 2, "unreadEvents": 1})
        await until(lambda: told() == {"tasks_set_aside": 2, "unread_events": 1} | AT_EASE)
        readiness = process.readiness()
    assert readiness.ready
    done = {"kind": "miss-booking", "outcome": "done"}
    assert REGISTRY.get_sample_value("studyspot_policies_tasks_total", done)
    found = status(log.database_url, DUE)
    assert found.unread_positions == (broken,)
    reminder, task = found.set_aside
    assert reminder.key == "remind:booking:B1"
    assert (task.key, task.position, task.due_at) == ("miss-booking:booking:B1", 3, NINE + HOUR / 2)
    assert isinstance(task, SetAside)
    assert "libraryId: Field required" in task.reason
    assert "B1" not in task.reason


async def test_what_was_set_aside_is_done_by_a_release_that_can(log: Log) -> None:
    log.append(opened(), seat(), booked("B1"), actor=None)
    append_raw(log, "booking.checked-in", {"bookingId": "B1"}, "booking:B1")
    await log.settle(DUE)
    assert missed(log) == []
    # The release can read the event now; here the event is mended instead.
    whole = log.rows("SELECT data FROM store.events WHERE type = 'booking.created'")[0][0]
    kept = ("bookingId", "occupation", "libraryId", "seatId", "userId", "start", "end", "occupiedUntil")
    facts = json.loads(whole)["data"]
    mended = {name: facts[name] for name in (*kept, "amountMinor", "currency")} | {"status": "checked-in"}
    stored = json.loads(whole) | {"data": mended}
    log.execute(
        "UPDATE store.events SET data = %s WHERE type = 'booking.checked-in'", json.dumps(stored).encode()
    )
    await log.settle(DUE)
    assert status(log.database_url, DUE).unread_positions == ()
    assert status(log.database_url, DUE).set_aside == ()
    assert log.rows("SELECT kind FROM policies.tasks") == [("complete-booking",)]
    assert missed(log) == []


async def test_an_event_that_no_table_takes_is_left_out_alone(log: Log) -> None:
    log.append(opened(), seat(), booked("B1"), actor=None)
    nul = facts_of(booked("B2", "S2")) | {"userId": "no\0body"}
    refused = append_raw(log, "booking.created", nul, "booking:B2")
    log.append(booked("B3", "S3", user_id="u3"), actor=None)
    await log.settle(DUE)
    assert sorted(missed(log)) == ["B1", "B3"]
    assert status(log.database_url, DUE).unread_positions == (refused,)


async def test_an_event_of_a_newer_release_is_waited_for_while_what_is_known_is_done(log: Log) -> None:
    log.append(opened(), seat(), booked("B1"), actor=None)
    append_raw(log, "booking.cancelled", {"bookingId": "B9"}, "booking:B9", version=99)
    log.append(booked("B2", "S2", user_id="u2"), actor=None)
    log.clock.at = DUE
    async with log.policies() as process:
        await until(lambda: missed(log) == ["B1"])
        await until(lambda: "version 99" in str(process.readiness().details["policies"]))
        assert not process.readiness().ready
    assert process.position == 3


async def test_tables_of_an_older_release_are_made_again(log: Log) -> None:
    log.append(opened(), seat(), booked("B1"), actor="student")
    await log.settle()
    log.execute("DELETE FROM policies.tasks")
    log.execute("UPDATE policies.progress SET version = 0")
    await log.settle(DUE)
    assert missed(log) == ["B1"]


async def test_tables_of_a_newer_release_are_left_to_it(log: Log) -> None:
    log.append(opened(), seat(), booked("B1"), actor="student")
    await log.settle()
    log.execute("UPDATE policies.progress SET version = 99")
    log.clock.at = DUE
    async with log.policies() as process:
        await until(lambda: process.position == 3)
        assert not process.readiness().ready
        log.execute("UPDATE policies.progress SET version = 0")
        await until(lambda: missed(log) == ["B1"])
        await until(lambda: process.readiness().ready)


async def test_status_tells_lag_and_how_long_a_task_has_been_due(log: Log) -> None:
    log.append(opened(), seat(), booked("B1"), booked("B2", "S2"), actor="student")
    await log.settle()
    log.append(seat("S3"))
    found = status(log.database_url, DUE)
    assert (found.position, found.head, found.lag_events) == (4, 5, 1)
    assert (found.backlog.waiting, found.backlog.overdue) == (4, HOUR / 2 + REMINDED_BEFORE)
