"""The sockets of a node: whose they are, and which of them are in which room."""

import math
from collections.abc import Collection, KeysView, Sequence
from datetime import datetime

from studyspot.ws_fanout.conflation import Unsent
from studyspot.ws_fanout.encoder import Encoder
from studyspot.ws_fanout.language import Language
from studyspot.ws_fanout.outlet import Outlet
from studyspot.ws_fanout.session import Session

Audience = tuple[tuple[str, ...], Collection["Peer"]]
"""Rooms, and the peers that are in exactly those of an event's rooms."""


class Dealt:
    """Frames of events for everyone who gets the same; shared by all of them, and never changed.

    Attributes:
        after: everything up to here was written, or dealt, before them.
        data: the frames.
        count: how many they are.
    """

    __slots__ = ("after", "count", "data")

    def __init__(self, after: int, data: bytes, count: int) -> None:
        self.after = after
        self.data = data
        self.count = count

    def followed_by(self, later: "Dealt") -> "Dealt":
        return Dealt(self.after, self.data + later.data, self.count + later.count)


class Peer:
    """A socket with its session, and the event frames that wait to be written together.

    Attributes:
        language: how it is spoken with.
        outbox: frames not yet written, if there are any.
        first_of: when those of them happened that this socket is measured for.
        held: frames after those of the outbox that wait for newer ones; none where the client did not ask.
        held_after: everything up to here was written or put into the outbox before them.
        is_queued: it waits for its turn to be served from the log.
        watched_at: when its next deadline is looked at, in seconds of the clock that never jumps.
    """

    __slots__ = (
        "first_of",
        "held",
        "held_after",
        "is_queued",
        "language",
        "outbox",
        "outlet",
        "session",
        "watched_at",
    )

    def __init__(self, language: Language, outlet: Outlet) -> None:
        self.language = language
        # Looked at for each event: the way over the language would be taken often.
        self.session: Session = language.session
        self.outlet = outlet
        self.outbox: Dealt | None = None
        self.first_of: tuple[datetime, ...] = ()
        self.held: Unsent | None = None
        self.held_after = 0
        self.is_queued = False
        self.watched_at = math.inf


class Roster:
    """Which sockets are in which room."""

    def __init__(self) -> None:
        self._rooms: dict[str, set[Peer]] = {}

    def __contains__(self, room: str) -> bool:
        return room in self._rooms

    def rooms(self) -> KeysView[str]:
        """Return the rooms that anyone is in."""
        return self._rooms.keys()

    def enter(self, peer: Peer, rooms: Sequence[str]) -> None:
        for room in rooms:
            _enter(self._rooms, room, peer)

    def leave(self, peer: Peer, rooms: Sequence[str]) -> None:
        for room in rooms:
            _leave(self._rooms, room, peer)

    def audiences(self, rooms: Sequence[str]) -> Sequence[Audience]:
        """Divide the peers in these rooms by which of the rooms they are in."""
        rooms = [room for room in rooms if room in self._rooms]
        if len(rooms) == 1:
            return ((tuple(rooms), self._rooms[rooms[0]]),)
        parts: list[tuple[tuple[str, ...], set[Peer]]] = []
        for room in rooms:
            rest = self._rooms[room]
            divided: list[tuple[tuple[str, ...], set[Peer]]] = []
            for names, peers in parts:
                both = peers & rest
                others = peers
                if both:
                    divided.append(((*names, room), both))
                    others, rest = peers - both, rest - both
                if others:
                    divided.append((names, others))
            if rest:
                divided.append(((room,), rest))
            parts = divided
        return parts


class Rosters:
    """Whose sockets are whose, and which are in which room as far as they get its events as they come.

    Attributes:
        prompt: those that get every event at once, by who makes their frames.
        conflating: those whose public seat frames wait for newer ones.
    """

    def __init__(self) -> None:
        self.prompt: dict[Encoder, Roster] = {}
        self.conflating: dict[Encoder, Roster] = {}
        self._rosters: list[Roster] = []
        self._users: dict[str, set[Peer]] = {}

    @property
    def room_count(self) -> int:
        """How many rooms anyone is in."""
        # Asked at every handshake: beside the most, there are nearly always only rooms that these are, too.
        if not self._rosters:
            return 0
        most, *others = sorted((roster.rooms() for roster in self._rosters), key=len, reverse=True)
        return len(most) + len({room for rooms in others for room in rooms if room not in most})

    def admit(self, peer: Peer, user_id: str) -> None:
        _enter(self._users, user_id, peer)

    def of_user(self, user_id: str) -> Collection[Peer]:
        return self._users.get(user_id, ())

    def enter(self, peer: Peer, rooms: Sequence[str]) -> None:
        self._of(peer).enter(peer, rooms)

    def leave(self, peer: Peer, rooms: Sequence[str]) -> None:
        self._of(peer).leave(peer, rooms)

    def encode(self, peer: Peer, encoder: Encoder) -> None:
        """Have the events of a socket made by this encoder from now on."""
        main = peer.session.lanes.main
        rooms = tuple(main.rooms) if main.live else ()
        self.leave(peer, rooms)
        peer.language.encoder = encoder
        self.enter(peer, rooms)

    def remove(self, peer: Peer) -> None:
        """Forget a socket whose session has ended."""
        if peer.session.identity is not None:
            _leave(self._users, peer.session.identity.user_id, peer)
        self.leave(peer, tuple(peer.session.lanes.main.rooms))

    def occupied(self, rooms: Collection[str]) -> tuple[str, ...]:
        """Return those of the rooms that anyone is in, in the same order."""
        rosters = self._rosters
        return tuple([room for room in rooms if any(room in roster for roster in rosters)])

    def _of(self, peer: Peer) -> Roster:
        rosters = self.prompt if peer.held is None else self.conflating
        roster = rosters.get(peer.language.encoder)
        if roster is None:
            roster = rosters[peer.language.encoder] = Roster()
            self._rosters.append(roster)
        return roster


def _enter(index: dict[str, set[Peer]], key: str, peer: Peer) -> None:
    peers = index.get(key)
    if peers is None:
        index[key] = {peer}
    else:
        peers.add(peer)


def _leave(index: dict[str, set[Peer]], key: str, peer: Peer) -> None:
    peers = index.get(key)
    if peers is not None:
        peers.discard(peer)
        if not peers:
            del index[key]
