"""Which events of the log, or of the stream, one projection takes; the others are not even decoded."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from studyspot.broker.stream import StreamMessage
from studyspot.catalogue.cloudevents import from_message
from studyspot.catalogue.codec import Recorded
from studyspot.catalogue.subjects import ROOT
from studyspot.catalogue.types import UnknownEvent
from studyspot.event_store.types import StoredEvent
from studyspot.projections.applier import Batch
from studyspot.projections.errors import PoisonEvent
from studyspot.projections.inbox import MOST_MESSAGES
from studyspot.projections.parking import Happened, Unreadable, passes_by, read
from studyspot.projections.projection import Projection


class Selection:
    """Turns what arrives into batches of one projection."""

    def __init__(self, projection: Projection) -> None:
        self._projection = projection
        self._types = projection.event_types()

    def of_messages(self, messages: Sequence[StreamMessage]) -> Batch:
        """Return what contiguous messages of the stream hold for the projection.

        Raises:
            UnreadableMessage: one is not an event of ours; the log has the truth.
        """
        taken = [message for message in messages if self._type_of(message.subject) in self._types]
        events = tuple(_event_of(message.body) for message in taken)
        return _batch(events, messages[-1].position)

    def of_events(self, stored: Sequence[StoredEvent]) -> Batch:
        """Return what contiguous events of the log hold for the projection; `until` is the last one's.

        An event that nothing can be done about now ends the batch before it.

        Raises:
            UnknownEvent: the first one was written by a newer release.
            PoisonEvent: the key of the first one cannot be read.
        """
        events: list[Happened] = []
        until = stored[0].position - 1
        for event in stored:
            if event.type in self._types and not passes_by(self._projection, event.type, event.data):
                try:
                    happened = read(self._projection, event.position, event.epoch, event.type, event.data)
                except (UnknownEvent, PoisonEvent):
                    if until < stored[0].position:
                        raise
                    break
                events.append(happened)
            until = event.position
        return _batch(events, until)

    def _type_of(self, subject: str) -> str:
        """`studyspot.booking.created.L1.s1` is about a `booking.created`."""
        return subject.removeprefix(f"{ROOT}.").rsplit(".", 2)[0]


@lru_cache(maxsize=MOST_MESSAGES)
def _event_of(body: bytes) -> Recorded:
    """Return the event of a message, which other projections of the process are brought as well."""
    return from_message(body)


def is_contiguous(messages: Iterable[StreamMessage], after: int) -> bool:
    """Say whether the messages follow position `after` without a gap."""
    return all(message.position == expected for expected, message in enumerate(messages, after + 1))


def _batch(events: Sequence[Happened], until: int) -> Batch:
    times = [event.metadata.time for event in events if not isinstance(event, Unreadable)]
    return Batch(events, until, times[-1] if times else None)
