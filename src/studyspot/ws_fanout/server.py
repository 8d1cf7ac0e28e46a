"""The server: listening, the sockets' conversations, and how it all ends."""

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from datetime import timedelta

from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol

from studyspot.wire.frames import LARGEST_FRAME_BYTES, SUBPROTOCOL, CloseCode
from studyspot.ws_fanout.handshake import Handshakes
from studyspot.ws_fanout.hub import Hub
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.peers import Peer
from studyspot.ws_fanout.socket import CLOSE_WITHIN, Socket

_BACKLOG = 4096
"""With the default of 100, a storm of connects waits for SYN retries."""
_SUBPROTOCOLS = (Subprotocol(SUBPROTOCOL),)
_CLOSES_PER_SECOND = 500
_WAVE_EVERY = timedelta(milliseconds=50)
_SETTLE = timedelta(milliseconds=500)


class FanoutServer:
    """WebSockets at `/ws` and `/socket.io/`, and GET `/health`."""

    def __init__(
        self, hub: Hub, handshakes: Handshakes, *, limits: Limits, allowed_origins: Sequence[str]
    ) -> None:
        self._hub = hub
        self._handshakes = handshakes
        self._limits = limits
        # No Origin at all is not a browser.
        self._origins = [*(Origin(origin) for origin in allowed_origins), None]
        self._open_within = limits.connect_within + limits.turn_within
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int, *, reuse_port: bool = False) -> int:
        """Begin to listen, and return the port; with `reuse_port`, others share it, and `listen` begins.

        Raises:
            OSError: the address is not to be had.
        """
        self._server = await asyncio.get_running_loop().create_server(
            self._socket,
            host,
            port,
            backlog=_BACKLOG,
            reuse_port=reuse_port,
            # One that cannot serve yet would take connections from those that can.
            start_serving=not reuse_port,
        )
        listening: int = self._server.sockets[0].getsockname()[1]
        return listening

    async def listen(self) -> None:
        """Take connections from now on; without a shared port it does already."""
        assert self._server is not None
        if not self._hub.draining:
            await self._server.start_serving()

    async def drain(self) -> None:
        """Let nobody in any more, and send everyone elsewhere, in waves; then stop listening."""
        assert self._server is not None
        self._hub.draining = True
        try:
            async with asyncio.timeout(self._limits.drain_within.total_seconds()):
                await self._send_elsewhere()
                # Who connects meanwhile is told to go elsewhere, which a closed port would not do.
                while self._hub.socket_count:  # noqa: ASYNC110  # Each of them ends by itself.
                    await asyncio.sleep(_WAVE_EVERY.total_seconds())
                self._server.close()
                # Those that wait for their turn are answered; those that say nothing are not waited for.
                self._handshakes.cut_off_silent()
                while self._handshakes.pending or self._hub.socket_count:  # noqa: ASYNC110  # The same.
                    await asyncio.sleep(_WAVE_EVERY.total_seconds())
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Cut every connection off."""
        if self._server is not None:
            self._server.close()
        for peer in self._hub.peers:
            peer.outlet.cut_off()
        self._handshakes.cut_off()

    async def _send_elsewhere(self) -> None:
        """Close every socket, some at a time and in no order, so that they do not come back at once."""
        peers = [*self._hub.peers]
        random.shuffle(peers)
        # Those that do not read first: their end takes longest.
        peers.sort(key=_reads)
        spread = self._limits.drain_within - CLOSE_WITHIN - _SETTLE
        at_least = len(peers) / max(1.0, spread / _WAVE_EVERY)
        wave = max(1, round(max(at_least, _CLOSES_PER_SECOND * _WAVE_EVERY.total_seconds())))
        waiting = deque(peers)
        while waiting:
            for _ in range(min(wave, len(waiting))):
                self._send_away(waiting.popleft())
            await asyncio.sleep(_WAVE_EVERY.total_seconds())

    def _send_away(self, peer: Peer) -> None:
        self._hub.close(peer, CloseCode.DRAINING, "this node is going away")

    def _socket(self) -> Socket:
        # The session pings, and closes with the protocol's own codes; nothing is compressed.
        protocol = ServerProtocol(
            origins=self._origins, subprotocols=_SUBPROTOCOLS, max_size=LARGEST_FRAME_BYTES
        )
        return Socket(self._hub, self._handshakes, protocol, open_within=self._open_within)


def _reads(peer: Peer) -> bool:
    return not peer.outlet.is_full()
