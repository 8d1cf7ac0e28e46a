"""Getting bytes to sockets: each frame encoded once for all who get the same, one write a socket and turn."""

from collections import deque
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import ParamSpec, assert_never

from studyspot.ws_fanout.conflation import SeatKey, Turns, Unsent
from studyspot.ws_fanout.effects import (
    Admitted,
    Close,
    Effect,
    Encode,
    Listen,
    Recall,
    Remember,
    Send,
    SendPing,
    Serve,
    Then,
    Unlisten,
    Write,
)
from studyspot.ws_fanout.metrics import FanoutMetrics
from studyspot.ws_fanout.node import Now
from studyspot.ws_fanout.peers import Dealt, Peer, Rosters
from studyspot.ws_fanout.routed import RoutedEvent
from studyspot.ws_fanout.socket_io.memory import Memory
from studyspot.ws_fanout.socket_io.remembered import Remembered
from studyspot.ws_fanout.tally import Tally

_Asked = ParamSpec("_Asked")

WRITES_A_STEP = 200
"""Of each round, about 2 ms; so a big room does not keep others waiting."""
HELD_BYTES = 32 * 1024
"""Of one socket; more than this does not wait for newer frames."""


class Dispatcher:
    """Does what sessions ask for, and deals events out to the sockets that get them as they come.

    Attributes:
        unsent_limit_bytes: what one socket may have unsent; beyond, it is served from the log.
        tally: what is counted here.
    """

    def __init__(
        self,
        *,
        unsent_limit_bytes: int,
        conflate_every: timedelta,
        metrics: FanoutMetrics,
        clock: Callable[[], Now],
        serve: Callable[[Peer], None],
        memory: Memory,
        recalled: Callable[[Peer, Then, Remembered | None], None],
    ) -> None:
        """Make it; `serve` is called with a peer that waits to be served from the log.

        `recalled` is called with what `memory` has of a peer's connection: when it has it, or is asked.
        """
        self.rosters = Rosters()
        self.unsent_limit_bytes = unsent_limit_bytes
        self.tally = Tally(metrics)
        self._metrics = metrics
        self._clock = clock
        self._serve = serve
        self._memory = memory
        self._recalled = recalled
        self._turns: Turns[Peer] = Turns(conflate_every)
        self._rounds: deque[tuple[Callable[[Peer], None], deque[Peer]]] = deque()

    @property
    def rounds(self) -> int:
        """How many batches of events have sockets yet to be written."""
        return len(self._rounds)

    def ask(
        self,
        peer: Peer,
        question: Callable[_Asked, Sequence[Effect]],
        *asked: _Asked.args,
        **more: _Asked.kwargs,
    ) -> None:
        """Ask the peer's session something, and do what it says; what was dealt to it is written first."""
        self.flush(peer)
        self.perform(peer, question(*asked, **more))

    def perform(self, peer: Peer, effects: Sequence[Effect]) -> None:
        """Do what the peer's session asks for, in order. Flush before the session is asked anything."""
        for effect in effects:
            match effect:
                case Send(frame):
                    if words := peer.language.put(frame):
                        peer.outlet.write(words)
                    self.tally.answered(frame)
                case Write(data):
                    peer.outlet.write(data)
                case SendPing():
                    peer.language.ping(peer.outlet)
                case Close(code, reason):
                    self.rosters.remove(peer)
                    peer.language.close(peer.outlet, code, reason)
                case Admitted(user_id, conflates):
                    peer.held = Unsent() if conflates else None
                    self.rosters.admit(peer, user_id)
                case Listen(rooms):
                    self.rosters.enter(peer, rooms)
                case Unlisten(rooms):
                    self.rosters.leave(peer, rooms)
                case Serve():
                    self._serve(peer)
                case Encode(encoder):
                    self.rosters.encode(peer, encoder)
                case Remember(pid, remembered, then):
                    kept = partial(self._recalled, peer, then) if then is not None else None
                    self._memory.remember(pid, remembered, kept)
                case Recall(pid, then):
                    self._memory.recall(pid, partial(self._recalled, peer, then))
                case _ as unreachable:
                    assert_never(unreachable)

    def forget(self, peer: Peer) -> None:
        """The socket is closed: what waits to be written to it never is."""
        self.rosters.remove(peer)
        peer.outbox = peer.held = None

    def deal(
        self,
        rooms: Sequence[str],
        events: Sequence[RoutedEvent],
        times: tuple[datetime, ...],
        dealt: dict[Peer, None],
    ) -> None:
        """Put consecutive events of the same occupied rooms into the outboxes of all who are in them.

        `times` are when they happened, as far as that can be read.
        """
        if not rooms or not events:
            return
        before = events[0].position - 1
        for encoder, roster in self.rosters.prompt.items():
            for named, peers in roster.audiences(rooms):
                frames = [frame for event in events if (frame := encoder.frame(event, named))]
                if not frames:
                    continue
                next(iter(peers)).first_of += times
                times = ()
                _deal_out(Dealt(before, b"".join(frames), len(frames)), peers)
                dealt |= dict.fromkeys(peers)
        for encoder, roster in self.rosters.conflating.items():
            for named, peers in roster.audiences(rooms):
                replaceable = [
                    (event.position, event.replaceable(named), encoder.frame(event, named))
                    for event in events
                ]
                for peer in peers:
                    assert peer.held is not None
                    self._deal_held(peer, peer.held, replaceable, dealt)

    def begin_round(self, peers: dict[Peer, None]) -> None:
        """Let the outboxes of these peers be written, a part in each step."""
        if peers:
            self._rounds.append((self._write_outbox, deque(peers)))

    def end_turn(self, seconds: float) -> bool:
        """Let what has waited for newer frames be written if it is time; return whether it is."""
        peers = self._turns.due(seconds)
        if peers:
            self._rounds.append((self.flush, deque(peers)))
        return bool(peers)

    def step(self) -> bool:
        """Write a part of every round, and return whether more is to be written."""
        for _ in range(len(self._rounds)):
            write, peers = self._rounds.popleft()
            for _ in range(min(WRITES_A_STEP, len(peers))):
                write(peers.popleft())
            if peers:
                self._rounds.append((write, peers))
        return bool(self._rounds)

    def flush(self, peer: Peer) -> None:
        """Write whatever waits to be written, so that something else may follow."""
        if peer.held:
            _release(peer, peer.held)
        self._write_outbox(peer)

    def _deal_held(
        self,
        peer: Peer,
        held: Unsent,
        frames: Sequence[tuple[int, SeatKey | None, bytes]],
        dealt: dict[Peer, None],
    ) -> None:
        """Let frames that a newer one may replace wait for it; any other goes out, after what waits."""
        for position, seat, frame in frames:
            if seat is not None and held.size_bytes < HELD_BYTES:
                if not held:
                    self._await_turn(peer, position - 1)
                self.tally.replaced += held.add(frame, position, seat)
                continue
            if not held:
                peer.held_after = position - 1
            held.add(frame, position, None)
            _release(peer, held)
            dealt[peer] = None

    def _await_turn(self, peer: Peer, after: int) -> None:
        peer.held_after = after
        if not self._turns.has_begun:
            self._turns.begin(self._clock().seconds)
        self._turns.wait(peer)

    def _write_outbox(self, peer: Peer) -> None:
        """Write the outbox; if the client has too much to read already, leave it to the log instead."""
        outbox = peer.outbox
        if outbox is None:
            return
        peer.outbox = None
        if not peer.outlet.offer(outbox.data, self.unsent_limit_bytes):
            self._leave_to_log(peer, outbox)
            return
        self._count(outbox.data, outbox.count)
        if peer.first_of:
            self._measure(peer)

    def _leave_to_log(self, peer: Peer, outbox: Dealt) -> None:
        """Do not write the outbox: it follows when the client has read more."""
        if peer.held:
            # It follows from the log as well, after what is not written now.
            peer.held.take()
        # When it is written will say how the client reads.
        peer.first_of = ()
        self.tally.fell_behind()
        self.perform(peer, peer.session.fell_behind(outbox.after, self._clock()))
        if not peer.outlet.is_full():
            self._serve(peer)

    def write_events(self, peer: Peer, data: bytes, frames: int) -> None:
        """Write so many frames of events."""
        peer.outlet.write(data)
        self._count(data, frames)

    def _count(self, data: bytes, frames: int) -> None:
        self.tally.frames += frames
        self.tally.written_bytes += len(data)

    def _measure(self, peer: Peer) -> None:
        now = self._clock().time
        for time in peer.first_of:
            self._metrics.first_written((now - time).total_seconds())
        peer.first_of = ()


def _deal_out(dealt: Dealt, peers: Collection[Peer]) -> None:
    """Put the same frames into the outboxes of all these, after what waits there."""
    earlier: Dealt | None = None
    both = dealt
    for peer in peers:
        waiting = peer.outbox
        if waiting is None:
            peer.outbox = dealt
            continue
        # What waits is nearly always the same for all of them, and joined once.
        if waiting is not earlier:
            earlier, both = waiting, waiting.followed_by(dealt)
        peer.outbox = both


def _release(peer: Peer, held: Unsent) -> None:
    """Put what waits for newer frames into the outbox, whose frames are older."""
    frames = held.take()
    _deal_out(Dealt(peer.held_after, b"".join(frames), len(frames)), (peer,))
