"""What is answered before there is a socket, over real connections; and what garbage costs."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest
from websockets.exceptions import InvalidMessage, InvalidStatus

from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.door import Door, opened, said_to
from tests.ws_fanout.live import LIMIT, connected, until, wire

BEHIND_A_PROXY: dict[str, Any] = {"additional_headers": {"X-Forwarded-For": "198.51.100.7"}}
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: studyspot.v1\r\n"
)


async def refused(door: Door, **options: Any) -> dict[str, Any]:
    """Return the problem that a handshake is refused with; it has the status, and a time to come again."""
    with pytest.raises(InvalidStatus) as refusal:
        async with wire(door.port, **options):
            pass
    response = refusal.value.response
    assert response.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = orjson.loads(response.body or b"")
    assert problem["status"] == response.status_code
    if "retryAfterMs" in problem:
        assert int(response.headers["Retry-After"]) * 1000 >= problem["retryAfterMs"]
    return problem


async def test_an_address_with_too_many_sockets_is_refused_until_one_of_them_is_closed() -> None:
    async with opened(Limits(sockets_per_address=2)) as door:
        async with (
            wire(door.port, **BEHIND_A_PROXY),
            wire(door.port),
            wire(door.port, **BEHIND_A_PROXY),
            wire(door.port),
            wire(door.port),
        ):
            problem = await refused(door, **BEHIND_A_PROXY)
            assert (problem["type"], problem["status"]) == ("/problems/too-many-sockets", 429)
            assert door.counted("refused_connects_total", cause="too-many-sockets") == 1
        await until(lambda: door.gate.taken == 0)
        async with connected(door.port, "s1", options=BEHIND_A_PROXY):
            pass


async def test_a_full_node_refuses_with_a_time_to_come_again() -> None:
    async with opened(Limits(sockets=1)) as door, wire(door.port):
        problem = await refused(door)

        assert (problem["type"], problem["status"]) == ("/problems/node-full", 503)
        assert problem["retryAfterMs"] > 1000


async def test_who_connects_in_a_rush_waits_and_who_would_wait_too_long_is_refused() -> None:
    # So slow that they are all there long before those who wait have had their turns.
    limits = Limits(connects_at_once=2, connects_per_second=4, turn_within=timedelta(seconds=1))
    async with opened(limits) as door, AsyncExitStack() as sockets:
        began = asyncio.get_running_loop().time()
        tries = await asyncio.gather(
            *(sockets.enter_async_context(wire(door.port)) for _ in range(20)), return_exceptions=True
        )
        took = asyncio.get_running_loop().time() - began

        let_in = [found for found in tries if not isinstance(found, BaseException)]
        turned_away = [found for found in tries if isinstance(found, InvalidStatus)]
        assert len(let_in) + len(turned_away) == 20
        assert 4 <= len(let_in) < 20
        assert took >= 0.2
        assert all(found.response.status_code == 503 for found in turned_away)
        assert door.counted("refused_connects_total", cause="too-many-connects") == len(turned_away)


async def test_who_goes_away_while_waiting_for_a_turn_keeps_no_place() -> None:
    limits = Limits(connects_at_once=1, connects_per_second=2)
    async with opened(limits) as door:
        writers = []
        for _ in range(4):
            _, writer = await asyncio.open_connection("127.0.0.1", door.port)
            writer.write(UPGRADE + b"\r\n")
            writers.append(writer)
        await until(lambda: door.gate.taken == 4)
        for writer in writers:
            writer.close()

        await until(lambda: door.gate.taken == 0)
        assert not door.handshakes.pending


async def test_frames_that_come_while_waiting_for_a_turn_are_read_in_their_turn() -> None:
    limits = Limits(connects_at_once=1, connects_per_second=10)
    async with opened(limits) as door:
        ping, not_json = b"\x89\x80\x00\x00\x00\x00", b"\x81\x81\x00\x00\x00\x00x"
        answers = await asyncio.gather(
            *(said_to(door, UPGRADE + b"\r\n" + ping + not_json) for _ in range(3))
        )

        assert all(b"101 Switching" in answer and b"not JSON" in answer for answer in answers)
        await until(lambda: door.gate.taken == 0)


@pytest.mark.parametrize(
    ("options", "status", "type_"),
    [
        ({"origin": "https://elsewhere.example"}, 403, "/problems/origin-refused"),
        ({"path": "/elsewhere"}, 404, "/problems/not-found"),
    ],
)
async def test_what_is_wrong_with_a_handshake_is_said_as_a_problem(
    options: dict[str, Any], status: int, type_: str
) -> None:
    async with opened() as door:
        problem = await refused(door, **options)

        assert (problem["status"], problem["type"]) == (status, type_)
        assert door.counted("refused_connects_total", cause=type_.removeprefix("/problems/")) == 1


async def test_a_request_that_is_no_handshake_is_told_what_there_is() -> None:
    async with opened() as door, httpx.AsyncClient(base_url=f"http://127.0.0.1:{door.port}") as http:
        plain = await http.get("/ws")
        posted = await http.post("/ws")

        assert (plain.status_code, plain.json()["type"]) == (426, "/problems/upgrade-required")
        assert plain.headers["Upgrade"] == "websocket"
        assert posted.status_code == 405


async def test_a_node_that_is_not_ready_refuses_with_a_time_to_come_again() -> None:
    async with opened() as door:
        door.ready = False

        problem = await refused(door)

        assert (problem["type"], problem["status"]) == ("/problems/unavailable", 503)
        assert 0 < problem["retryAfterMs"] <= 1500


async def test_who_has_been_connecting_longest_goes_when_too_many_have_yet_to() -> None:
    async with (
        opened(Limits(sockets_before_connect=2)) as door,
        connected(door.port, "s1") as other,
        wire(door.port) as first,
        wire(door.port),
        connected(door.port, "s2"),
    ):
        assert await first.closed() == 1013
        await until(lambda: door.counted("closes_total", code="1013") == 1)
        await other.send({"type": "ping", "id": 1})
        assert (await other.receive())["type"] == "pong"


async def test_connections_that_say_nothing_are_bounded_and_cut_off_in_time() -> None:
    limits = Limits(handshakes=5, connect_within=timedelta(seconds=1), turn_within=timedelta(seconds=0.1))
    async with opened(limits) as door:
        ends = await asyncio.gather(*(said_to(door, b"") for _ in range(12)))

        assert ends == [b""] * 12
        assert door.counted("refused_connects_total", cause="too-many-handshakes") == 7
        await until(lambda: door.counted("refused_connects_total", cause="no-request") == 5)
        async with connected(door.port, "s1"):
            pass


async def test_who_speaks_is_let_in_however_many_say_nothing() -> None:
    async with opened(Limits(handshakes=5)) as door:
        silent = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(5)]
        try:
            await until(lambda: len(door.handshakes.pending) == 5)
            async with connected(door.port, "s1"):
                assert await asyncio.wait_for(_rest(silent[0][0]), LIMIT) == b""
                assert len(door.handshakes.pending) == 4
            assert door.counted("refused_connects_total", cause="too-many-handshakes") == 1
        finally:
            for _, writer in silent:
                writer.close()


async def test_a_request_that_trickles_in_is_cut_off_in_time() -> None:
    limits = Limits(connect_within=timedelta(seconds=0.2), turn_within=timedelta(seconds=0.1))
    async with opened(limits) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"GET /ws HTTP/1.1\r\n")
        try:
            async with asyncio.timeout(LIMIT):
                while not door.counted("refused_connects_total", cause="no-request"):
                    writer.write(b"X-Slow: 1\r\n")
                    await asyncio.sleep(0.02)
                assert await _rest(reader) == b""
        finally:
            writer.close()


async def _rest(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionError:
        return b""


GARBAGE = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    "an empty line": b"\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a line without an end": b"GET /" + b"x" * 20_000,
    "a header without an end": b"GET /ws HTTP/1.1\r\nHost: " + b"x" * 20_000,
    "headers without number": b"GET /ws HTTP/1.1\r\n" + b"X-Y: z\r\n" * 500 + b"\r\n",
    "bytes in the path": b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
    "bytes in the query": UPGRADE.replace(b"/ws", b"/ws?\xff\xfe") + b"Origin: x\r\n\r\n",
    "bytes in the origin": UPGRADE + b"Origin: https://\xff\xfe\r\n\r\n",
    "bytes in the proxy's word": UPGRADE + b"X-Forwarded-For: \xff\xfe\r\n\r\n",
    "bytes in the key": UPGRADE.replace(b"dGhl", b"\xff\xfe") + b"\r\n",
    "two keys": UPGRADE + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "no version": UPGRADE.replace(b"Version: 13", b"Version: 12") + b"\r\n",
    "another subprotocol": UPGRADE.replace(b"studyspot.v1", b"mqtt") + b"\r\n",
    "bytes in the subprotocol": UPGRADE.replace(b"studyspot.v1", b"\xff,,;") + b"\r\n",
    "a body": b"GET /ws HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
    "half a request": b"GET /ws HT",
}


@pytest.mark.parametrize("sent", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_ends_the_connection_and_is_no_error_of_ours(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    limits = Limits(connect_within=timedelta(seconds=0.5), turn_within=timedelta(seconds=0.1))
    async with opened(limits) as door:
        await said_to(door, sent)

        await until(lambda: door.gate.taken == 0 and not door.handshakes.pending)
        async with connected(door.port, "s1"):
            pass
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR", "CRITICAL")]


async def test_a_client_that_is_cut_off_amid_the_handshake_hears_no_status() -> None:
    async with opened(Limits(handshakes=0)) as door:
        with pytest.raises((InvalidMessage, OSError)):
            async with wire(door.port):
                pass
