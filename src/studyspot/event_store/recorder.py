"""The `eventsourcing` library's DCB interface over the store, through the same writer."""

from collections.abc import Sequence

from eventsourcing.dcb.api import (
    DCBAppendCondition,
    DCBEvent,
    DCBQuery,
    DCBReadResponse,
    DCBRecorder,
    DCBSequencedEvent,
)
from eventsourcing.persistence import IntegrityError

from studyspot.event_store.errors import ConditionFailed
from studyspot.event_store.store import EventStore
from studyspot.event_store.subscription import StoreSubscription
from studyspot.event_store.types import Condition, Criterion, NewEvent, StoredEvent


class PostgresRecorder(DCBRecorder):
    """Records and reads DCB events in an open `EventStore`."""

    def __init__(self, store: EventStore) -> None:
        self.store = store

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> DCBReadResponse:
        """Return the matching events after `after`, at most `limit`, with the head of the same instant.

        With a limit, the head is the last returned event's position: what lies beyond it was not looked at.
        """
        snapshot = self.store.read(_criteria(query), after=after or 0, limit=limit)
        head: int | None = snapshot.head
        if limit is not None:
            head = snapshot.events[-1].position if snapshot.events else None
        return _ReadResponse(snapshot.events, head or None)

    def append(self, events: Sequence[DCBEvent], condition: DCBAppendCondition | None = None) -> int:
        """Append `events` and return the last one's position.

        Raises:
            IntegrityError: the condition failed.
        """
        new = [NewEvent(event.type, event.data, tuple(event.tags)) for event in events]
        guard = None
        if condition is not None:
            guard = Condition(_criteria(condition.fail_if_events_match), condition.after or 0)
        try:
            return self.store.append(new, guard).position
        except ConditionFailed as error:
            raise IntegrityError(condition) from error

    def subscribe(
        self, query: DCBQuery | None = None, *, after: int | None = None
    ) -> "StoreSubscription[PostgresRecorder]":
        """Return the matching events after `after`, and then each new one as it is appended."""
        return StoreSubscription(self, self.store.database_url, query=query, after=after)


class _ReadResponse(DCBReadResponse):
    def __init__(self, events: Sequence[StoredEvent], head: int | None) -> None:
        self._events = iter(events)
        self._head = head

    @property
    def head(self) -> int | None:
        return self._head

    def __next__(self) -> DCBSequencedEvent:
        event = next(self._events)
        return DCBSequencedEvent(DCBEvent(event.type, event.data, list(event.tags)), event.position)


def _criteria(query: DCBQuery | None) -> tuple[Criterion, ...]:
    return tuple(Criterion(tuple(item.types), tuple(item.tags)) for item in query.items) if query else ()
