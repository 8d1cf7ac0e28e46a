"""One socket's conversation: frames in, effects out. No input or output happens here."""

import secrets
from collections.abc import Collection, Iterable, Sequence
from typing import assert_never

from studyspot.access.tokens import Identity, KeysUnsettled, TokenExpired, TokenRefused
from studyspot.wire.frames import (
    Behind,
    CaughtUp,
    CloseCode,
    Connect,
    Connected,
    FrameId,
    FrameInvalid,
    FrameMalformed,
    Heartbeat,
    Join,
    Joined,
    Leave,
    Left,
    Ping,
    Pong,
    Refresh,
    Refreshed,
    Resume,
    RoomAnswer,
    Since,
    read_client_frame,
)
from studyspot.ws_fanout.admission import TOO_MANY_ROOMS, own_rooms, refused
from studyspot.ws_fanout.effects import (
    Admitted,
    Close,
    Effect,
    Listen,
    Send,
    SendPing,
    Serve,
    Unlisten,
)
from studyspot.ws_fanout.errors import error as error_frame
from studyspot.ws_fanout.lanes import Lane, Lanes
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.node import Node, Now
from studyspot.ws_fanout.rights import Standing
from studyspot.ws_fanout.vigil import Due, Vigil

_ENDS = {
    Due.NO_CONNECT: (CloseCode.NO_CONNECT, "no connect frame in time"),
    Due.TOKEN_EXPIRED: (CloseCode.TOKEN_EXPIRED, "the token has expired"),
    Due.NO_PONG: (CloseCode.NO_PONG, "no pong in time"),
    Due.STALLED: (CloseCode.TOO_SLOW, "too slow: resume from where you are"),
}


_REFUSED = {
    Standing.SHUT_OUT: (CloseCode.REVOKED, "this account may not be used any more"),
    Standing.OUTDATED: (CloseCode.TOKEN_EXPIRED, "the token is of an earlier role: get a fresh one"),
}


