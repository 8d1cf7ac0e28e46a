"""Clients of Socket.IO that do as they please cost a node little."""

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from studyspot.ws_fanout.app import Fanout
from studyspot.ws_fanout.limits import Limits

_LOST = 1006


async def test_who_is_told_to_leave_and_goes_on_talking_is_cut_off(fanout: Fanout) -> None:
    url = f"ws://127.0.0.1:{fanout.port}/socket.io/?EIO=4&transport=websocket"
    async with connect(url, close_timeout=1) as connection:
        await connection.send('40{"token":"none"}')
        with pytest.raises(ConnectionClosed):
            await _talk_on(connection)

    assert connection.close_code == _LOST, "not the code of the refusal, a second later"


async def test_who_says_a_little_when_told_to_leave_is_told_why(fanout: Fanout) -> None:
    url = f"ws://127.0.0.1:{fanout.port}/socket.io/?EIO=4&transport=websocket"
    async with connect(url, close_timeout=1) as connection:
        await connection.send('40{"token":"none"}')
        for _ in range(Limits().frames_at_once // 2):
            await connection.send('42["join:library","L1"]')
        assert str(await connection.recv()).startswith("0")
        assert str(await connection.recv()).startswith("44")
        with pytest.raises(ConnectionClosed):
            await connection.recv()

    assert connection.close_code == 4500


async def _talk_on(connection: ClientConnection) -> None:
    while True:
        await connection.send('42["join:library","L1"]')
