"""Run one command: read what it depends on, decide, append on the condition that nothing of it changed."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import orjson
from prometheus_client import Counter, Histogram

from studyspot.catalogue.codec import Metadata, decode, encode
from studyspot.catalogue.tags import tags_of
from studyspot.catalogue.types import type_of
from studyspot.decisions.memory import Memory, Placed, Remembered, merged
from studyspot.decisions.preconditions import ChangedSince, Unchanged
from studyspot.domain import decider as domain
from studyspot.domain.decider import Boundary, Decider
from studyspot.domain.events import Event
from studyspot.domain.refusals import Refusal
from studyspot.event_store.errors import AnsweredBefore, ConditionFailed
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import (
    Condition,
    Criterion,
    IdempotencyKey,
    NewEvent,
    StoredAnswer,
    StoredEvent,
)

Command = TypeVar("Command")
State = TypeVar("State")

ATTEMPTS = 20
DECODED = 4_096
"""Events. A library's settings and its seats are read by one decision after the other."""
NOTHING: Mapping[domain.Criterion, Remembered] = MappingProxyType({})

_conflicts = Counter("studyspot_command_conflicts", "Decisions made again because a rival came first")
_events_read = Histogram(
    "studyspot_decision_events",
    "Events that a decision read",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000),
)
"""It follows a seat's days, a student's weeks and a library's settings, however long the log is."""


class Contended(Exception):
    """Rivals came first, again and again; nothing was changed, and a later try may do better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Who commands, when, in which trace; `key` makes a repeated request one command.

    Where something must be `unchanged`, the command changes nothing otherwise.
    """

    actor: str | None
    at: datetime
    command_id: str
    traceparent: str | None = None
    key: IdempotencyKey | None = None
    unchanged: Unchanged | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a command is answered with, and the position up to which it is visible.

    `repeated` when an earlier request with the same key was accepted: then nothing was appended now.
    """

    position: int
    answer: dict[str, Any]
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Seen(Generic[State]):
    """What a decision would be made from, and the position of the log that it reflects."""

    position: int
    state: State


class Decisions:
    """Runs commands against one event store; any number of processes may do so at once."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._memory = Memory()

    async def run(
        self,
        decider: Decider[Command, State],
        command: Command,
        circumstances: Circumstances,
        answer: Callable[[State, tuple[Event, ...]], dict[str, Any]],
    ) -> Accepted:
        """Return the answer to the command, once its events are durable.

        `answer(state, events)` makes it from the state before and the events, none where nothing changed.
        It is stored beside the events for a request that comes again.

        Raises:
            Refusal: a rule says no, on a fresh read.
            ChangedSince: what must be unchanged is not.
            Contended: rivals came first `ATTEMPTS` times.
            KeyReused: the idempotency key was used for another request.
            StoreUnavailable, StoreHalted: nothing can be appended now.
        """
        key = circumstances.key
        for _ in range(ATTEMPTS):
            state, boundary, head, before = await self._read(decider, command, key)
            if before is not None:
                return _repeated(before)
            with _decided_by(head):
                events = decider.decide(command, state)
            given = answer(state, events)
            if not events:
                return Accepted(head, given)
            criteria = _criteria(boundary)
            if circumstances.unchanged is not None:
                await self._require(circumstances.unchanged, head)
                criteria += circumstances.unchanged.criteria
            try:
                appended = await self._store.append_async(
                    [_stored(event, circumstances) for event in events],
                    Condition(criteria, after=head) if criteria else None,
                    key=key,
                    answer=orjson.dumps(given) if key else None,
                )
            except ConditionFailed:
                _conflicts.inc()
                continue
            except AnsweredBefore as twin:
                return _repeated(twin.answer)
            return Accepted(appended.position, given)
        raise Contended

    async def answered(self, key: IdempotencyKey) -> Accepted | None:
        """Return what the command of this key was answered with, if it has been.

        Raises:
            KeyReused: the key was used for another request.
            StoreUnavailable: the log cannot be read now.
        """
        snapshot = await self._store.read_async((), limit=0, key=key)
        return _repeated(snapshot.answer) if snapshot.answer is not None else None

    async def look(self, decider: Decider[Command, State], command: Command) -> Seen[State]:
        """Return what the command's decision would be made from, which appends nothing.

        Raises:
            Refusal: a rule says no.
            StoreUnavailable: the log cannot be read now.
        """
        state, _, head, _ = await self._read(decider, command, None)
        with _decided_by(head):
            decider.decide(command, state)
        return Seen(head, state)

    async def _require(self, unchanged: Unchanged, head: int) -> None:
        """Make sure that up to `head` nothing has changed.

        Raises:
            ChangedSince: something has.
        """
        position = unchanged.position
        if position is None or position > head:
            raise ChangedSince(head)
        since = await self._store.read_async(unchanged.criteria, after=position, until=head, limit=1)
        now = await asyncio.to_thread(self._store.head)
        # In another history, the same position may be another event's.
        if since.events or unchanged.epoch != now.epoch:
            raise ChangedSince(head)

    async def _read(
        self, decider: Decider[Command, State], command: Command, key: IdempotencyKey | None
    ) -> tuple[State, Boundary, int, StoredAnswer | None]:
        """Read until the boundary, asked again with what was found, names nothing new."""
        boundary = decider.boundary(command, decider.initial())
        read = 0
        while True:
            recalled = self._memory.recall(boundary)
            # No criteria would match every event; a decision that depends on nothing reads none.
            limit = None if boundary else 0
            snapshot = await self._store.read_async(_criteria(boundary, recalled), limit=limit, key=key)
            read += len(snapshot.events)
            if not self._memory.goes_on(snapshot.history) and recalled:
                continue
            fresh = [_placed(stored) for stored in snapshot.events]
            self._memory.learn(boundary, recalled, fresh, snapshot.head)
            state = decider.initial()
            for placed in merged(recalled.values(), fresh):
                state = decider.evolve(state, placed.event)
            # An answer that was given before is given again, whatever the boundary now says.
            with _decided_by(snapshot.head):
                wider = boundary if snapshot.answer is not None else decider.boundary(command, state)
            if wider == boundary or set(wider) <= set(boundary):
                _events_read.observe(read)
                return state, boundary, snapshot.head, snapshot.answer
            boundary = wider


