"""The server: what is accepted at which path, and how it all ends."""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import cast

import orjson
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Origin, Subprotocol

from studyspot.wire.frames import LARGEST_FRAME_BYTES, SUBPROTOCOL, CloseCode
from studyspot.ws_fanout.hub import Hub
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.socket import Socket

PATH = "/ws"
_BACKLOG = 4096
"""With the default of 100, a storm of connects waits for SYN retries."""
_CLOSES_PER_SECOND = 500
_RETRY_AFTER_SECONDS = "1"


class FanoutServer:
    """WebSockets at `/ws`, and GET `/health`."""

    def __init__(
        self, hub: Hub, *, limits: Limits, allowed_origins: Sequence[str], is_ready: Callable[[], bool]
    ) -> None:
        self._hub = hub
        self._limits = limits
        # No Origin at all is not a browser.
        self._origins = [*(Origin(origin) for origin in allowed_origins), None]
        self._is_ready = is_ready
        self._server: Server | None = None

    async def start(self, host: str, port: int, *, reuse_port: bool = False) -> int:
        """Begin to listen, and return the port; with `reuse_port`, other processes may share it.

        Raises:
            OSError: the address is not to be had.
        """
        self._server = await serve(
            self._converse,
            host,
            port,
            create_connection=cast("type[ServerConnection]", partial(Socket, self._hub)),
            process_request=self._answer,
            origins=self._origins,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            max_size=LARGEST_FRAME_BYTES,
            open_timeout=self._limits.connect_within.total_seconds(),
            # The session pings, and closes with the protocol's own code.
            ping_interval=None,
            close_timeout=1,
            server_header=None,
            backlog=_BACKLOG,
            reuse_port=reuse_port,
        )
        listening: int = self._server.sockets[0].getsockname()[1]
        return listening

    async def drain(self) -> None:
        """Accept no more, and send everyone elsewhere, not all at once."""
        assert self._server is not None
        self._server.close(close_connections=False)
        limit = self._limits.drain_within.total_seconds()
        peers = [*self._hub.peers]
        random.shuffle(peers)
        pause = min(1 / _CLOSES_PER_SECOND, limit / 2 / max(1, len(peers)))
        try:
            async with asyncio.timeout(limit):
                for peer in peers:
                    self._hub.close(peer, CloseCode.DRAINING, "this node is going away")
                    await asyncio.sleep(pause)
                await self._server.wait_closed()
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Cut every socket off."""
        if self._server is not None:
            self._server.close(close_connections=False)
            for connection in tuple(self._server.all_connections):
                connection.transport.abort()

    async def _converse(self, connection: ServerConnection) -> None:
        assert isinstance(connection, Socket)
        peer = connection.enter_hub()
        try:
            async for data in connection:
                self._hub.receive(peer, data)
        except ConnectionClosed:
            # How it ended is between the two sides; whoever lost something resumes.
            return

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path == "/health":
            return self._health(connection)
        if path != PATH:
            return connection.respond(HTTPStatus.NOT_FOUND, "There is nothing here.\n")
        if not self._is_ready():
            response = connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Not ready yet.\n")
            response.headers["Retry-After"] = _RETRY_AFTER_SECONDS
            return response
        return None

    def _health(self, connection: ServerConnection) -> Response:
        stale_since = self._hub.stale_since
        body = {
            "status": "alive",
            "ready": self._is_ready(),
            "epoch": self._hub.epoch,
            "head": self._hub.head,
            "sockets": len(self._hub.peers),
            "rooms": self._hub.room_count,
            "staleSince": stale_since.astimezone(UTC).isoformat() if stale_since else None,
            "serverNow": datetime.now(UTC).isoformat(),
        }
        response = connection.respond(HTTPStatus.OK, orjson.dumps(body).decode())
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        return response
