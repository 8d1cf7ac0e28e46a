"""Serving lanes from the log: what they missed, in order, no faster than their client reads."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from studyspot.ws_fanout.conflation import Unsent
from studyspot.ws_fanout.dispatch import Dispatcher
from studyspot.ws_fanout.lanes import Lane
from studyspot.ws_fanout.peers import Peer
from studyspot.ws_fanout.routed import RoutedEvent
from studyspot.ws_fanout.window import PositionForgotten, Window

_PEERS_A_STEP = 16
_EVENTS_A_TURN = 256
"""For all lanes of a peer together: a client may make as many lanes as it joins rooms."""
_WRITE_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A lane that is served from the stream, because the window has forgotten where it is."""

    peer: Peer
    lane: Lane

    def is_wanted(self) -> bool:
        """Return whether the client is still there, and in the lane's rooms."""
        return not self.peer.session.closed and self.lane in self.peer.session.lanes


class Replays:
    """The peers that are not live, and how they become so."""

    def __init__(self, dispatcher: Dispatcher, window: Window, *, wake: Callable[[], None]) -> None:
        """Make it; `wake` is called when `step` has something to do."""
        self.window = window
        self._wake = wake
        self._dispatcher = dispatcher
        self._queue: deque[Peer] = deque()
        self._at_head: dict[Peer, None] = {}
        self._readings: dict[Lane, Reading] = {}
        self._asked: list[Reading] = []

    @property
    def has_readings(self) -> bool:
        return bool(self._asked)

    def enqueue(self, peer: Peer) -> None:
        """Serve this peer soon."""
        if not peer.is_queued and not peer.session.closed:
            peer.is_queued = True
            self._queue.append(peer)
            self._wake()

    def head_moved(self) -> None:
        """Serve those who have all there was, but are not live."""
        for peer in self._at_head:
            self.enqueue(peer)
        self._at_head.clear()

    def forget(self, peer: Peer) -> None:
        """The socket is gone."""
        self._at_head.pop(peer, None)

    def step(self) -> bool:
        """Serve some of the peers that wait, and return whether more do."""
        for _ in range(min(_PEERS_A_STEP, len(self._queue))):
            peer = self._queue.popleft()
            peer.is_queued = False
            self._serve(peer)
        return bool(self._queue)

    def take_readings(self) -> Sequence[Reading]:
        """Return the lanes that wait for the stream. Each must be finished or given up."""
        asked, self._asked = self._asked, []
        return asked

    def bring(self, reading: Reading, events: Sequence[RoutedEvent]) -> bool:
        """Serve events of the stream that a wanted lane has not passed; return whether it passed them all."""
        self._dispatcher.flush(reading.peer)
        return self._write_due(reading.peer, reading.lane, events)

    def finish(self, reading: Reading, until: int) -> None:
        """Everything up to `until` has been brought; the window goes on from there."""
        reading.lane.cursor = max(reading.lane.cursor, until)
        self.give_up(reading)

    def give_up(self, reading: Reading) -> None:
        """Let the lane be served again from where it is; a client that must read first says when it has."""
        del self._readings[reading.lane]
        if not reading.peer.outlet.is_full():
            self.enqueue(reading.peer)

    def _serve(self, peer: Peer) -> None:
        """Give the peer a turn: some events for its lanes that are not live, one after the other."""
        session, most = peer.session, _EVENTS_A_TURN
        self._dispatcher.flush(peer)
        for lane in tuple(session.lanes):
            if session.closed or peer.outlet.is_full():
                return
            # One that was served before it may have become part of it, or it of that one.
            if lane.live or lane in self._readings or lane not in session.lanes:
                continue
            if lane.cursor > self.window.head:
                self._at_head[peer] = None
                continue
            try:
                events = self.window.read(lane.rooms, lane.cursor, limit=most)
            except PositionForgotten:
                reading = self._readings[lane] = Reading(peer, lane)
                lane.from_stream = True
                self._asked.append(reading)
                continue
            if not self._write_due(peer, lane, events):
                return
            most -= len(events)
            if not most:
                self.enqueue(peer)
                return
            self._dispatcher.tally.replayed(lane)
            self._dispatcher.perform(peer, session.arrived(lane))
            if not session.lanes.main.live:
                self._at_head[peer] = None

    def _write_due(self, peer: Peer, lane: Lane, events: Sequence[RoutedEvent]) -> bool:
        """Write what of `events` is due to the lane, and move its cursor past them.

        Returns:
            Whether all events were passed; if not, the client should read first.
        """
        lanes, unsent, replaced = peer.session.lanes, Unsent(), 0
        encoder, is_thinned = peer.language.encoder, lanes.thins(lane)
        for event in events:
            if event.position <= lane.cursor:
                continue
            # What stands for an older frame is in the same write: the cursor never passes what is to come.
            if unsent.size_bytes >= _WRITE_BYTES:
                self._write(peer, unsent)
                if peer.outlet.is_full():
                    break
            rooms = lanes.due(lane, event)
            if rooms and (frame := encoder.frame(event, rooms)):
                seat = encoder.replaceable(event, rooms) if is_thinned else None
                replaced += unsent.add(frame, event.position, seat)
            lane.cursor = event.position
        self._dispatcher.tally.replaced += replaced
        if unsent:
            self._write(peer, unsent)
        return not events or lane.cursor >= events[-1].position

    def _write(self, peer: Peer, unsent: Unsent) -> None:
        frames = unsent.take()
        self._dispatcher.write_events(peer, b"".join(frames), len(frames))
