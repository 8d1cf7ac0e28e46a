"""A batch of events on its way to sockets: those in a row that the same rooms see go together."""

from datetime import datetime

from studyspot.catalogue.codec import Recorded
from studyspot.ws_fanout.dispatch import Dispatcher
from studyspot.ws_fanout.peers import Peer
from studyspot.ws_fanout.routed import RoutedEvent


class Dealing:
    """One batch, dealt into outboxes run by run."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._dealt: dict[Peer, None] = {}
        self._run: list[RoutedEvent] = []
        self._times: list[datetime] = []
        self._rooms: tuple[str, ...] = ()

    def make_way(self, event: RoutedEvent, *, changes_rooms: bool) -> None:
        """Deal what came before an event, if that is not seen by the same sockets."""
        if changes_rooms or self._occupied(event) != self._rooms:
            self._deal()

    def add(self, event: RoutedEvent, recorded: Recorded | None) -> None:
        """Take the event that way was made for; sockets are in their rooms by now."""
        if not self._run:
            self._rooms = self._occupied(event)
        self._run.append(event)
        if recorded is not None:
            self._times.append(recorded.metadata.time)

    def finish(self) -> None:
        """Deal the rest, and let it all be written, a part in each step."""
        self._deal()
        self._dispatcher.begin_round(self._dealt)

    def _deal(self) -> None:
        self._dispatcher.deal(self._rooms, self._run, tuple(self._times), self._dealt)
        self._run, self._times = [], []

    def _occupied(self, event: RoutedEvent) -> tuple[str, ...]:
        return self._dispatcher.rosters.occupied(event.route.sights)
