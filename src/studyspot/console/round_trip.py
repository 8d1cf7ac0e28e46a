"""A socket of our own to the fan-out: connect, join, ping, and how long the answer took."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from studyspot.console.installation import signing_key
from studyspot.settings import Settings

_LIMIT = timedelta(seconds=10)
_LIFETIME = timedelta(minutes=1)
_USER = "studyspot-doctor"


class RoundTripFailed(Exception):
    """The fan-out did not do its work for us."""


async def round_trip(url: str, settings: Settings) -> timedelta:
    """Return how long a ping took on a socket that has joined its rooms.

    Raises:
        RoundTripFailed: no connection, no room, or no answer in time.
        Fault: there is no signing key.
    """
    token = signing_key(settings).sign(
        user_id=_USER,
        role="student",
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        now=datetime.now(UTC),
        lifetime=_LIFETIME,
    )
    try:
        async with (
            asyncio.timeout(_LIMIT.total_seconds()),
            connect(url, subprotocols=[Subprotocol("studyspot.v1")], compression=None, proxy=None) as socket,
        ):
            connected = await _ask(socket, {"type": "connect", "id": 1, "token": token}, "connected")
            if not all(room["joined"] for room in connected["rooms"]):
                raise RoundTripFailed(f"{url}: our own rooms were refused")
            began = time.monotonic()
            await _ask(socket, {"type": "ping", "id": 2}, "pong")
            return timedelta(seconds=time.monotonic() - began)
    except TimeoutError as error:
        raise RoundTripFailed(f"{url}: no answer within {_LIMIT.total_seconds():.0f} s") from error
    except (OSError, WebSocketException) as error:
        raise RoundTripFailed(f"{url}: {error}") from error


async def _ask(socket: ClientConnection, frame: dict[str, Any], wanted: str) -> dict[str, Any]:
    await socket.send(orjson.dumps(frame).decode())
    while True:
        answer: dict[str, Any] = orjson.loads(await socket.recv())
        if answer["type"] == wanted:
            return answer
        if answer["type"] == "error":
            raise RoundTripFailed(str(answer["message"]))