@contextmanager
def _decided_by(position: int) -> Iterator[None]:
    """Let a refusal tell by which position of the log it was decided."""
    try:
        yield
    except Refusal as refusal:
        refusal.position = position
        raise


def _criteria(
    boundary: Boundary, recalled: Mapping[domain.Criterion, Remembered] = NOTHING
) -> tuple[Criterion, ...]:
    return tuple(
        Criterion(
            types=_types_of(criterion.types),
            tags=(criterion.tag,),
            newest=criterion.newest,
            after=recalled[criterion].position if criterion in recalled else 0,
        )
        for criterion in boundary
    )


@lru_cache(maxsize=512)
def _types_of(event_classes: tuple[type[Event], ...]) -> tuple[str, ...]:
    return tuple(type_of(event_class) for event_class in event_classes)


def _placed(stored: StoredEvent) -> Placed:
    return Placed(stored.position, _event(stored.type, stored.data), stored.tags)


@lru_cache(maxsize=DECODED)
def _event(event_type: str, data: bytes) -> Event:
    event, _ = decode(event_type, data)
    return event


def _stored(event: Event, circumstances: Circumstances) -> NewEvent:
    metadata = Metadata(
        time=circumstances.at,
        command_id=circumstances.command_id,
        actor=circumstances.actor,
        traceparent=circumstances.traceparent,
    )
    return NewEvent(type_of(type(event)), encode(event, metadata), tags_of(event))


def _repeated(before: StoredAnswer) -> Accepted:
    return Accepted(before.position, orjson.loads(before.body), repeated=True)
