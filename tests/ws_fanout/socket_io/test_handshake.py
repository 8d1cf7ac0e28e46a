"""How a transport of Engine.IO is asked for over real connections, and who is told what cannot be had."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from studyspot.wire.frames import LARGEST_FRAME_BYTES, SUBPROTOCOL, CloseCode
from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.door import Door, opened
from tests.ws_fanout.live import LIMIT, ORIGIN, until
from tests.ws_fanout.people import token

ASKED = "/socket.io/?EIO=4&transport=websocket"


@asynccontextmanager
async def transport(door: Door, path: str = ASKED, **options: Any) -> AsyncIterator[ClientConnection]:
    async with connect(f"ws://127.0.0.1:{door.port}{path}", close_timeout=1, **options) as connection:
        yield connection


async def heard(connection: ClientConnection) -> list[str]:
    """Return what comes until the other side closes."""
    messages = []
    with suppress(ConnectionClosed):
        async with asyncio.timeout(LIMIT):
            while True:
                messages.append(str(await connection.recv()))
    return messages


async def refused(door: Door, path: str = ASKED, **options: Any) -> tuple[int, dict[str, Any]]:
    with pytest.raises(InvalidStatus) as refusal:
        async with transport(door, path, **options):
            pass
    response = refusal.value.response
    body: dict[str, Any] = orjson.loads(response.body or b"")
    return response.status_code, body


@pytest.mark.parametrize(
    "path", [ASKED, "/socket.io?EIO=4&transport=websocket", f"{ASKED}&t=1700000000.5", f"{ASKED}&b64=1"]
)
async def test_a_websocket_of_engine_io_4_is_opened(path: str) -> None:
    async with opened() as door, transport(door, path) as connection:
        message = await connection.recv()

        assert isinstance(message, str)
        assert message.startswith('0{"sid":')
        assert connection.subprotocol is None


@pytest.mark.parametrize(
    ("query", "code", "message", "cause"),
    [
        ("EIO=4&transport=polling", 0, "Transport unknown", "transport-unknown"),
        ("EIO=4", 0, "Transport unknown", "transport-unknown"),
        ("", 0, "Transport unknown", "transport-unknown"),
        ("EIO=4&transport=websocket&transport=polling", 0, "Transport unknown", "transport-unknown"),
        ("&".join(["transport=websocket&EIO=4"] * 60), 0, "Transport unknown", "transport-unknown"),
        ("EIO=4&transport=websocket&sid=x", 1, "Session ID unknown", "session-unknown"),
        ("EIO=3&transport=websocket", 5, "Unsupported protocol version", "version-unsupported"),
        ("transport=websocket", 5, "Unsupported protocol version", "version-unsupported"),
    ],
)
async def test_what_engine_io_cannot_have_it_is_told_in_its_own_words(
    query: str, code: int, message: str, cause: str
) -> None:
    async with opened() as door:
        assert await refused(door, f"/socket.io/?{query}") == (400, {"code": code, "message": message})
        assert door.counted("refused_connects_total", cause=cause) == 1
        assert door.gate.taken == 0


async def test_polling_is_refused_over_plain_http_as_well() -> None:
    async with opened() as door, httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"http://127.0.0.1:{door.port}/socket.io/?EIO=4&transport=polling")

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"code": 0, "message": "Transport unknown"}


async def test_the_gate_is_the_same_for_every_language() -> None:
    async with opened(Limits(sockets=1)) as door, transport(door):
        status, problem = await refused(door)

        assert (status, problem["type"]) == (503, "/problems/node-full")


async def test_a_page_from_elsewhere_is_refused() -> None:
    async with opened(allowed_origins=(ORIGIN,)) as door:
        status, problem = await refused(door, origin=Origin("https://elsewhere.example"))
        assert (status, problem["type"]) == (403, "/problems/origin-refused")
        async with transport(door, origin=Origin(ORIGIN)):
            pass


async def test_a_node_that_is_not_ready_lets_nobody_in() -> None:
    async with opened() as door:
        door.ready = False

        status, problem = await refused(door)

    assert (status, problem["type"]) == (503, "/problems/unavailable")


async def test_each_path_has_its_language() -> None:
    async with opened() as door:
        native = [Subprotocol(SUBPROTOCOL)]
        async with transport(door, "/ws", subprotocols=native) as connection:
            assert connection.subprotocol == SUBPROTOCOL
        async with transport(door, subprotocols=native) as connection:
            assert connection.subprotocol is None
            assert str(await connection.recv()).startswith("0{")
        status, problem = await refused(door, "/ws?EIO=4&transport=websocket")
        assert (status, problem["type"]) == (400, "/problems/malformed")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"\x00", CloseCode.MALFORMED),
        ("nonsense", CloseCode.MALFORMED),
        ("4" * LARGEST_FRAME_BYTES + "4", 1009),
    ],
)
async def test_what_is_not_the_protocol_ends_it(message: str | bytes, code: int) -> None:
    async with opened() as door, transport(door) as connection:
        await connection.send(message)
        await heard(connection)

        assert connection.close_code == code


async def test_who_is_told_to_stay_away_and_leaves_is_counted_by_what_it_was_told() -> None:
    async with opened() as door:
        async with transport(door) as connection:
            await connection.send('40{"token":"nonsense"}')
            assert [message[:2] for message in [await connection.recv() for _ in range(2)]] == ["0{", "44"]
        await until(lambda: door.hub.socket_count == 0)

        assert door.counted("closes_total", code="4500") == 1


async def test_sockets_are_sent_elsewhere_when_the_node_goes_away() -> None:
    async with opened() as door, transport(door) as connection:
        await connection.send(f'40{{"token":"{token("s1")}"}}')
        assert [message[:2] for message in [await connection.recv() for _ in range(2)]] == ["0{", "40"]

        await door.server.drain()

        assert "41" not in await heard(connection), "the client is to come back by itself"
        assert connection.close_code == CloseCode.DRAINING
