"""The `eventsourcing` library's own conformance tests, through the group-commit writer."""

from collections.abc import Iterator

import pytest
from eventsourcing.dcb.tests import DCBRecorderTestCase

from studyspot.event_store.recorder import PostgresRecorder
from studyspot.event_store.store import EventStore


@pytest.fixture
def recorder(database_url: str) -> Iterator[PostgresRecorder]:
    with EventStore(database_url) as store:
        yield PostgresRecorder(store)


def test_reads_and_conditional_appends_conform(recorder: PostgresRecorder) -> None:
    DCBRecorderTestCase()._test_append_read(recorder, initial_position=recorder.store.head().position)


def test_subscriptions_conform(recorder: PostgresRecorder) -> None:
    DCBRecorderTestCase()._test_append_subscribe(recorder, initial_position=recorder.store.head().position)
