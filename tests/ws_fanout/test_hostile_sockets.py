"""Whatever is sent over an open socket ends that socket at most; nothing of it is an error of ours."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.door import Door, opened, said_to
from tests.ws_fanout.events import booked
from tests.ws_fanout.live import LIMIT, connected, until
from tests.ws_fanout.people import token
from tests.ws_fanout.test_handshake import UPGRADE

KEY = b"\x00\x00\x00\x00"
PING, CONTINUATION, TEXT, TEXT_BEGUN, BINARY = b"\x89\x80", b"\x00\x80", 0x81, 0x01, 0x82


def text(payload: bytes, first: int = TEXT) -> bytes:
    """A masked frame of a client."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([first]) + length + KEY + payload


CONNECT = text(b'{"type":"connect","token":"' + token("s1").encode() + b'"}')

SENT = {
    "not masked": b"\x81\x02{}",
    "an unknown opcode": b"\x83\x80" + KEY,
    "a reserved bit": b"\xc1\x80" + KEY,
    "a ping too long": b"\x89\xfe\x00\x80" + KEY + b"x" * 128,
    "a ping in parts": b"\x09\x80" + KEY,
    "a part of nothing": CONTINUATION + KEY,
    "text that is no UTF-8": text(b"\xff\xfe"),
    "half of a character": text(b'{"type":"ping","id":"\xc3', TEXT_BEGUN) + b"\x80\x80" + KEY,
    "a lone surrogate": text(rb'{"type":"ping","id":"\ud800"}'),
    "a key that is a lone surrogate": text(rb'{"type":"ping","\udfff":1}'),
    "a number beyond all": text(b'{"type":"ping","id":1e999}'),
    "digits without end": text(b'{"type":"ping","id":' + b"9" * 5000 + b"}"),
    "deep": text(b'{"type":' * 1000),
    "binary": text(b"{}", BINARY),
    "a length of 2^63": b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    "a close with half a code": b"\x88\x81" + KEY + b"\x03",
    "a close with code 0": b"\x88\x82" + KEY + b"\x00\x00",
    "a close with a code of nobody": b"\x88\x82" + KEY + b"\xff\xff",
    "half a frame": b"\x81\xfe\x10",
}


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with opened(Limits(frames_at_once=50)) as door:
        yield door


@pytest.mark.parametrize("first", [b"", CONNECT], ids=["before connect", "after it"])
@pytest.mark.parametrize("sent", SENT.values(), ids=SENT.keys())
async def test_what_is_no_frame_of_ours_ends_one_socket_and_is_no_error(
    door: Door, sent: bytes, first: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(door.port, "s2", rooms=["library:L1"]) as other:
        await said_to(door, UPGRADE + b"\r\n" + first + sent, half_close=True)
        await until(lambda: door.hub.socket_count == 1)
        door.publish(booked())
        assert (await other.receive())["position"] == 1

    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR", "CRITICAL")]


@pytest.mark.parametrize(
    "flood",
    [
        (PING + KEY) * 1000,
        (b"\x8a\x80" + KEY) * 1000,
        text(b"{", TEXT_BEGUN) + (CONTINUATION + KEY) * 1000,
        text(b'{"type":"ping"}') * 1000,
    ],
    ids=["pings", "pongs", "empty parts", "messages"],
)
async def test_frames_of_every_kind_are_counted(door: Door, flood: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    try:
        writer.write(UPGRADE + b"\r\n" + CONNECT)
        async with asyncio.timeout(LIMIT):
            await reader.readuntil(b'"connected"')
            writer.write(flood)
            await until(lambda: door.counted("closes_total", code="4013") == 1)
    finally:
        writer.close()


async def test_who_floods_before_the_answer_is_cut_off() -> None:
    async with opened(Limits(connects_at_once=1, connects_per_second=1)) as door, connected(door.port, "s1"):
        _, writer = await asyncio.open_connection("127.0.0.1", door.port)
        try:
            writer.write(UPGRADE + b"\r\n" + (PING + KEY) * 1000)
            await until(lambda: door.counted("refused_connects_total", cause="too-many-frames") == 1)
            await until(lambda: door.gate.taken == 1)
        finally:
            writer.close()