class Session:
    """A socket of `studyspot.v1`, from its first frame to its close.

    Attributes:
        id: names the session in logs and to its client.
        identity: whose it is; none before `connect`.
        lanes: what of which rooms has been brought.
        closed: nothing is answered any more.
    """

    __slots__ = ("_limits", "_node", "_vigil", "closed", "id", "identity", "lanes")

    def __init__(self, node: Node, limits: Limits, now: Now) -> None:
        self.id = secrets.token_urlsafe(9)
        self.identity: Identity | None = None
        self.lanes = Lanes(Lane({}, node.head))
        self.closed = False
        self._node = node
        self._limits = limits
        self._vigil = Vigil(limits, now)

    @property
    def next_deadline(self) -> float:
        """When `tick` has something to do, in seconds of the clock that never jumps."""
        return self._vigil.next

    @property
    def is_behind(self) -> bool:
        """Whether the client read too slowly, and is being served from the log."""
        return self._vigil.is_behind

    def receive(self, data: str | bytes, now: Now) -> Sequence[Effect]:
        """Answer a frame of the client."""
        if self.closed:
            return ()
        if not self._vigil.allows_frame(now):
            return self.close(CloseCode.TOO_MANY_FRAMES, "too many frames")
        try:
            frame = read_client_frame(data)
        except FrameMalformed as error:
            return self.close(CloseCode.MALFORMED, str(error))
        except FrameInvalid as error:
            if self.identity is None:
                return self.close(CloseCode.MALFORMED, error.message)
            return _error(error.id, error.code, error.message)
        if self.identity is None:
            if isinstance(frame, Connect):
                return self._connect(frame, now)
            return self.close(CloseCode.MALFORMED, "the first frame must be connect")
        match frame:
            case Connect():
                return _error(frame.id, "already-connected", "This socket is connected already.")
            case Join():
                return self._join(frame, self.identity)
            case Leave():
                left = self.lanes.remove(frame.rooms)
                return (Unlisten(left), Send(Left(id=frame.id, rooms=left)))
            case Refresh():
                return self._refresh(frame, self.identity, now)
            case Ping():
                return (Send(Pong(id=frame.id, server_now=now.time)),)
            case _ as unreachable:
                assert_never(unreachable)

    def tick(self, now: Now) -> Sequence[Effect]:
        """Do what the time calls for."""
        if self.closed:
            return ()
        due = self._vigil.due(now)
        if due is Due.HEARTBEAT:
            return (*self.beat(now), SendPing())
        return self.close(*_ENDS[due]) if due is not None else ()

    def beat(self, now: Now) -> Sequence[Effect]:
        """Tell the client how far it is, and whether the node is."""
        if self.closed or self.identity is None:
            return ()
        position = self.lanes.written(self._node.head)
        return (Send(Heartbeat(position=position, server_now=now.time, stale_since=self._node.stale_since)),)

    def heard_frame(self, now: Now) -> Sequence[Effect]:
        """Count a frame that is no message: a ping, a pong, or a further part of something."""
        if self.closed or self._vigil.allows_frame(now):
            return ()
        return self.close(CloseCode.TOO_MANY_FRAMES, "too many frames")

    def heard_pong(self) -> None:
        self._vigil.heard_pong()

    def has_read(self, now: Now) -> None:
        """Note that the client takes what is sent."""
        self._vigil.has_read(now)

    def close(self, code: CloseCode, reason: str) -> Sequence[Effect]:
        """End the conversation."""
        if self.closed:
            return ()
        self.closed = True
        return (Close(code, reason),)

    def granted(self, room: str, position: int) -> Sequence[Effect]:
        """The event at `position` entitles the person to this room: bring it, from that event on.

        Not on a socket of another role: that person comes back with a token of the role that it takes.
        """
        if self.closed or self.identity is None or self.lanes.holds(room):
            return ()
        if room not in self._node.staff_rooms_of(self.identity):
            return ()
        main = self.lanes.main
        main.rooms[room] = position - 1
        joined = Send(Joined(id=None, rooms=(RoomAnswer(room=room, joined=True),), resume="live"))
        return (joined, Listen((room,))) if main.live else (joined,)

    def withdrawn(self, room: str) -> Sequence[Effect]:
        """The person's place in the library has ended: bring no more of the room, if that was their right."""
        if self.closed or self.identity is None or not self.lanes.holds(room):
            return ()
        refusal = refused(room, self.identity, self._node.staff_rooms_of(self.identity))
        if refusal is None:
            return ()
        left = self.lanes.remove((room,))
        return (Unlisten(left), Send(Left(id=None, rooms=left, reason=refusal.reason)))

    def standing_changed(self) -> Sequence[Effect]:
        """Something was said about the person's account: end the conversation where that forbids it."""
        return self._turn_away(self.identity) if self.identity is not None else ()

    def _turn_away(self, identity: Identity) -> Sequence[Effect]:
        """Close the socket if the person may not be here, with this token; otherwise do nothing."""
        end = _REFUSED.get(self._node.standing_of(identity))
        return self.close(*end) if end is not None else ()

    def fell_behind(self, written: int, now: Now) -> Sequence[Effect]:
        """The client reads too slowly: what follows `written` waits in the log for it."""
        self.lanes.fall_behind(written)
        self._vigil.fell_behind(now)
        behind = Behind(position=self.lanes.written(self._node.head))
        return (Unlisten(tuple(self.lanes.main.rooms)), Send(behind))

    def arrived(self, lane: Lane) -> Sequence[Effect]:
        """The lane has been served up to the node's head."""
        head = self._node.head
        arrival = self.lanes.arrive(lane, head)
        if self.lanes.main.live:
            self._vigil.caught_up()
        told = [Send(CaughtUp(position=head, rooms=rooms)) for rooms in arrival.caught_up]
        return (*told, Listen(tuple(arrival.rooms)))

    def _connect(self, frame: Connect, now: Now) -> Sequence[Effect]:
        try:
            identity = self._node.verify(frame.token, now.time)
        except KeysUnsettled as error:
            return self.close(CloseCode.OVERLOAD, f"{error.reason}: come again a little later")
        except TokenExpired as error:
            return self.close(CloseCode.TOKEN_EXPIRED, error.reason)
        except TokenRefused as error:
            return self.close(CloseCode.BAD_TOKEN, error.reason)
        if turned_away := self._turn_away(identity):
            return turned_away
        if self._node.sockets_of(identity.user_id) >= self._limits.sockets_per_user:
            return self.close(CloseCode.TOO_MANY_SOCKETS, "too many sockets of this user")
        self.identity = identity
        self._vigil.connected(now, identity.expires_at)
        staff_rooms = self._node.staff_rooms_of(identity)
        own = own_rooms(identity, staff_rooms)
        answers = self._answers(frame.rooms, identity, held=own)
        resume, after = self._resume(frame.since)
        wanted = dict.fromkeys((*own, *(answer.room for answer in answers if answer.joined)), after)
        main = Lane(wanted, after, owes_caught_up=resume == "replaying")
        self.lanes = Lanes(main, conflates=frame.conflate)
        unasked = (RoomAnswer(room=room, joined=True) for room in staff_rooms if room not in frame.rooms)
        connected = Connected(
            id=frame.id,
            session=self.id,
            epoch=self._node.epoch,
            head=self._node.head,
            user=identity.user_id,
            role=identity.role,
            expires_in=_seconds_left(identity, now),
            server_now=now.time,
            heartbeat=int(self._limits.heartbeat_every.total_seconds()),
            rooms=(*answers, *unasked),
            resume=resume,
        )
        return (Admitted(identity.user_id, frame.conflate), Send(connected), Serve())

    def _join(self, frame: Join, identity: Identity) -> Sequence[Effect]:
        answers = self._answers(frame.rooms, identity, held=self.lanes.rooms())
        wanted = [answer.room for answer in answers if answer.joined]
        resume, after = self._resume(frame.since if wanted else None)
        left: tuple[str, ...] = ()
        if frame.since is None:
            wanted = [room for room in wanted if not self.lanes.holds(room)]
        else:
            # Asked for again from some point: it is brought again from there.
            left = self.lanes.remove(wanted)
        if wanted:
            self.lanes.add(wanted, after=after, owes_caught_up=resume == "replaying")
        return (Unlisten(left), Send(Joined(id=frame.id, rooms=answers, resume=resume)), Serve())

    def _refresh(self, frame: Refresh, identity: Identity, now: Now) -> Sequence[Effect]:
        try:
            fresh = self._node.verify(frame.token, now.time)
        except KeysUnsettled as error:
            return _error(frame.id, "keys-unsettled", error.reason)
        except TokenExpired as error:
            return _error(frame.id, "token-expired", error.reason)
        except TokenRefused as error:
            return _error(frame.id, "token-refused", error.reason)
        if fresh.user_id != identity.user_id:
            return _error(frame.id, "token-of-another", "The token speaks for someone else.")
        if turned_away := self._turn_away(fresh):
            return turned_away
        self.identity = fresh
        self._vigil.renewed(now, fresh.expires_at)
        refreshed = Send(Refreshed(id=frame.id, expires_in=_seconds_left(fresh, now)))
        return (refreshed, *(self._change_rooms(fresh) if fresh.role != identity.role else ()))

    def _change_rooms(self, identity: Identity) -> Sequence[Effect]:
        """Another role: leave what it may not see, enter what is its own."""
        staff_rooms = self._node.staff_rooms_of(identity)
        held = [room for lane in self.lanes for room in lane.rooms]
        left = self.lanes.remove(room for room in held if refused(room, identity, staff_rooms))
        entered = [room for room in own_rooms(identity, staff_rooms) if not self.lanes.holds(room)]
        self.lanes.add(entered, after=self._node.head, owes_caught_up=False)
        answers = tuple(RoomAnswer(room=room, joined=True) for room in entered)
        return (
            Unlisten(left),
            Send(Left(id=None, rooms=left, reason="Your role is another now.")),
            Send(Joined(id=None, rooms=answers, resume="live")),
            Serve(),
        )

    def _answers(
        self, rooms: Iterable[str], identity: Identity, *, held: Collection[str]
    ) -> tuple[RoomAnswer, ...]:
        """Say of each room whether this person may be in it, on a socket that is in those `held` already."""
        staff_rooms = self._node.staff_rooms_of(identity)
        room_count = len(held)
        answers = []
        for room in dict.fromkeys(rooms):
            refusal = refused(room, identity, staff_rooms)
            if refusal is None and room not in held:
                room_count += 1
                refusal = TOO_MANY_ROOMS if room_count > self._limits.rooms_per_socket else None
            if refusal is None:
                answers.append(RoomAnswer(room=room, joined=True))
            else:
                answers.append(RoomAnswer(room=room, joined=False, code=refusal.code, reason=refusal.reason))
        return tuple(answers)

    def _resume(self, since: Since | None) -> tuple[Resume, int]:
        """Return how the rooms continue, and after which position."""
        head = self._node.head
        if since is None:
            return "live", head
        if since.epoch != self._node.epoch or since.position < self._node.first_position - 1:
            return "snapshot-required", head
        if since.position < head:
            return "replaying", since.position
        return "live", since.position


def _error(frame_id: FrameId | None, code: str, message: str) -> Sequence[Effect]:
    return (Send(error_frame(frame_id, code, message)),)


def _seconds_left(identity: Identity, now: Now) -> int:
    return max(0, int((identity.expires_at - now.time).total_seconds()))
