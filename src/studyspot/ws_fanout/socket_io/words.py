"""What is said to a client of Socket.IO, each as whole WebSocket frames."""

from datetime import timedelta
from typing import Any

from studyspot.wire.frames import LARGEST_FRAME_BYTES, CloseCode, FrameId, RoomAnswer
from studyspot.ws_fanout.encoder import text_frame
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.socket_io.packets import Kind, Packet, Signal, write_packet, write_signal

NO_OFFSET = "-"
_MILLISECOND = timedelta(milliseconds=1)


def opened(transport_id: str, limits: Limits) -> bytes:
    """The transport is open, and cannot become another one."""
    told = {
        "sid": transport_id,
        "upgrades": [],
        "pingInterval": limits.heartbeat_every // _MILLISECOND,
        "pingTimeout": limits.pong_within // _MILLISECOND,
        "maxPayload": LARGEST_FRAME_BYTES,
    }
    return text_frame(write_signal(Signal.OPEN, told))


def connected(sid: str, pid: str) -> bytes:
    return _said(Packet(Kind.CONNECT, {"sid": sid, "pid": pid}))


def connect_refused(code: CloseCode, reason: str) -> bytes:
    """The client is not let in; it does not come back by itself."""
    return _said(
        Packet(
            Kind.CONNECT_ERROR,
            {"message": reason, "data": {"code": code.name.lower().replace("_", "-")}},
        )
    )


def no_such_namespace(namespace: str) -> bytes:
    return _said(Packet(Kind.CONNECT_ERROR, {"message": "Invalid namespace"}, namespace))


def disconnected() -> bytes:
    """The client is to leave, and does not come back by itself."""
    return _said(Packet(Kind.DISCONNECT))


def ping() -> bytes:
    return text_frame(write_signal(Signal.PING))


def event(name: str, *arguments: Any) -> bytes:
    return _said(Packet(Kind.EVENT, [name, *arguments]))


def position(of_socket: int) -> bytes:
    """The socket has been brought everything up to here.

    Clients that can come back to a connection take an event's last argument for the offset to come back with,
    if it is text. With the events themselves it would be one argument more than handlers elsewhere take.
    """
    return event("position", str(of_socket))


def no_position() -> bytes:
    """Until the next position, the client has no offset to come back with: it would begin anew."""
    return event("position", NO_OFFSET)


def acknowledgement(ack: FrameId | None, answer: dict[str, Any]) -> bytes:
    """The answer to the packet of this id, if one was wanted."""
    return _said(Packet(Kind.ACK, [answer], ack=ack)) if isinstance(ack, int) else b""


def refusal(ack: FrameId | None, refused: dict[str, Any]) -> bytes:
    """Something was not done: who wanted no answer hears of it as well."""
    return event("error", refused) if ack is None else acknowledgement(ack, {"ok": False, **refused})


def room_answer(ack: FrameId | None, answer: RoomAnswer) -> bytes:
    """Whether the socket is in the room that was asked for."""
    if answer.joined:
        return acknowledgement(ack, {"ok": True, "room": answer.room})
    return refusal(ack, {"code": answer.code, "message": answer.reason, "room": answer.room})


def _said(packet: Packet) -> bytes:
    return text_frame(write_packet(packet))
