"""Halting appends everywhere, and going on under a new epoch."""

from collections.abc import Iterator

import pytest

from studyspot.event_store.errors import AnsweredBefore, StoreHalted
from studyspot.event_store.store import EventStore
from tests.event_store.steps import booked, events_with, fresh_tag, key_of, unless_booked


@pytest.fixture
def other_store(empty_store: EventStore) -> Iterator[EventStore]:
    """The store as another process has it."""
    with EventStore(empty_store.database_url) as other:
        yield other


def test_a_halt_stops_the_appends_of_every_process_until_a_new_epoch(
    empty_store: EventStore, other_store: EventStore
) -> None:
    tag = fresh_tag()
    first = other_store.append([booked(tag)])
    empty_store.halt("the stream holds another event at 1")
    empty_store.halt("a later reason")
    for store in (empty_store, other_store):
        with pytest.raises(StoreHalted) as halted:
            store.append([booked(tag)], unless_booked(tag))
        assert halted.value.reason == "the stream holds another event at 1"
    assert other_store.head().halted == "the stream holds another event at 1"
    epoch = empty_store.new_epoch()
    assert (other_store.head().epoch, other_store.head().halted) == (epoch, None)
    second = other_store.append([booked(tag)])
    assert (second.position, second.epoch) == (2, epoch)
    assert [event.epoch for event in events_with(empty_store, tag)] == [first.epoch, epoch]


def test_a_repeated_command_is_answered_during_a_halt(empty_store: EventStore) -> None:
    key = key_of("s1")
    empty_store.append([booked(fresh_tag())], key=key, answer=b"201")
    empty_store.halt("a mismatch")
    with pytest.raises(AnsweredBefore):
        empty_store.append([booked(fresh_tag())], key=key)


def test_epochs_are_short_and_never_repeat(empty_store: EventStore) -> None:
    epochs = [empty_store.head().epoch, *(empty_store.new_epoch() for _ in range(30))]
    assert len(set(epochs)) == 31
    assert all(2 <= len(epoch) <= 6 and epoch.isalnum() for epoch in epochs)
