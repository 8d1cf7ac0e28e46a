"""What is written past the transport: as it would have come through it."""

import asyncio
import os
import socket
import struct
from typing import cast

import orjson
import pytest

from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.encoder import text_frame
from studyspot.ws_fanout.peers import Peer
from studyspot.ws_fanout.socket import Socket
from tests.ws_fanout.door import Door, opened
from tests.ws_fanout.live import LIMIT, Wire, connected, until
from tests.ws_fanout.test_handshake import UPGRADE

UNSENT_BYTES = 200_000
FILLING = "x" * 30_000
RESET_AT_ONCE = struct.pack("ii", 1, 0)
REPLY_TO_CLOSE = b"\x88\x80\0\0\0\0"


def only_peer(door: Door) -> Peer:
    [peer] = door.hub.peers
    return peer


def numbered(number: int) -> bytes:
    return text_frame(orjson.dumps({"number": number, "filling": FILLING}))


async def test_what_is_taken_comes_whole_and_in_order_however_late_it_is_read() -> None:
    async with opened() as door, connected(door.port, "s1") as client:
        outlet = only_peer(door).outlet
        client.connection.transport.pause_reading()
        taken = 0
        while outlet.offer(numbered(taken), UNSENT_BYTES):
            taken += 1
            assert taken < 5_000
        assert UNSENT_BYTES - len(numbered(0)) < outlet.unsent_bytes() <= UNSENT_BYTES
        # Control frames wait with the rest.
        outlet.send_ping()

        client.connection.transport.resume_reading()
        async with asyncio.timeout(LIMIT):
            for number in range(taken):
                assert orjson.loads(await client.connection.recv())["number"] == number
            await until(lambda: not outlet.unsent_bytes())
            assert outlet.offer(numbered(taken), UNSENT_BYTES)
            assert orjson.loads(await client.connection.recv())["number"] == taken


async def test_nothing_follows_a_close() -> None:
    async with opened() as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(UPGRADE + b"\r\n")
        async with asyncio.timeout(LIMIT):
            await reader.readuntil(b"\r\n\r\n")
            await until(lambda: bool(door.hub.peers))
            peer = only_peer(door)
            door.hub.close(peer, CloseCode.DRAINING, "away")
            peer.outlet.write(text_frame(b"{}"))
            assert peer.outlet.offer(text_frame(b"{}"), UNSENT_BYTES)
            writer.write(REPLY_TO_CLOSE)
            said = await reader.read()
        writer.close()
    code = int(CloseCode.DRAINING).to_bytes(2)
    assert said == b"\x88\x06" + code + b"away"


async def test_what_is_written_to_a_lost_socket_reaches_nobody_who_has_its_number_now() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        async with opened() as door:
            async with connected(door.port, "s1") as client:
                outlet = only_peer(door).outlet
                number = cast("Socket", outlet).transport.get_extra_info("socket").fileno()
                reset(client)
            await until(lambda: not door.hub.peers and is_free(number))
            os.dup2(ours.fileno(), number)
            try:
                outlet.write(text_frame(b"{}"))
                assert outlet.offer(text_frame(b"{}"), UNSENT_BYTES)
                with pytest.raises(BlockingIOError):
                    theirs.recv(1)
            finally:
                os.close(number)


async def test_a_reset_connection_is_found_by_who_writes_to_it() -> None:
    async with opened() as door, connected(door.port, "s1") as client:
        outlet = only_peer(door).outlet
        reset(client)
        async with asyncio.timeout(LIMIT):
            while door.hub.peers:
                # That it is refused, while the reset is on its way, is as well.
                outlet.offer(numbered(0), UNSENT_BYTES)
                await asyncio.sleep(0)
        assert outlet.offer(numbered(0), UNSENT_BYTES)
        assert not outlet.unsent_bytes()


def reset(client: Wire) -> None:
    """End the connection without a word."""
    transport = client.connection.transport
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
    transport.abort()


def is_free(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False
