"""Events as the fan-out holds them: the message as it came, and who sees it how."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import structlog

from studyspot.broker.stream import StreamMessage
from studyspot.catalogue.cloudevents import UnknownMessage, UnreadableMessage, from_message, renewed
from studyspot.catalogue.codec import Recorded
from studyspot.ws_fanout.conflation import SeatKey, seat_key
from studyspot.ws_fanout.rooms import Route, route
from studyspot.ws_fanout.views import PUBLIC_SEAT

_SLICE_EVENTS = 128
_SLICE_BYTES = 128 * 1024

log = structlog.get_logger()

_UNSEEN = Route({})


@dataclass(frozen=True, slots=True)
class RoutedEvent:
    """The event at `position`; `body` is its CloudEvent in JSON, in the newest version.

    `seat` is what its public seat frame is about, where it has one.
    """

    position: int
    body: bytes
    route: Route
    seat: SeatKey | None = None

    def richness(self, rooms: Sequence[str]) -> int:
        """Return how much of the event is seen in the best of these of its rooms."""
        return max(self.route.sights[room].view.richness for room in rooms)

    def replaceable(self, rooms: Sequence[str]) -> SeatKey | None:
        """Return what the frame for these of its rooms is about, if a newer one of the same may stand for it.

        So may one that shows the public view of a seat alone: nobody may miss what any other room shows.
        """
        if self.seat is None:
            return None
        sights = self.route.sights
        return self.seat if all(sights[room].view is PUBLIC_SEAT for room in rooms) else None


def routed(message: StreamMessage) -> tuple[RoutedEvent, Recorded | None]:
    """Return what a message of the stream brings, and what was recorded where this release knows it.

    A message that is no event is shown to nobody and said in the log: its position counts.

    Raises:
        UnknownMessage: a newer release wrote it.
    """
    try:
        recorded = from_message(message.body)
    except UnknownMessage:
        raise
    except UnreadableMessage as error:
        return _unseen(message, str(error)), None
    if recorded.position != message.position:
        return _unseen(message, f"it calls itself {recorded.id}"), None
    body = renewed(message.body, recorded)
    event = recorded.event
    return RoutedEvent(message.position, body, route(event), seat_key(event)), recorded


def slices(batch: Sequence[StreamMessage]) -> Iterator[Sequence[StreamMessage]]:
    """Divide a batch into parts whose handling does not hold up the loop for long."""
    part: list[StreamMessage] = []
    size = 0
    for message in batch:
        if part and (len(part) == _SLICE_EVENTS or size + len(message.body) > _SLICE_BYTES):
            yield part
            part, size = [], 0
        part.append(message)
        size += len(message.body)
    if part:
        yield part


def _unseen(message: StreamMessage, reason: str) -> RoutedEvent:
    log.error("message not readable", position=message.position, subject=message.subject, reason=reason)
    return RoutedEvent(message.position, b"", _UNSEEN)
