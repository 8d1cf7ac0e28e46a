"""The language of Socket.IO: its packets heard as the session's frames, and the session's frames as packets.

What it has no word for is not said: that a room has caught up, or that a client is behind. A socket has one
lane, so that positions rise over all of it, and one of them says how far its client is. It is the offset that
the client comes back with: so it has one only while its rooms are what any node would bring it back to.
"""

import math
import secrets
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

from studyspot.access.tokens import Identity
from studyspot.wire.frames import (
    CaughtUp,
    CloseCode,
    Connected,
    Error,
    Heartbeat,
    Joined,
    Left,
    Pong,
    ServerFrame,
    Since,
)
from studyspot.ws_fanout.attendance import Wishes
from studyspot.ws_fanout.effects import Effect, Encode, Recall, Remember, Write
from studyspot.ws_fanout.encoder import Encoder
from studyspot.ws_fanout.entry import TurnedAway
from studyspot.ws_fanout.language import Wire
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.node import Now
from studyspot.ws_fanout.outlet import Outlet
from studyspot.ws_fanout.session import Session, error
from studyspot.ws_fanout.socket_io import words
from studyspot.ws_fanout.socket_io.encoder import PacketEncoders
from studyspot.ws_fanout.socket_io.offsets import is_beyond, read_offset
from studyspot.ws_fanout.socket_io.packets import (
    OWN_NAMESPACE,
    Kind,
    Packet,
    PacketMalformed,
    Signal,
    read_message,
)
from studyspot.ws_fanout.socket_io.remembered import Remembered

LEAVE_WITHIN = timedelta(seconds=1)
"""A client that is told to stay away closes by itself; if it were closed sooner, some would come back."""
REMEMBER_AGAIN_AFTER = timedelta(hours=6)
"""What is remembered is forgotten after a day."""
_FIRST_TO_STAY_AWAY = 4500


