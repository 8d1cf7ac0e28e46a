"""Connections from their first byte to their end, whatever the other side does about it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from structlog.testing import capture_logs
from websockets.frames import Frame
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from studyspot.wire.frames import SUBPROTOCOL
from studyspot.ws_fanout.connection import Connection
from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.door import Door, opened
from tests.ws_fanout.live import LIMIT, connected, until
from tests.ws_fanout.test_handshake import UPGRADE
from tests.ws_fanout.test_hostile_sockets import CONNECT, CONTINUATION, KEY, TEXT_BEGUN, text

GOODBYE = b"\x88\x80" + KEY


@asynccontextmanager
async def client_of(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client that hangs up only at the end, whatever it is told."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(LIMIT):
            yield reader, writer
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("last", [GOODBYE, text(b"\xff\xfe")], ids=["a goodbye", "what is no text"])
async def test_who_does_not_hang_up_after_the_end_is_cut_off(last: bytes) -> None:
    async with opened() as door, client_of(door.port) as (reader, writer):
        writer.write(UPGRADE + b"\r\n" + CONNECT)
        await reader.readuntil(b'"connected"')
        writer.write(last)

        await until(lambda: not door.hub.socket_count)
        assert door.gate.taken == 0


async def test_who_does_not_hang_up_after_a_refusal_is_cut_off() -> None:
    async with opened() as door, client_of(door.port) as (reader, writer):
        writer.write(b"GET /elsewhere HTTP/1.1\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 404")

        await until(lambda: not door.handshakes.pending)


async def test_long_messages_before_the_answer_are_not_kept_without_end() -> None:
    async with (
        opened(Limits(connects_at_once=1, connects_per_second=1)) as door,
        connected(door.port, "s1"),
        client_of(door.port) as (_, writer),
    ):
        writer.write(UPGRADE + b"\r\n" + text(b"x" * 8000) * 20)

        await until(lambda: door.counted("refused_connects_total", cause="too-many-frames") == 1)
        await until(lambda: door.gate.taken == 1)


async def test_parts_of_a_message_may_come_byte_by_byte_with_pings_between() -> None:
    ping = b"\x89\x80" + KEY
    sent = text(b'{"type":"pi', TEXT_BEGUN) + ping
    sent += b"\x00" + text(b'ng","id":')[1:] + ping + b"\x80" + text(b"5}")[1:]
    async with opened() as door, client_of(door.port) as (reader, writer):
        writer.write(UPGRADE + b"\r\n" + CONNECT)
        await reader.readuntil(b'"connected"')
        for byte in sent:
            writer.write(bytes([byte]))
            await writer.drain()

        await reader.readuntil(b'"pong"')
        assert b'"id":5' in await reader.readuntil(b'"serverNow"')


async def test_a_part_of_a_message_that_has_not_begun_ends_the_socket() -> None:
    async with opened() as door, client_of(door.port) as (reader, writer):
        writer.write(UPGRADE + b"\r\n" + CONNECT)
        await reader.readuntil(b'"connected"')
        writer.write(text(b'{"type":"ping"}') + CONTINUATION + KEY)

        assert b"\x88" in await reader.read()
        await until(lambda: door.counted("closes_total", code="1002") == 1)


class Failing(Connection):
    """What is heard cannot be handled."""

    __slots__ = ()

    def opened(self) -> None:
        pass

    def heard(self, frame: Frame) -> None:
        raise ArithmeticError(frame.opcode)


async def test_a_failure_of_our_own_is_logged_and_ends_one_connection_with_1011() -> None:
    async with opened() as door, _listening(_failing(door)) as port, client_of(port) as (reader, writer):
        with capture_logs() as logs:
            writer.write(UPGRADE + b"\r\n" + text(b"{}"))
            answer = await reader.read()

        assert answer.endswith(b"\x88\x02\x03\xf3")
        assert [entry["event"] for entry in logs] == ["a connection has failed"]
        assert logs[0]["log_level"] == "error"
        await until(lambda: not door.gate.taken)


async def test_a_failure_over_what_came_before_its_turn_ends_the_connection_as_well() -> None:
    async with (
        opened(Limits(connects_at_once=1, connects_per_second=1)) as door,
        connected(door.port, "s1"),
        _listening(_failing(door)) as port,
        client_of(port) as (reader, writer),
    ):
        with capture_logs() as logs:
            writer.write(UPGRADE + b"\r\n" + text(b"{}"))
            answer = await reader.read()

        assert answer.startswith(b"HTTP/1.1 101")
        assert answer.endswith(b"\x88\x02\x03\xf3")
        assert [entry["event"] for entry in logs] == ["a connection has failed"]
        await until(lambda: door.gate.taken == 1)


def _failing(door: Door) -> Callable[[], Failing]:
    def connection() -> Failing:
        protocol = ServerProtocol(subprotocols=[Subprotocol(SUBPROTOCOL)])
        return Failing(door.handshakes, protocol, open_within=timedelta(seconds=LIMIT))

    return connection


@asynccontextmanager
async def _listening(protocol: Callable[[], Connection]) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
