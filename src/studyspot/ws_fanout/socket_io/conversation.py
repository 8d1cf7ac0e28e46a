"""The language of Socket.IO: its packets heard as the session's frames, and the session's frames as packets.

What it has no word for is not said: that a room has caught up, or that a client is behind. A socket has one
lane, so that positions rise over all of it, and one of them says how far its client is.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from enum import Enum, auto
from typing import Any

from studyspot.wire.frames import (
    LARGEST_FRAME_BYTES,
    CloseCode,
    Connect,
    Connected,
    Error,
    FrameId,
    Heartbeat,
    Join,
    Joined,
    Leave,
    Left,
    Ping,
    Pong,
    RoomAnswer,
    ServerFrame,
)
from studyspot.ws_fanout.effects import Effect, Write
from studyspot.ws_fanout.encoder import text_frame
from studyspot.ws_fanout.language import Encoder
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.node import Now
from studyspot.ws_fanout.outlet import Outlet
from studyspot.ws_fanout.session import Session, error
from studyspot.ws_fanout.socket_io.encoder import event_packet, position_packet
from studyspot.ws_fanout.socket_io.packets import (
    OWN_NAMESPACE,
    Kind,
    Packet,
    PacketMalformed,
    Signal,
    read_message,
    write_packet,
    write_signal,
)

LEAVE_WITHIN = timedelta(seconds=1)
"""A client that is told to stay away closes by itself; if it were closed sooner, some would come back."""
_MILLISECOND = timedelta(milliseconds=1)
_FIRST_TO_STAY_AWAY = 4500


class _Stage(Enum):
    OPEN = auto()
    ASKED = auto()
    """The client has asked to be connected."""


class SocketIo:
    """One socket that speaks Socket.IO."""

    def __init__(self, session: Session, encoder: Encoder, limits: Limits) -> None:
        self.session = session
        self.encoder: Encoder = encoder
        self._limits = limits
        self._pid = secrets.token_urlsafe(18)
        self._stage = _Stage.OPEN
        self._told = 0

    def begin(self) -> Sequence[Effect]:
        """Open the transport, which cannot become another one."""
        opening = {
            "sid": secrets.token_urlsafe(9),
            "upgrades": [],
            "pingInterval": self._limits.heartbeat_every // _MILLISECOND,
            "pingTimeout": self._limits.pong_within // _MILLISECOND,
            "maxPayload": LARGEST_FRAME_BYTES,
        }
        return (Write(text_frame(write_signal(Signal.OPEN, opening))),)

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
            return ()
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
                connected = Packet(Kind.CONNECT, {"sid": sid, "pid": self._pid})
                # What a client has from an earlier connection is no offset of this one.
                return text_frame(write_packet(connected)) + self._position(head)
            case Joined(id=ack, rooms=answers):
                return b"".join([_room_answer(ack, answer) for answer in answers])
            case Left(id=ack, rooms=rooms):
                return _ack(ack, {"ok": True, "room": next(iter(rooms), None)})
            case Pong(id=ack, server_now=server_now):
                return event_packet("pong", {"timestamp": server_now}) + _ack(ack, {"ok": True})
            case Error(id=ack, code=code, message=message):
                return _refusal(ack, {"code": code, "message": message})
            case Heartbeat(position=position) if position > self._told:
                return self._position(position)
            case _:
                return b""

    def ping(self, outlet: Outlet) -> None:
        outlet.write(text_frame(write_signal(Signal.PING)))

    def close(self, outlet: Outlet, code: CloseCode, reason: str) -> None:
        """End the transport, after which a client comes back by itself; or tell it to stay away."""
        words = self._last_words(code, reason)
        if words:
            outlet.write(words)
            outlet.begin_close(code, reason, after=LEAVE_WITHIN)
        else:
            outlet.begin_close(code, reason)

    def _connect(self, auth: dict[str, Any], now: Now) -> Sequence[Effect]:
        if self._stage is not _Stage.OPEN:
            return error(None, "already-connected", "This socket is connected already.")
        self._stage = _Stage.ASKED
        token = auth.get("token")
        return self.session.connect(Connect(token=token if isinstance(token, str) else ""), now)

    def _answer(self, name: str, arguments: list[Any], ack: int | None, now: Now) -> Sequence[Effect]:
        match name, arguments:
            case "join:role", [str(role) | {"role": str(role)}, *_]:
                return self._enter(f"role:{role}", ack)
            case "join:library", [str(library_id) | {"libraryId": str(library_id)}, *_]:
                return self._enter(f"library:{library_id}", ack)
            case "leave:library", [str(library_id) | {"libraryId": str(library_id)}, *_]:
                return self.session.take(Leave(id=ack, rooms=(f"library:{library_id}",)), now)
            case "ping", _:
                return self.session.take(Ping(id=ack), now)
            case (("join:role" | "join:library" | "leave:library"), _):
                return error(ack, "invalid-frame", f"{name} takes a name or an id.")
            case _:
                # As elsewhere nobody hears an event that has no listener; who asks for an answer gets one.
                return error(ack, "unknown-frame", f"There is no event {name}.") if ack is not None else ()

    def _enter(self, room: str, ack: int | None) -> Sequence[Effect]:
        return self.session.enter(Join(id=ack, rooms=(room,)))

    def _position(self, position: int) -> bytes:
        self._told = position
        return position_packet(position)

    def _last_words(self, code: CloseCode, reason: str) -> bytes:
        if self.session.identity is None and self._stage is _Stage.ASKED:
            if code is CloseCode.TOKEN_EXPIRED or code >= _FIRST_TO_STAY_AWAY:
                refusal = {"message": reason, "data": {"code": code.name.lower().replace("_", "-")}}
                return text_frame(write_packet(Packet(Kind.CONNECT_ERROR, refusal)))
            return b""
        return text_frame(write_packet(Packet(Kind.DISCONNECT))) if code >= _FIRST_TO_STAY_AWAY else b""


def _elsewhere(packet: Packet) -> Sequence[Effect]:
    """Answer what is said to another namespace, of which there are none."""
    if packet.kind is not Kind.CONNECT:
        return ()
    refusal = Packet(Kind.CONNECT_ERROR, {"message": "Invalid namespace"}, packet.namespace)
    return (Write(text_frame(write_packet(refusal))),)


def _room_answer(ack: FrameId | None, answer: RoomAnswer) -> bytes:
    if answer.joined:
        return _ack(ack, {"ok": True, "room": answer.room})
    return _refusal(ack, {"code": answer.code, "message": answer.reason, "room": answer.room})


def _refusal(ack: FrameId | None, refusal: dict[str, Any]) -> bytes:
    """Tell of something that was not done: who wanted no answer hears of it as well."""
    return event_packet("error", refusal) if ack is None else _ack(ack, {"ok": False, **refusal})


def _ack(ack: FrameId | None, answer: dict[str, Any]) -> bytes:
    return text_frame(write_packet(Packet(Kind.ACK, [answer], ack=ack))) if isinstance(ack, int) else b""
