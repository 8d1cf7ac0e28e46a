"""What the tests of the event store do again and again."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import psycopg

from studyspot.event_store.commands import Command
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Appended, Condition, Criterion, IdempotencyKey, NewEvent, StoredEvent

CREATED = "booking.created"
CANCELLED = "booking.cancelled"
LIMIT = timedelta(seconds=60)


def fresh_tag(kind: str = "seat-day") -> str:
    """A tag that no other test uses."""
    return f"{kind}:{uuid4()}"


def booked(*tags: str, event_type: str = CREATED, data: bytes = b"{}") -> NewEvent:
    """An event with these tags."""
    return NewEvent(event_type, data, tags)


def unless_booked(*tags: str, after: int = 0) -> Condition:
    """The condition that no booking under any of `tags` came after `after`."""
    return Condition(tuple(Criterion((CREATED, CANCELLED), (tag,)) for tag in tags), after)


def key_of(actor: str, fingerprint: bytes = b"body") -> IdempotencyKey:
    """The idempotency key of this actor's only command."""
    return IdempotencyKey(actor, "key", fingerprint)


def events_with(store: EventStore, *tags: str) -> tuple[StoredEvent, ...]:
    """The stored events that carry any of `tags`."""
    return store.read([Criterion(tags=(tag,)) for tag in tags]).events


def whole_log(store: EventStore) -> list[StoredEvent]:
    """Every stored event, in order."""
    return [event for page in store.pages(0) for event in page]


def errors_of(futures: Sequence["Future[Appended]"]) -> list[type[BaseException] | None]:
    """The kind of each future's failure, None where it succeeded."""
    return [type(error) if (error := future.exception(LIMIT.total_seconds())) else None for future in futures]


def unchecked(
    event: NewEvent, condition: Condition | None = None, key: IdempotencyKey | None = None
) -> tuple[Command, "Future[Appended]"]:
    """A command as it would be if the checks before the queue had a hole."""
    future: Future[Appended] = Future()
    return Command((event,), condition, key, b"", time.monotonic() + LIMIT.total_seconds(), future), future


@contextmanager
def head_locked(database_url: str) -> Iterator[None]:
    """Hold the head row as another process's batch would: appends submitted meanwhile gather."""
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT FROM store.head FOR UPDATE")
        yield


def await_until(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds.

    Raises:
        AssertionError: it does not come to hold within `LIMIT`.
    """
    deadline = time.monotonic() + LIMIT.total_seconds()
    while not condition():
        assert time.monotonic() < deadline, "the awaited condition did not come to hold"
        time.sleep(0.005)


def await_lock_waiters(database_url: str, number: int = 1) -> None:
    """Return once `number` sessions of this database wait for a lock."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        statement = """SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'"""

        def waiting() -> bool:
            [(count,)] = connection.execute(statement).fetchall()
            return bool(count >= number)

        await_until(waiting)
