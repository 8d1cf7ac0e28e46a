"""A socket of our own to the fan-out: connect, join, ping, how long the answer took, and how the node is."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from studyspot.console.installation import signing_key
from studyspot.console.listening import authority
from studyspot.settings import Settings

_LIMIT = timedelta(seconds=10)
_LIFETIME = timedelta(minutes=1)
_USER = "studyspot-doctor"
_ROOM = "library:studyspot-doctor"


class RoundTripFailed(Exception):
    """The fan-out did not do its work for us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """What a socket of ours found.

    Attributes:
        took: between a ping and its answer, in a room that was joined.
        head: the last position that the node has.
        lag: how many events the stream has beyond it, as far as the node knows.
        stale_since: since when the node has heard nothing of the stream, as it says; none while it hears it.
    """

    took: timedelta
    head: int
    lag: int
    stale_since: str | None


async def round_trip(host: str, port: int, settings: Settings) -> RoundTrip:
    """Open a socket, join a room, and return what was found.

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
    address = authority(host, port)
    url = f"ws://{address}/ws"
    try:
        async with asyncio.timeout(_LIMIT.total_seconds()):
            took = await _converse(url, token)
            health = await _health(f"http://{address}/health")
    except TimeoutError as error:
        raise RoundTripFailed(f"{url}: no answer within {_LIMIT.total_seconds():.0f} s") from error
    except InvalidStatus as refused:
        raise RoundTripFailed(f"{url}: {_reason(refused)}") from refused
    except ConnectionClosed as closed:
        raise RoundTripFailed(f"{url}: closed with {closed.rcvd or 'no word'}") from closed
    except (OSError, WebSocketException, httpx.HTTPError, ValueError, KeyError) as error:
        raise RoundTripFailed(f"{url}: {error}") from error
    return RoundTrip(took=took, head=health["head"], lag=health["lag"], stale_since=health["staleSince"])


async def _converse(url: str, token: str) -> timedelta:
    """Return how long a ping took on a socket that has joined a room."""
    async with connect(
        url, subprotocols=[Subprotocol("studyspot.v1")], compression=None, proxy=None
    ) as socket:
        await _ask(socket, {"type": "connect", "id": 1, "token": token}, "connected")
        joined = await _ask(socket, {"type": "join", "id": 2, "rooms": [_ROOM]}, "joined")
        if not all(room["joined"] for room in joined["rooms"]):
            raise RoundTripFailed(f"{url}: a room that is open to all was refused")
        began = time.monotonic()
        await _ask(socket, {"type": "ping", "id": 3}, "pong")
        return timedelta(seconds=time.monotonic() - began)


async def _health(url: str) -> dict[str, Any]:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(url)
    health: dict[str, Any] = answer.raise_for_status().json()
    return health


async def _ask(socket: ClientConnection, frame: dict[str, Any], wanted: str) -> dict[str, Any]:
    await socket.send(orjson.dumps(frame).decode())
    while True:
        answer: dict[str, Any] = orjson.loads(await socket.recv())
        if answer["type"] == wanted:
            return answer
        if answer["type"] == "error":
            raise RoundTripFailed(str(answer["message"]))


def _reason(refused: InvalidStatus) -> str:
    """Return what the node says about a handshake that it refuses."""
    status = refused.response.status_code
    try:
        problem = orjson.loads(refused.response.body or b"")
        return f"{status}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"answered with {status}"
