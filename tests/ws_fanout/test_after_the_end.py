"""What comes when all is said: nothing of it is heard."""

import asyncio

from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.door import opened, said_to
from tests.ws_fanout.live import until
from tests.ws_fanout.people import token
from tests.ws_fanout.test_connection import client_of
from tests.ws_fanout.test_handshake import UPGRADE
from tests.ws_fanout.test_hostile_sockets import CONNECT, KEY, text

NO_TEXT = text(b"\xff\xfe")
PING, PONG = b"\x89\x80" + KEY, b"\x8a\x00"
CONNECT_TO_A_ROOM = text(b'{"type":"connect","rooms":["library:L1"],"token":"' + token("s1").encode() + b'"}')


async def test_what_follows_a_broken_message_in_the_same_packet_is_not_heard() -> None:
    async with opened() as door:
        await said_to(door, UPGRADE + b"\r\n" + NO_TEXT + CONNECT_TO_A_ROOM)

        await until(lambda: door.counted("closes_total", code="1007") == 1)
        assert door.counted("joins_total", outcome="joined") == 0


async def test_who_is_told_to_leave_and_goes_on_talking_is_no_longer_listened_to() -> None:
    async with opened(Limits(frames_at_once=10)) as door, client_of(door.port) as (reader, writer):
        writer.write(UPGRADE + b"\r\n" + CONNECT)
        await reader.readuntil(b'"connected"')
        writer.write(PING * 20)
        await reader.readuntil(b"too many frames")

        answered = 0
        while await _is_answered(reader, writer):
            answered += 1

        assert answered <= 100, "some, as it may yet have to hear of it"
        await until(lambda: door.counted("closes_total", code="4013") == 1)


async def _is_answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Send a ping, and return whether a pong comes, and not the end."""
    writer.write(PING)
    try:
        return await reader.readexactly(len(PONG)) == PONG
    except (asyncio.IncompleteReadError, ConnectionError):
        return False
