"""One socket's conversation: what its client asks for in, effects out. No input or output happens here."""

import secrets
from collections.abc import Sequence
from typing import assert_never

from studyspot.access.tokens import Identity
from studyspot.wire.frames import (
    Behind,
    CaughtUp,
    CloseCode,
    Connected,
    FrameId,
    Heartbeat,
    Join,
    Pong,
    Refreshed,
    Since,
)
from studyspot.ws_fanout.attendance import Attendance, Wishes
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
from studyspot.ws_fanout.entry import NotRenewed, TurnedAway, check_standing, identified, let_in, renewed
from studyspot.ws_fanout.errors import error as error_frame
from studyspot.ws_fanout.lanes import Lane, Lanes
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.node import Node, Now
from studyspot.ws_fanout.rights import Change, Granted, RoleChanged, ShutOut, Withdrawn
from studyspot.ws_fanout.vigil import Due, Vigil

_ENDS = {
    Due.NO_CONNECT: (CloseCode.NO_CONNECT, "no connect frame in time"),
    Due.TOKEN_EXPIRED: (CloseCode.TOKEN_EXPIRED, "the token has expired"),
    Due.NO_PONG: (CloseCode.NO_PONG, "no pong in time"),
    Due.STALLED: (CloseCode.TOO_SLOW, "too slow: resume from where you are"),
}


class Session:
    """A socket, from its first frame to its close, in whatever language these frames come and go.

    Attributes:
        id: names the session in logs and to its client.
        identity: whose it is; none before `connect`.
        closed: nothing is answered any more.
    """

    __slots__ = ("_attendance", "_limits", "_node", "_vigil", "closed", "id", "identity")

    def __init__(self, node: Node, limits: Limits, now: Now) -> None:
        self.id = secrets.token_urlsafe(9)
        self.identity: Identity | None = None
        self.closed = False
        self._attendance = Attendance(node, limits)
        self._node = node
        self._limits = limits
        self._vigil = Vigil(limits, now)

    @property
    def lanes(self) -> Lanes:
        """What of which rooms has been brought."""
        return self._attendance.lanes

    @property
    def epoch(self) -> str:
        """The history that positions belong to."""
        return self._node.epoch

    @property
    def head(self) -> int:
        """The last position that the node has."""
        return self._node.head

    @property
    def next_deadline(self) -> float:
        """When `tick` has something to do, in seconds of the clock that never jumps."""
        return self._vigil.next

    @property
    def is_behind(self) -> bool:
        """Whether the client read too slowly, and is being served from the log."""
        return self._vigil.is_behind

    def identify(self, token: str, now: Now) -> Identity:
        """Return who shows this token.

        Raises:
            TurnedAway: nobody who may be here; the session is to be closed.
        """
        identity = identified(token, now.time, self._node)
        # Before anything is looked up for them.
        let_in(identity, self._node, self._limits)
        self._vigil.identified(now)
        return identity

    def begin(
        self, identity: Identity, wishes: Wishes, now: Now, *, frame_id: FrameId | None = None
    ) -> Sequence[Effect]:
        """Let the person in, or turn them away, whatever has become of them since they were identified."""
        try:
            let_in(identity, self._node, self._limits)
        except TurnedAway as end:
            return self.close(end.code, end.reason)
        self.identity = identity
        self._vigil.connected(now, identity.expires_at)
        rooms, resume = self._attendance.begin(wishes, identity)
        connected = Connected(
            id=frame_id,
            session=self.id,
            epoch=self._node.epoch,
            head=self._node.head,
            user=identity.user_id,
            role=identity.role,
            expires_in=_seconds_left(identity, now),
            server_now=now.time,
            heartbeat=int(self._limits.heartbeat_every.total_seconds()),
            rooms=rooms,
            resume=resume,
        )
        # Who comes to a node that has lost its source is told as soon as those who were there.
        stale = self.beat(now) if self._node.stale_since is not None else ()
        return (Admitted(identity.user_id, wishes.conflate), Send(connected), *stale, Serve())

    def refresh(self, token: str, frame_id: FrameId | None, now: Now) -> Sequence[Effect]:
        """Go on with a fresh token of the same person, whose role may be another."""
        assert self.identity is not None
        before = self.identity
        try:
            fresh = renewed(token, before, now.time, self._node)
        except NotRenewed as refusal:
            return error(frame_id, refusal.code, refusal.message)
        except TurnedAway as end:
            return self.close(end.code, end.reason)
        self.identity = fresh
        self._vigil.renewed(now, fresh.expires_at)
        refreshed = Send(Refreshed(id=frame_id, expires_in=_seconds_left(fresh, now)))
        followed = self._attendance.change_role(fresh) if fresh.role != before.role else ()
        return (refreshed, *followed)

    def join(self, frame: Join) -> Sequence[Effect]:
        """Enter the rooms that are asked for, and bring what they missed."""
        assert self.identity is not None
        return self._attendance.join(frame, self.identity)

    def enter(self, room: str, frame_id: FrameId | None) -> Sequence[Effect]:
        """Enter a room from now on, such that positions rise over all of the socket."""
        assert self.identity is not None
        return self._attendance.enter(room, frame_id, self.identity)

    def leave(self, rooms: Sequence[str], frame_id: FrameId | None) -> Sequence[Effect]:
        """Leave rooms, as far as the socket is in them."""
        return self._attendance.leave(rooms, frame_id)

    def ping(self, frame_id: FrameId | None, now: Now) -> Sequence[Effect]:
        """Answer a client that asks whether it is heard."""
        return (Send(Pong(id=frame_id, server_now=now.time)),)

    def can_resume(self, since: Since) -> bool:
        """Return whether what followed can still be brought."""
        return self._attendance.can_resume(since)

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

    def follow(self, change: Change, position: int) -> Sequence[Effect]:
        """The event at `position` has changed the person's rights."""
        if self.closed or self.identity is None:
            return ()
        match change:
            case Granted(room=room):
                return self._attendance.granted(room, position, self.identity)
            case Withdrawn(room=room):
                return self._attendance.withdrawn(room, self.identity)
            case ShutOut() | RoleChanged():
                try:
                    check_standing(self.identity, self._node)
                except TurnedAway as end:
                    return self.close(end.code, end.reason)
                return ()
            case _ as unreachable:
                assert_never(unreachable)

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


def error(frame_id: FrameId | None, code: str, message: str) -> Sequence[Effect]:
    """Answer with an error that the table has; the socket stays."""
    return (Send(error_frame(frame_id, code, message)),)


def _seconds_left(identity: Identity, now: Now) -> int:
    return max(0, int((identity.expires_at - now.time).total_seconds()))
