"""Packets of Socket.IO (protocol 5) as messages of Engine.IO (protocol 4), one in each text frame.

A message is a digit of Engine.IO's and what it carries; that of a packet of Socket.IO is `4`. Binary packets
are not read: whatever is said here is JSON. https://socket.io/docs/v4/socket-io-protocol
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson

OWN_NAMESPACE = "/"
LARGEST_ACK_ID = 2**53
"""What a client in JavaScript can count up to."""

_DIGITS = frozenset("0123456789")
_MESSAGE = "4"


class Kind(Enum):
    """What a packet of Socket.IO is about; the value is its digit."""

    CONNECT = "0"
    DISCONNECT = "1"
    EVENT = "2"
    ACK = "3"
    CONNECT_ERROR = "4"


class Signal(Enum):
    """A message of Engine.IO's own; the value is its digit."""

    OPEN = "0"
    CLOSE = "1"
    PING = "2"
    PONG = "3"


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet of Socket.IO.

    Attributes:
        data: JSON; none where the packet carries nothing.
        ack: which of its packets the client wants answered, or which one this answers.
    """

    kind: Kind
    data: Any = None
    namespace: str = OWN_NAMESPACE
    ack: int | None = None


class PacketMalformed(ValueError):
    """Not a packet that a client may send."""


_KINDS = {kind.value: kind for kind in Kind}
_FROM_CLIENTS = {"1": Signal.CLOSE, "3": Signal.PONG}


def read_message(message: str | bytes) -> Packet | Signal:
    """Return what a client sent.

    Raises:
        PacketMalformed: it is binary, or none of the messages that a client sends once it is open.
    """
    if isinstance(message, bytes):
        raise PacketMalformed("binary packets are not read")
    if message.startswith(_MESSAGE):
        return read_packet(message[1:])
    signal = _FROM_CLIENTS.get(message)
    if signal is None:
        raise PacketMalformed("no message of a client of Engine.IO 4")
    return signal


def read_packet(text: str) -> Packet:
    """Return the packet of Socket.IO that this is.

    Raises:
        PacketMalformed: it is binary or no packet, or its data are not those of its kind.
    """
    kind = _KINDS.get(text[:1])
    if kind is None:
        raise PacketMalformed("binary packets are not read, and there are no others of this kind")
    namespace, rest = _namespace(text[1:])
    ack, rest = _ack_id(rest)
    packet = Packet(kind, _json(rest), namespace, ack)
    if not _is_sound(packet):
        raise PacketMalformed(f"these are no data of a packet of kind {kind.name}")
    return packet


def write_packet(packet: Packet) -> bytes:
    """Return the message that carries this packet."""
    namespace = "" if packet.namespace == OWN_NAMESPACE else f"{packet.namespace},"
    ack = "" if packet.ack is None else str(packet.ack)
    data = b"" if packet.data is None else orjson.dumps(packet.data, option=orjson.OPT_UTC_Z)
    return f"{_MESSAGE}{packet.kind.value}{namespace}{ack}".encode() + data


def write_signal(signal: Signal, data: Any = None) -> bytes:
    """Return a message of Engine.IO's own."""
    return signal.value.encode() + (b"" if data is None else orjson.dumps(data))


def _namespace(text: str) -> tuple[str, str]:
    if not text.startswith("/"):
        return OWN_NAMESPACE, text
    namespace, _, rest = text.partition(",")
    # What clients of old put behind the name is none of it.
    return namespace.partition("?")[0], rest


def _ack_id(text: str) -> tuple[int | None, str]:
    length = 0
    while length < len(text) and text[length] in _DIGITS:
        length += 1
        if length > len(str(LARGEST_ACK_ID)):
            raise PacketMalformed("the id is too long")
    if not length:
        return None, text
    ack = int(text[:length])
    if ack > LARGEST_ACK_ID:
        raise PacketMalformed("the id is too large")
    return ack, text[length:]


def _json(text: str) -> Any:
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise PacketMalformed("the data are not JSON") from None


def _is_sound(packet: Packet) -> bool:
    match packet.kind:
        case Kind.CONNECT:
            return packet.data is None or isinstance(packet.data, dict)
        case Kind.DISCONNECT:
            return packet.data is None
        case Kind.EVENT:
            return isinstance(packet.data, list) and bool(packet.data) and isinstance(packet.data[0], str)
        case Kind.ACK:
            return packet.ack is not None and isinstance(packet.data, list)
        case Kind.CONNECT_ERROR:
            return isinstance(packet.data, str | dict)
