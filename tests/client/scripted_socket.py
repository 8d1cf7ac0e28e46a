"""A WebSocket server that does exactly what the test says, one connection at a time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import orjson
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

LIMIT_SECONDS = 30
EPOCH = "k3"


class ScriptedConnection:
    """The server's end of one connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection

    async def receive(self) -> dict[str, Any]:
        """Return the client's next frame."""
        async with asyncio.timeout(LIMIT_SECONDS):
            frame: dict[str, Any] = orjson.loads(await self._connection.recv())
        return frame

    async def send(self, *frames: dict[str, Any]) -> None:
        for frame in frames:
            await self._connection.send(orjson.dumps(frame).decode())

    async def close(self, code: int, reason: str = "") -> None:
        await self._connection.close(code, reason)

    def abort(self) -> None:
        """Break the connection without a word."""
        self._connection.transport.abort()

    async def closed(self) -> None:
        """Wait until the client has gone."""
        async with asyncio.timeout(LIMIT_SECONDS):
            await self._connection.wait_closed()

    async def accept(
        self,
        head: int,
        *,
        resume: str = "live",
        epoch: str = EPOCH,
        refused: Sequence[str] = (),
        expires_in: int = 900,
    ) -> dict[str, Any]:
        """Receive `connect`, answer `connected`, and return what was asked."""
        connect = await self.receive()
        assert connect["type"] == "connect"
        rooms = [
            {"room": room, "joined": False, "code": "room-forbidden", "reason": "it is not yours"}
            if room in refused
            else {"room": room, "joined": True}
            for room in connect["rooms"]
        ]
        await self.send(
            {
                "type": "connected",
                "id": connect["id"],
                "session": "x",
                "epoch": epoch,
                "head": head,
                "user": "s1",
                "role": "student",
                "expiresIn": expires_in,
                "serverNow": "2026-12-01T12:00:00Z",
                "heartbeat": 25,
                "rooms": rooms,
                "resume": resume,
            }
        )
        return connect

    async def accept_join(self, resume: str = "live") -> dict[str, Any]:
        """Receive `join`, answer `joined`, and return what was asked."""
        join = await self.receive()
        assert join["type"] == "join"
        rooms = [{"room": room, "joined": True} for room in join["rooms"]]
        await self.send({"type": "joined", "id": join["id"], "rooms": rooms, "resume": resume})
        return join


class ScriptedServer:
    """Hands its connections to the test.

    Attributes:
        refuse_with: the status with which handshakes are refused, if they are.
        retry_after: the header that says when to come again.
        refusal: the body of the refusal.
    """

    def __init__(self) -> None:
        self.url = ""
        self.refuse_with: HTTPStatus | None = None
        self.retry_after: str | None = None
        self.refusal = ""
        self._connections: asyncio.Queue[ServerConnection] = asyncio.Queue()

    async def connection(self) -> ScriptedConnection:
        """Return the next connection that a client opens."""
        async with asyncio.timeout(LIMIT_SECONDS):
            return ScriptedConnection(await self._connections.get())

    async def handle(self, connection: ServerConnection) -> None:
        self._connections.put_nowait(connection)
        await connection.wait_closed()

    def refuse(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.refuse_with is None:
            return None
        response = connection.respond(self.refuse_with, self.refusal)
        if self.retry_after is not None:
            response.headers["Retry-After"] = self.retry_after
        return response


@asynccontextmanager
async def scripted_server(subprotocol: str = "studyspot.v1") -> AsyncIterator[ScriptedServer]:
    script = ScriptedServer()
    server: Server = await serve(
        script.handle,
        "127.0.0.1",
        0,
        subprotocols=[Subprotocol(subprotocol)],
        process_request=script.refuse,
        close_timeout=1,
    )
    async with server:
        script.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        yield script


def event(position: int, *rooms: str, name: str = "booking:created", **data: Any) -> dict[str, Any]:
    """An event frame; without data, a booking that concerns nobody else."""
    return {
        "type": "event",
        "name": name,
        "position": position,
        "rooms": list(rooms) or ["user:s1"],
        "event": {
            "id": f"{EPOCH}-{position}",
            "type": f"studyspot.{name.replace(':', '.')}.v1",
            "time": "2026-12-01T12:00:00Z",
            "sequence": str(position),
            "data": data or {"bookingId": f"B{position}"},
        },
    }


def caught_up(position: int, *rooms: str) -> dict[str, Any]:
    return {"type": "caught-up", "position": position, "rooms": list(rooms)}


def heartbeat(position: int, stale_since: str | None = None) -> dict[str, Any]:
    beat: dict[str, Any] = {"type": "heartbeat", "position": position, "serverNow": "2026-12-01T12:00:00Z"}
    return beat | ({"staleSince": stale_since} if stale_since else {})