class SocketIo:
    """One socket that speaks Socket.IO."""

    __slots__ = (
        "_asked_rooms",
        "_changes",
        "_encoders",
        "_has_asked",
        "_limits",
        "_pid",
        "_position",
        "_recovered",
        "_remember_at",
        "_remembered_changes",
        "_told",
        "encoder",
        "session",
    )

    wire: ClassVar = Wire.SOCKET_IO

    def __init__(self, session: Session, encoders: PacketEncoders, limits: Limits) -> None:
        self.session = session
        self.encoder: Encoder = encoders.placed
        self._encoders = encoders
        self._limits = limits
        self._pid = secrets.token_urlsafe(18)
        self._has_asked = False
        self._recovered = False
        self._asked_rooms: dict[str, None] = {}
        self._position = self._told = 0
        self._changes = self._remembered_changes = 0
        self._remember_at = math.inf

    def begin(self) -> Sequence[Effect]:
        """Open the transport, which cannot become another one."""
        return (Write(words.opened(secrets.token_urlsafe(9), self._limits)),)

    def receive(self, data: str | bytes, now: Now) -> Sequence[Effect]:
        """Answer a message of the client."""
        flood = self.session.heard_frame(now)
        if self.session.closed:
            return flood
        try:
            message = read_message(data)
        except PacketMalformed as malformed:
            return self.session.close(CloseCode.MALFORMED, str(malformed))
        if message is Signal.PONG:
            self.session.heard_pong()
            return (self._remember(now),) if now.seconds >= self._remember_at else ()
        if isinstance(message, Signal):
            return self.session.close(CloseCode.DONE, "the client has closed")
        if message.namespace != OWN_NAMESPACE:
            return _elsewhere(message)
        match message:
            case Packet(Kind.CONNECT, data=auth):
                return self._connect(auth or {}, now)
            case Packet(Kind.DISCONNECT):
                return self.session.close(CloseCode.DONE, "the client has disconnected")
            case Packet(Kind.EVENT, data=[str(name), *arguments], ack=ack) if (
                self.session.identity is not None
            ):
                return self._answer(name, arguments, ack, now)
            case Packet(Kind.ACK):
                # Nothing that is sent asks for one.
                return ()
            case _:
                return self.session.close(CloseCode.MALFORMED, "the first packet must be connect")

    def put(self, frame: ServerFrame) -> bytes:
        """Return the packets that say this, as far as Socket.IO has words for it."""
        match frame:
            case Connected(session=sid, head=head):
                connected = words.connected(sid, self._pid)
                # What a client has from another connection is no offset of this one.
                return connected if self._recovered else connected + self._tell(head)
            case Joined(id=ack, rooms=answers):
                return b"".join([words.room_answer(ack, answer) for answer in answers])
            case Left(id=ack, rooms=rooms):
                return words.acknowledgement(ack, {"ok": True, "room": next(iter(rooms), None)})
            case Pong(id=ack, server_now=server_now):
                pong = words.event("pong", {"timestamp": server_now})
                return pong + words.acknowledgement(ack, {"ok": True})
            case Error(id=ack, code=code, message=message):
                return words.refusal(ack, {"code": code, "message": message})
            case Heartbeat(position=position) | CaughtUp(position=position) if self._has_offset:
                return self._tell(position) if position > self._told else b""
            case _:
                return b""

    def ping(self, outlet: Outlet) -> None:
        outlet.write(words.ping())

    def close(self, outlet: Outlet, code: CloseCode, reason: str) -> None:
        """End the transport, after which a client comes back by itself; or tell it to stay away."""
        if last_words := self._last_words(code, reason):
            outlet.write(last_words)
            outlet.begin_close(code, reason, after=LEAVE_WITHIN)
        else:
            outlet.begin_close(code, reason)

    def _connect(self, auth: dict[str, Any], now: Now) -> Sequence[Effect]:
        if self._has_asked:
            return error(None, "already-connected", "This socket is connected already.")
        self._has_asked = True
        token, pid = auth.get("token"), auth.get("pid")
        try:
            identity = self.session.identify(token if isinstance(token, str) else "", now)
        except TurnedAway as end:
            return self.session.close(end.code, end.reason)
        if isinstance(pid, str):
            return (Recall(pid, partial(self._come_back, identity, pid, auth.get("offset"))),)
        return self._begin(identity, Wishes(), now)

    def _come_back(
        self, identity: Identity, pid: str, offset: object, remembered: Remembered | None, now: Now
    ) -> Sequence[Effect]:
        """Go on with a connection where its client is, or, where that cannot be, begin a new one."""
        if self.session.closed:
            return ()
        position = read_offset(offset)
        if remembered is None or remembered.user_id != identity.user_id or position is None:
            return self._begin(identity, Wishes(), now)
        since = Since(epoch=remembered.epoch, position=max(position, remembered.position))
        is_beyond_us = is_beyond(since.position, self.session.head, self._limits)
        if is_beyond_us or not self.session.can_resume(since):
            return self._begin(identity, Wishes(), now)
        self._pid, self._recovered = pid, True
        # A client goes by what it was told last, also where this node is behind the one that told it.
        self._told = since.position
        wishes = Wishes(rooms=tuple(remembered.rooms), floors=remembered.rooms, since=since)
        return self._begin(identity, wishes, now)

    def _begin(self, identity: Identity, wishes: Wishes, now: Now) -> Sequence[Effect]:
        effects = self.session.begin(identity, wishes, now)
        if self.session.closed:
            return effects
        lanes = self.session.lanes
        self._position = lanes.main.cursor
        self._asked_rooms = {room: None for room in wishes.rooms if lanes.holds(room)}
        return (*effects, self._remember(now))

    def _remember(self, now: Now) -> Remember:
        session, floors = self.session, self.session.lanes.main.rooms
        assert session.identity is not None
        self._remember_at = now.seconds + REMEMBER_AGAIN_AFTER.total_seconds()
        rooms = {room: floors[room] for room in self._asked_rooms if room in floors}
        remembered = Remembered(session.identity.user_id, session.epoch, rooms, self._position)
        then = None if self._has_offset else partial(self._settle, self._changes)
        return Remember(self._pid, remembered, then)

    @property
    def _has_offset(self) -> bool:
        return self._changes == self._remembered_changes

    def _change(self, effects: Sequence[Effect], now: Now) -> Sequence[Effect]:
        """Change rooms by these effects; until that is remembered, the client has no offset."""
        had_offset = self._has_offset
        self._changes += 1
        if not had_offset:
            return (*effects, self._remember(now))
        unplaced = Encode(self._encoders.unplaced)
        return (Write(words.no_position()), *effects, unplaced, self._remember(now))

    def _settle(self, changes: int, _: Remembered | None, __: Now) -> Sequence[Effect]:
        """So many changes of rooms are remembered: if there are no more, the client has an offset again."""
        if self.session.closed or changes != self._changes:
            return ()
        self._remembered_changes = changes
        position = max(self._told, self.session.lanes.written(self.session.head))
        return (Encode(self._encoders.placed), Write(self._tell(position)))

    def _answer(self, name: str, arguments: list[Any], ack: int | None, now: Now) -> Sequence[Effect]:
        match name, arguments:
            case "join:role", [str(role) | {"role": str(role)}, *_]:
                return self._enter(f"role:{role}", ack, now)
            case "join:library", [str(library_id) | {"libraryId": str(library_id)}, *_]:
                return self._enter(f"library:{library_id}", ack, now)
            case "leave:library", [str(library_id) | {"libraryId": str(library_id)}, *_]:
                return self._leave(f"library:{library_id}", ack, now)
            case "ping", _:
                return self.session.ping(ack, now)
            case (("join:role" | "join:library" | "leave:library"), _):
                return error(ack, "invalid-frame", f"{name} takes a name or an id.")
            case _:
                # As elsewhere nobody hears an event that has no listener; who asks for an answer gets one.
                return error(ack, "unknown-frame", f"There is no event {name}.") if ack is not None else ()

    def _enter(self, room: str, ack: int | None, now: Now) -> Sequence[Effect]:
        was_in_it = self.session.lanes.holds(room)
        effects = self.session.enter(room, ack)
        if was_in_it or not self.session.lanes.holds(room):
            return effects
        self._asked_rooms[room] = None
        return self._change(effects, now)

    def _leave(self, room: str, ack: int | None, now: Now) -> Sequence[Effect]:
        effects = self.session.leave((room,), ack)
        if room not in self._asked_rooms:
            return effects
        del self._asked_rooms[room]
        return self._change(effects, now)

    def _tell(self, position: int) -> bytes:
        self._told = position
        return words.position(position)

    def _last_words(self, code: CloseCode, reason: str) -> bytes:
        if self.session.identity is None and self._has_asked:
            if code is CloseCode.TOKEN_EXPIRED or code >= _FIRST_TO_STAY_AWAY:
                return words.connect_refused(code, reason)
            return b""
        return words.disconnected() if code >= _FIRST_TO_STAY_AWAY else b""


def _elsewhere(packet: Packet) -> Sequence[Effect]:
    """Answer what is said to another namespace, of which there are none."""
    return (Write(words.no_such_namespace(packet.namespace)),) if packet.kind is Kind.CONNECT else ()
