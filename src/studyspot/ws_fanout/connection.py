"""A client's connection: the sans-I/O protocol of websockets on the loop's transport.

websockets' own connection has a task, a queue and some futures for each socket. Here nothing waits: what has
come is answered in the same turn.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar, cast

import structlog
from websockets.datastructures import Headers
from websockets.frames import CloseCode as Failure
from websockets.frames import Frame
from websockets.http11 import Request, Response
from websockets.protocol import OPEN, Event
from websockets.server import ServerProtocol

from studyspot.ws_fanout.gate import Place
from studyspot.ws_fanout.handshake import Handshakes
from studyspot.ws_fanout.language import Wire

FULL_BYTES = 64 * 1024
"""Unsent bytes from which a client should read before it is served more."""
_EMPTY_BYTES = 16 * 1024
_HANG_UP_WITHIN = timedelta(seconds=1)
"""After which a client is cut off that does not hang up when all is said."""
_MOST_EARLY_FRAMES = 100
_MOST_EARLY_BYTES = 64 * 1024
"""Of a client that does not wait for the answer to its handshake; none has any reason to send that much."""
_NO_HEADERS = Headers()

_Given = TypeVar("_Given")

log = structlog.get_logger()


class Connection(asyncio.Protocol):
    """What has connected: it is answered, and may become a socket, which is what inherits from this.

    Attributes:
        protocol: what has been said, and may be.
        transport: the way to the other side, once there is one.
        request: what it wants, once it has said so.
        place: the one that it has among the node's sockets, once it is let in.
        wire: the language that it asked for.
    """

    __slots__ = (
        "_early",
        "_early_bytes",
        "_handshakes",
        "_has_failed",
        "_is_open",
        "_open_within",
        "_timer",
        "_turn",
        "place",
        "protocol",
        "request",
        "transport",
        "wire",
    )

    def __init__(self, handshakes: Handshakes, protocol: ServerProtocol, *, open_within: timedelta) -> None:
        """Make it; unless it is open in time, it is cut off."""
        self.protocol = protocol
        self.transport = cast("asyncio.Transport", None)
        self.request: Request | None = None
        self.place: Place | None = None
        self.wire = Wire.STUDYSPOT
        self._handshakes = handshakes
        self._open_within = open_within
        self._is_open = False
        self._has_failed = False
        self._early: list[Frame] | None = None
        self._early_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._turn: asyncio.TimerHandle | None = None

    @abstractmethod
    def opened(self) -> None:
        """Begin: frames may be sent."""

    @abstractmethod
    def heard(self, frame: Frame) -> None:
        """Take a frame of the client."""

    def address(self) -> str:
        """Return where the other side is; nothing where that is not known."""
        peer = self.transport.get_extra_info("peername")
        return peer[0] if peer else ""

    def cut_off(self) -> None:
        """End at once; what is unsent is lost."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(FULL_BYTES, _EMPTY_BYTES)
        if self._handshakes.arrived(self):
            self.do_after(self._open_within, self.cut_off)
        else:
            self.cut_off()

    def data_received(self, data: bytes) -> None:
        self.protocol.receive_data(data)
        events = self.protocol.events_received()
        # Pongs, and the end of who broke the rules.
        self.send()
        self._attempt(self._take_all, events)

    def eof_received(self) -> None:
        self.protocol.receive_eof()
        self.send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - who else would be told?
        self.protocol.receive_eof()
        for timer in (self._timer, self._turn):
            if timer is not None:
                timer.cancel()
        self._handshakes.lost(self)

    def send(self) -> None:
        """Send what the protocol has to say."""
        for data in self.protocol.data_to_send():
            if self.transport.is_closing():
                return
            if data:
                self.transport.write(data)
            else:
                self.transport.write_eof()
                self.do_after(_HANG_UP_WITHIN, self.cut_off)

    def fail(self, code: Failure, reason: str = "") -> None:
        """End it, as the client or we have broken the rules; what else has come is not looked at."""
        self._has_failed = True
        self.protocol.fail(code, reason)
        self.send()

    def do_after(self, time: timedelta, do: Callable[..., None], *arguments: object) -> None:
        """Do this so much later, and no more what was to be done then."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(time.total_seconds(), do, *arguments)

    def _attempt(self, do: Callable[[_Given], None], given: _Given) -> None:
        """Do this; if it fails, that ends this connection alone."""
        try:
            do(given)
        except Exception:
            log.exception("a connection has failed")
            self.fail(Failure.INTERNAL_ERROR)

    def _take_all(self, events: Sequence[Event]) -> None:
        for event in events:
            self._take(event)

    def _take(self, event: Event) -> None:
        if self._has_failed or self.transport.is_closing():
            return
        if not isinstance(event, Frame):
            self.request = cast("Request", event)
            self._answer(self.request)
        elif self._is_open:
            self.heard(event)
        else:
            self._keep(event)

    def _answer(self, request: Request) -> None:
        """Answer the request, or let it wait for its turn."""
        if self.protocol.eof_sent:
            # It has broken the rules already, with what came behind its request.
            return
        answer = self._handshakes.answer(self, request)
        if isinstance(answer, Response):
            self._respond(answer)
        elif answer:
            loop = asyncio.get_running_loop()
            self._turn = loop.call_later(answer.total_seconds(), self._attempt, self._answer_in_turn, request)
        else:
            self._accept(request)

    def _answer_in_turn(self, request: Request) -> None:
        if self.protocol.eof_sent:
            return
        refusal = self._handshakes.answer_in_turn(self, request)
        if refusal is None:
            self._accept(request)
        else:
            self._respond(refusal)

    def _accept(self, request: Request) -> None:
        if self.wire is Wire.SOCKET_IO:
            # It has none of its own.
            self.protocol.available_subprotocols = None
        response = self.protocol.accept(request)
        self._respond(self._handshakes.refuse_unfit(self, request, response) or response)
        if self.protocol.state is OPEN:
            self._open(request)

    def _respond(self, response: Response) -> None:
        self.protocol.send_response(response)
        self.send()

    def _open(self, request: Request) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # Said and done, and a fifth of what a socket would take.
        request.headers = _NO_HEADERS
        self._is_open = True
        self._handshakes.succeeded(self)
        self.opened()
        early, self._early = self._early, None
        self._take_all(early or ())

    def _keep(self, frame: Frame) -> None:
        """Keep what has come before the handshake is answered."""
        if self._early is None:
            self._early = []
        self._early.append(frame)
        self._early_bytes += len(frame.data)
        if len(self._early) > _MOST_EARLY_FRAMES or self._early_bytes > _MOST_EARLY_BYTES:
            self._handshakes.count_flood()
            self.cut_off()
