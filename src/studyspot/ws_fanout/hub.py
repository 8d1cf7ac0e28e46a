"""The hub: the sockets of one node, its window on the log, and the rights that events gave.

It waits for nothing and starts nothing: whoever owns it calls `step` and `tick`, and brings the events.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

from studyspot.access.tokens import Identity, Verifier
from studyspot.catalogue.codec import Recorded
from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.crowd import Crowd
from studyspot.ws_fanout.dealing import Dealing
from studyspot.ws_fanout.dispatch import WRITES_A_STEP, Dispatcher
from studyspot.ws_fanout.effects import Then
from studyspot.ws_fanout.language import Wire
from studyspot.ws_fanout.languages import Languages
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.metrics import FanoutMetrics
from studyspot.ws_fanout.node import Now
from studyspot.ws_fanout.outlet import Outlet
from studyspot.ws_fanout.peers import Peer
from studyspot.ws_fanout.replays import Replays
from studyspot.ws_fanout.rights import Change, Rights, Standing
from studyspot.ws_fanout.routed import RoutedEvent
from studyspot.ws_fanout.session import Session
from studyspot.ws_fanout.socket_io.memory import Memory
from studyspot.ws_fanout.socket_io.remembered import Remembered
from studyspot.ws_fanout.socket_io.scene import Scene
from studyspot.ws_fanout.unread import Unread
from studyspot.ws_fanout.window import Window

_MOST_ROUNDS = 4


class Hub:
    """One node of the fan-out.

    Attributes:
        epoch: the history that positions belong to; empty before the first `begin`.
        head: the last position that this node has.
        first_position: the oldest that the stream still holds.
        stale_since: since when the stream is silent (UTC), if it is.
        draining: the node is going away: nobody is let in any more.
        metrics: what is counted here.
        replays: the lanes that are not live; some wait for whoever reads the stream.
    """

    def __init__(
        self,
        *,
        verifier: Verifier,
        name_of: Callable[[str], str],
        limits: Limits,
        clock: Callable[[], Now],
        wake: Callable[[], None],
        metrics: FanoutMetrics,
        memory: Memory,
    ) -> None:
        """Make an empty node; `wake` is called when `step` has something to do."""
        self.epoch = ""
        self.head = 0
        self.first_position = 1
        self.stale_since: datetime | None = None
        self.draining = False
        self.metrics = metrics
        self._verifier = verifier
        self._limits = limits
        self._clock = clock
        self._wake = wake
        self._rights = Rights()
        self._crowd = Crowd(most_unconnected=limits.sockets_before_connect)
        self._beats: deque[Peer] = deque()
        self._languages = Languages(name_of, clock, limits)
        self._dispatcher = Dispatcher(
            unsent_limit_bytes=limits.unsent_bytes,
            conflate_every=limits.conflate_every,
            metrics=self.metrics,
            clock=clock,
            serve=lambda peer: self.replays.enqueue(peer),
            memory=memory,
            recalled=self._recalled,
        )
        self._unread = Unread(limits, self._dispatcher)
        self.replays = Replays(self._dispatcher, self._empty_window(0), wake=wake)

    def verify(self, token: str, now: datetime) -> Identity:
        return self._verifier.verify(token, now)

    def staff_rooms_of(self, identity: Identity) -> Sequence[str]:
        return self._rights.staff_rooms_of(identity.user_id, identity.role)

    def standing_of(self, identity: Identity) -> Standing:
        return self._rights.standing_of(identity)

    def sockets_of(self, user_id: str) -> int:
        return len(self._dispatcher.rosters.of_user(user_id))

    @property
    def room_count(self) -> int:
        """How many rooms have someone in them who gets their events as they come."""
        return self._dispatcher.rosters.room_count

    @property
    def socket_count(self) -> int:
        """How many sockets there are, also those that have yet to connect."""
        return len(self._crowd)

    @property
    def peers(self) -> Sequence[Peer]:
        """Every socket, also those that have yet to connect."""
        return self._crowd.peers()

    @property
    def unsent_bytes(self) -> int:
        """What was written and not yet taken, over all sockets, when they were last looked at."""
        return self._unread.unsent_bytes

    @property
    def rights_position(self) -> int:
        """Up to where events have been folded into who may be in which room."""
        return self._rights.position

    def open(self, outlet: Outlet, wire: Wire = Wire.STUDYSPOT) -> Peer:
        """Take in a socket, which has yet to connect.

        Where too many have yet to, the one that has had the longest time for it is closed.
        """
        session = Session(self, self._limits, self._clock())
        peer = Peer(self._languages.of(wire, session), outlet)
        crowded_out = self._crowd.enter(peer)
        self._dispatcher.perform(peer, peer.language.begin())
        if crowded_out is not None:
            reason = "too many are connecting: come again a little later"
            self.close(crowded_out, CloseCode.OVERLOAD, reason)
        return peer

    def receive(self, peer: Peer, data: str | bytes) -> None:
        """Take a message of the client."""
        self._dispatcher.ask(peer, peer.language.receive, data, self._clock())
        self._crowd.note(peer)
        if self._unread.is_too_much_of(peer):
            # Who asks on and on and reads nothing would be answered into memory without end.
            self.close(peer, CloseCode.TOO_SLOW, "answers are unread: resume from where you are")

    def heard_frame(self, peer: Peer) -> None:
        """Something came that is no message: a ping, a pong, or a further part of something."""
        # It may be one too many, and the socket's end.
        self._dispatcher.ask(peer, peer.session.heard_frame, self._clock())

    def heard_pong(self, peer: Peer) -> None:
        peer.session.heard_pong()

    def drained(self, peer: Peer) -> None:
        """The client has read what was too much before."""
        peer.session.has_read(self._clock())
        self.replays.enqueue(peer)

    def close(self, peer: Peer, code: CloseCode, reason: str) -> None:
        """Close a socket, after what has been dealt to it."""
        self._dispatcher.ask(peer, peer.session.close, code, reason)

    def gone(self, peer: Peer) -> None:
        """The socket is closed."""
        peer.session.closed = True
        self._dispatcher.forget(peer)
        self.replays.forget(peer)
        self._crowd.leave(peer)

    def begin(self, epoch: str, head: int, first_position: int, rights: Rights, scene: Scene) -> None:
        """Begin at `head` of a history, without sockets."""
        self.dismiss_all()
        self.epoch, self.head, self.first_position = epoch, head, first_position
        self._rights = rights
        self.replays.window = self._empty_window(head)
        self._languages.begin(scene)

    def dismiss_all(self) -> None:
        """The history ends here: close every socket, to come back and learn of another one."""
        for peer in self.peers:
            self.close(peer, CloseCode.RESTART, "the history has ended: take a snapshot")

    def publish(self, batch: Sequence[tuple[RoutedEvent, Recorded | None]]) -> None:
        """Bring the next events of the log, in order, to everyone who may see them."""
        dealing = Dealing(self._dispatcher)
        for routed, recorded in batch:
            changes = self._learn(recorded) if recorded is not None else ()
            dealing.make_way(routed, changes_rooms=bool(changes))
            for change in changes:
                self._change(change, routed.position)
            dealing.add(routed, recorded)
            self.replays.window.append(routed)
            self.head = routed.position
        dealing.finish()
        self.replays.head_moved()
        # The first part goes out in this very turn.
        if self.step():
            self._wake()

    def forget_names(self) -> None:
        """A person's name was deleted: frames that were made with it are not sent again."""
        self._languages.forget()

    @property
    def is_congested(self) -> bool:
        """Whether sockets should be written before more is published."""
        return self._dispatcher.rounds > _MOST_ROUNDS

    def tell_staleness(self, since: datetime | None) -> None:
        """The stream has fallen silent, or is heard again: every client is told at once."""
        self.stale_since = since
        self._beats = deque(self._crowd)
        self._wake()

    def step(self) -> bool:
        """Do a bounded part of the work that waits, and return whether more does."""
        writing = self._dispatcher.step()
        serving = self.replays.step()
        for _ in range(min(WRITES_A_STEP, len(self._beats))):
            peer = self._beats.popleft()
            self._dispatcher.ask(peer, peer.session.beat, self._clock())
        if self._unread.has_grown():
            self._relieve()
        return writing or serving or bool(self._beats)

    def tick(self) -> None:
        """Do what the time calls for."""
        now = self._clock()
        if self._dispatcher.end_turn(now.seconds):
            self._wake()
        for peer in self._crowd.due(now.seconds):
            self._dispatcher.ask(peer, peer.session.tick, now)
            self._crowd.note(peer)
        if self._unread.is_due(now.seconds):
            self._relieve()

    def _relieve(self) -> None:
        """Look at what is unsent, and close what is too much."""
        relief = self._unread.look(self._crowd.peers(), self._clock().seconds)
        for peer in relief.cut_off:
            peer.outlet.cut_off()
        for peer in relief.close:
            self.close(peer, CloseCode.TOO_SLOW, "too much is unread on this node: resume from where you are")

    def _recalled(self, peer: Peer, then: Then, remembered: Remembered | None) -> None:
        self._dispatcher.ask(peer, then, remembered, self._clock())
        self._crowd.note(peer)

    def _learn(self, recorded: Recorded) -> Sequence[Change]:
        """Take in what an event says of seats and libraries, and of rights; return what these become."""
        self._languages.scene.apply(recorded)
        return self._rights.apply(recorded)

    def _change(self, change: Change, position: int) -> None:
        """Let every socket of the person follow; what was dealt to it before goes out first."""
        for peer in tuple(self._dispatcher.rosters.of_user(change.user_id)):
            self._dispatcher.ask(peer, peer.session.follow, change, position)

    def _empty_window(self, after: int) -> Window:
        return Window(
            after=after, most_events=self._limits.window_events, most_bytes=self._limits.window_bytes
        )
