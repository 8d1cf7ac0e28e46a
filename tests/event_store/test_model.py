"""Any sequence of batches and reads gives what a plain list of events would give."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studyspot.event_store.batch import Batch
from studyspot.event_store.errors import AnsweredBefore, ConditionFailed, KeyReused, StoreError
from studyspot.event_store.session import WriterSession
from studyspot.event_store.settlement import settle
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Condition, Criterion, IdempotencyKey, NewEvent, StoredAnswer
from tests.event_store.steps import unchecked

TYPES = st.sampled_from(["a", "b", "c"])
TAGS = st.lists(st.sampled_from(["x", "y", 'z"\\,{}']), max_size=3, unique=True).map(tuple)
EVENTS = st.builds(NewEvent, TYPES, st.binary(max_size=3), TAGS)
CRITERIA = st.builds(Criterion, st.lists(TYPES, max_size=2, unique=True).map(tuple), TAGS)
QUERIES = st.lists(CRITERIA, max_size=3).map(tuple)
KEYS = st.builds(IdempotencyKey, st.sampled_from(["s1", "s2"]), st.just("k"), st.sampled_from([b"1", b"2"]))


Read = tuple[tuple[Criterion, ...], int, int | None, int | None]


@dataclass(frozen=True)
class Append:
    """A command; its condition holds from `behind` positions before the head at the time of its batch."""

    event: NewEvent
    query: tuple[Criterion, ...] | None
    behind: int
    key: IdempotencyKey | None


APPENDS = st.builds(Append, EVENTS, st.none() | QUERIES, st.integers(0, 4), st.none() | KEYS)
BATCHES = st.lists(APPENDS, min_size=1, max_size=6)
READS = st.tuples(QUERIES, st.integers(0, 12), st.none() | st.integers(0, 12), st.none() | st.integers(0, 4))


@dataclass
class Model:
    """The log as a list: an event's position is its index plus one."""

    log: list[NewEvent] = field(default_factory=list)
    answers: dict[tuple[str, str], tuple[bytes, int]] = field(default_factory=dict)

    def matches(self, query: Sequence[Criterion], position: int) -> bool:
        event = self.log[position - 1]
        return not query or any(
            (not criterion.types or event.type in criterion.types) and set(criterion.tags) <= set(event.tags)
            for criterion in query
        )

    def positions(self, query: Sequence[Criterion], after: int, until: int | None = None) -> list[int]:
        end = len(self.log) if until is None else min(until, len(self.log))
        return [position for position in range(after + 1, end + 1) if self.matches(query, position)]

    def append(self, event: NewEvent, condition: Condition | None, key: IdempotencyKey | None) -> object:
        if key and (found := self.answers.get((key.actor, key.key))):
            fingerprint, position = found
            return StoredAnswer(position, b"") if fingerprint == key.fingerprint else KeyReused
        if condition and self.positions(condition.criteria, condition.after):
            return ConditionFailed
        self.log.append(event)
        if key:
            self.answers[(key.actor, key.key)] = (key.fingerprint, len(self.log))
        return len(self.log)


def outcome(error: BaseException | None, position: int | None) -> object:
    if isinstance(error, AnsweredBefore):
        return error.answer
    assert error is None or isinstance(error, StoreError)
    return type(error) if error else position


def run_batch(session: WriterSession, model: Model, appends: list[Append]) -> None:
    """Decide `appends` as the writer does, and hold each outcome against the model's."""
    head = len(model.log)
    pending = []
    for append in appends:
        condition = None if append.query is None else Condition(append.query, max(head - append.behind, 0))
        pending.append(unchecked(append.event, condition, append.key))
    number = 0
    while pending:
        number += 1
        batch = Batch.of([command for command, _ in pending])
        undecided = settle(batch, session.append(batch, number))
        # Positions follow the order within a batch; what is undecided comes after it.
        for command, future in pending:
            if command.answered:
                expected = model.append(command.events[0], command.condition, command.key)
                error = future.exception(0)
                assert outcome(error, None if error else future.result(0).position) == expected
        assert undecided == [command for command, _ in pending if not command.answered]
        assert len(undecided) < len(pending)
        pending = [(command, future) for command, future in pending if not command.answered]


@pytest.fixture
def session(empty_store: EventStore) -> Iterator[WriterSession]:
    session = WriterSession.begin(empty_store.database_url, uuid4())
    yield session
    session.end()


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.tuples(BATCHES, READS), min_size=1, max_size=4))
def test_batches_and_reads_agree_with_a_list(
    empty_store: EventStore, session: WriterSession, rounds: list[tuple[list[Append], Read]]
) -> None:
    with psycopg.connect(empty_store.database_url) as connection:
        connection.execute("TRUNCATE store.events, store.event_tags, store.answers")
        connection.execute("UPDATE store.head SET position = 0")
    model = Model()
    for appends, (query, after, until, limit) in rounds:
        run_batch(session, model, appends)
        snapshot = empty_store.read(query, after=after, until=until, limit=limit)
        assert snapshot.head == len(model.log)
        assert [event.position for event in snapshot.events] == model.positions(query, after, until)[:limit]
        for event in snapshot.events:
            assert NewEvent(event.type, event.data, event.tags) == model.log[event.position - 1]
