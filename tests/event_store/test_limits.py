"""What is refused before it reaches the queue."""

import pytest

from studyspot.event_store import limits
from studyspot.event_store.errors import EventRejected
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Condition, Criterion, IdempotencyKey, NewEvent
from tests.event_store.steps import booked, events_with, fresh_tag


@pytest.mark.parametrize(
    "event",
    [
        NewEvent("", b"{}"),
        NewEvent("booking\0created", b"{}"),
        NewEvent("x" * 513, b"{}"),
        booked("seat-day:\0"),
        booked("seat-day:\ud800"),
        booked("x" * 513),
        booked("é" * 257),
        booked(*(f"seat-day:{number}" for number in range(501))),
        booked(data=b"x" * (256 * 1024 + 1)),
    ],
)
def test_an_event_that_could_not_be_stored_is_refused(store: EventStore, event: NewEvent) -> None:
    head = store.head()
    with pytest.raises(EventRejected):
        store.submit([booked("seat-day:innocent"), event])
    assert store.head() == head


def test_an_append_of_nothing_and_of_too_much_is_refused() -> None:
    for events in (
        [],
        [booked() for _ in range(1001)],
        [booked(*(f"day:{number}" for number in range(500))) for _ in range(41)],
        [booked(data=b"x" * 256 * 1024) for _ in range(17)],
    ):
        with pytest.raises(EventRejected):
            limits.checked(events)


@pytest.mark.parametrize(
    "criterion",
    [Criterion(("booking\0created",)), Criterion(tags=("day:\0",)), Criterion(tags=("x" * 513,))],
)
def test_a_condition_or_key_that_could_not_be_looked_up_is_refused(
    store: EventStore, criterion: Criterion
) -> None:
    with pytest.raises(EventRejected):
        store.submit([booked()], Condition((criterion,)))
    with pytest.raises(EventRejected):
        store.read([criterion])
    for text in (*criterion.types, *criterion.tags):
        with pytest.raises(EventRejected):
            store.submit([booked()], key=IdempotencyKey(text, "key", b""))
        with pytest.raises(EventRejected):
            store.submit([booked()], key=IdempotencyKey("actor", text, b""))


def test_an_event_at_the_limits_is_stored_and_read_back(store: EventStore) -> None:
    tag = fresh_tag()
    tags = (tag, "é" * 256, '{"a","b\\"}', "", " ", "NULL", *(f"{tag}:{number}" for number in range(494)))
    data = b"\0" + b"x" * (256 * 1024 - 1)
    store.append([booked(*tags, data=data, event_type="t" * 512)])
    for asked in tags[:6]:
        (event,) = (event for event in events_with(store, asked) if tag in event.tags)
        assert (event.type, event.data, event.tags) == ("t" * 512, data, tags)


def test_a_tag_given_twice_counts_once(store: EventStore) -> None:
    tag = fresh_tag()
    store.append([booked(tag, "user:s1", tag)])
    assert [event.tags for event in events_with(store, tag)] == [(tag, "user:s1")]
