"""The codec, judged by that of python-socketio."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from socketio.packet import Packet as TheirPacket  # type: ignore[import-untyped]

from studyspot.ws_fanout.socket_io.packets import (
    LARGEST_ACK_ID,
    Kind,
    Packet,
    PacketMalformed,
    Signal,
    read_message,
    read_packet,
    write_packet,
    write_signal,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(
    scalars | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=4)
events = st.builds(lambda name, arguments: [name, *arguments], texts, st.lists(values, max_size=3))
namespaces = st.just("/") | st.text("abcXYZ019-_/", max_size=8).map(lambda name: f"/{name}")
ack_ids = st.integers(0, LARGEST_ACK_ID)
packets = st.one_of(
    st.builds(Packet, st.just(Kind.CONNECT), st.none() | objects, namespaces),
    st.builds(Packet, st.just(Kind.DISCONNECT), st.none(), namespaces),
    st.builds(Packet, st.just(Kind.EVENT), events, namespaces, st.none() | ack_ids),
    st.builds(Packet, st.just(Kind.ACK), st.lists(values, max_size=3), namespaces, ack_ids),
    st.builds(Packet, st.just(Kind.CONNECT_ERROR), objects, namespaces),
)


def theirs(packet: Packet) -> TheirPacket:
    return TheirPacket(int(packet.kind.value), packet.data, namespace=packet.namespace, id=packet.ack)


@given(packets)
def test_what_is_written_their_client_reads(packet: Packet) -> None:
    message = write_packet(packet).decode()

    assert message[0] == "4"
    read = TheirPacket(encoded_packet=message[1:])
    assert (read.packet_type, read.namespace or "/", read.id) == (
        int(packet.kind.value),
        packet.namespace,
        packet.ack,
    )
    assert read.data == packet.data


@given(packets)
def test_what_their_client_writes_is_read(packet: Packet) -> None:
    assert read_message(f"4{theirs(packet).encode()}") == packet


@given(st.text("0123456789-/,ab[]{}\"':?. ", max_size=12) | texts)
def test_any_text_is_a_packet_that_they_read_the_same_or_none(text: str) -> None:
    try:
        packet = read_packet(text)
    except PacketMalformed:
        return
    read = TheirPacket(encoded_packet=text)
    assert read.packet_type == int(packet.kind.value)
    assert (read.namespace or "/", read.id, read.data) == (packet.namespace, packet.ack, packet.data)
    assert read.attachment_count == 0


@given(st.text(max_size=30) | st.binary(max_size=30))
def test_nothing_that_is_sent_is_anything_but_a_message_or_malformed(message: str | bytes) -> None:
    with suppress(PacketMalformed):
        assert isinstance(read_message(message), Packet | Signal)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "0",
        "2",
        "2probe",
        "5",
        "6",
        "4",
        "47",
        "45-",
        '451-["upload",{"_placeholder":true,"num":0}]',
        "461-1[]",
        "42",
        "42[]",
        "42[1]",
        '42{"name":"ping"}',
        "42[ping]",
        '4100["ping"]',
        "43[]",
        '42123456789012345678["ping"]',
        f'42{2**53 + 1}["ping"]',
        '42٣["ping"]',
        '40"token"',
        "40[]",
        "41{}",
        f"42{'[' * 5000}",
        b"\x04",
    ],
)
def test_what_no_client_may_send_is_malformed(message: str | bytes) -> None:
    with pytest.raises(PacketMalformed):
        read_message(message)


@pytest.mark.parametrize(
    ("message", "read"),
    [
        ("3", Signal.PONG),
        ("1", Signal.CLOSE),
        ("40", Packet(Kind.CONNECT)),
        ('40{"token":"t"}', Packet(Kind.CONNECT, {"token": "t"})),
        ('40/admin,{"token":"t"}', Packet(Kind.CONNECT, {"token": "t"}, "/admin")),
        ("40/admin?token=t,", Packet(Kind.CONNECT, None, "/admin")),
        ("41/admin", Packet(Kind.DISCONNECT, None, "/admin")),
        ('4212["join:role","student"]', Packet(Kind.EVENT, ["join:role", "student"], ack=12)),
        ('42/admin,1["x"]', Packet(Kind.EVENT, ["x"], "/admin", 1)),
    ],
)
def test_what_clients_send_is_read(message: str, read: Any) -> None:
    assert read_message(message) == read


def test_messages_of_engine_io_carry_what_they_are_given() -> None:
    assert write_signal(Signal.PING) == b"2"
    opened = write_signal(Signal.OPEN, {"sid": "x"})
    assert (opened[:1], json.loads(opened[1:])) == (b"0", {"sid": "x"})
