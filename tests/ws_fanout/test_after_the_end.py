"""What comes when all is said: nothing of it is heard."""

from tests.ws_fanout.door import opened, said_to
from tests.ws_fanout.live import until
from tests.ws_fanout.people import token
from tests.ws_fanout.test_handshake import UPGRADE
from tests.ws_fanout.test_hostile_sockets import text

NO_TEXT = text(b"\xff\xfe")
CONNECT_TO_A_ROOM = text(b'{"type":"connect","rooms":["library:L1"],"token":"' + token("s1").encode() + b'"}')


async def test_what_follows_a_broken_message_in_the_same_packet_is_not_heard() -> None:
    async with opened() as door:
        await said_to(door, UPGRADE + b"\r\n" + NO_TEXT + CONNECT_TO_A_ROOM)

        await until(lambda: door.counted("closes_total", code="1007") == 1)
        assert door.counted("joins_total", outcome="joined") == 0
