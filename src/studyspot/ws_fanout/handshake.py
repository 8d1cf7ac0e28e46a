"""The opening handshake: what is answered to whom before there is a socket.

Every refusal is a problem, with a time to come again where that helps, and is counted by its type.
"""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Protocol

from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from studyspot.wire.problems import (
    MALFORMED,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    ORIGIN_REFUSED,
    UNAVAILABLE,
    Kind,
    Problem,
)
from studyspot.ws_fanout.addresses import Proxies
from studyspot.ws_fanout.answers import MEDIA_TYPES, answered, health_of, refusal
from studyspot.ws_fanout.gate import NODE_FULL, TOO_MANY_CONNECTS, TOO_MANY_SOCKETS, Gate, Place, jittered
from studyspot.ws_fanout.health import Health
from studyspot.ws_fanout.language import Wire
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.metrics import FanoutMetrics
from studyspot.ws_fanout.socket_io import requests as engine_io
from studyspot.ws_fanout.socket_io.requests import RequestRefused

PATH = "/ws"
_WIRES = {
    PATH: Wire.STUDYSPOT,
    engine_io.PATH: Wire.SOCKET_IO,
    engine_io.PATH.removesuffix("/"): Wire.SOCKET_IO,
}

DRAINING = Kind("draining", "This node is going away", 503)
UPGRADE_REQUIRED = Kind("upgrade-required", "Only WebSockets here", 426)

KINDS = (
    MALFORMED,
    ORIGIN_REFUSED,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    UPGRADE_REQUIRED,
    TOO_MANY_SOCKETS,
    TOO_MANY_CONNECTS,
    NODE_FULL,
    UNAVAILABLE,
    DRAINING,
)
"""Every problem of the handshake."""

NO_REQUEST = "no-request"
"""What came was no HTTP request, or none in time."""
TOO_MANY_HANDSHAKES = "too-many-handshakes"
"""Cut off unread: so many had come that had yet to say what they want."""

TOO_MANY_FRAMES = "too-many-frames"
"""Cut off, as it did not wait for the answer."""

_OF_STATUS = {kind.status: kind for kind in (MALFORMED, ORIGIN_REFUSED, METHOD_NOT_ALLOWED, UPGRADE_REQUIRED)}
_NOT_READY_RETRY = timedelta(seconds=1)
_DRAINING_RETRY = timedelta(seconds=2)


class Guest(Protocol):
    """A connection that may become a socket.

    Attributes:
        protocol: what has been said, and may be.
        request: what it wants, once it has said so.
        place: the one that it has among the node's sockets, once it is let in.
        wire: the language that it asks for.
    """

    protocol: ServerProtocol
    request: Request | None
    place: Place | None
    wire: Wire

    def address(self) -> str:
        """Return where the other side is; nothing where that is not known."""

    def cut_off(self) -> None:
        """End the connection at once."""


class Handshakes:
    """Answers whoever connects; knows who is still about to become a socket.

    Attributes:
        pending: the connections that are no sockets yet.
        lost_count: how many connections have ended, whatever they had become.
    """

    def __init__(
        self,
        gate: Gate,
        *,
        limits: Limits,
        metrics: FanoutMetrics,
        proxies: Proxies,
        health: Callable[[], Health],
    ) -> None:
        self.pending: set[Guest] = set()
        self.lost_count = 0
        self._silent: dict[Guest, None] = {}
        self._gate = gate
        self._limits = limits
        self._metrics = metrics
        self._proxies = proxies
        self._health = health

    def arrived(self, guest: Guest) -> bool:
        """Take in a connection, and return whether there is room for it; if not it is to be cut off.

        Where there are too many, the one that has said nothing for longest makes room.
        """
        if len(self.pending) >= self._limits.handshakes:
            self._metrics.refused(TOO_MANY_HANDSHAKES)
            longest = next(iter(self._silent), None)
            if longest is None:
                return False
            self._forget(longest)
            longest.cut_off()
        self.pending.add(guest)
        self._silent[guest] = None
        return True

    def succeeded(self, guest: Guest) -> None:
        """The connection has become a socket."""
        self._forget(guest)

    def count_flood(self) -> None:
        """A connection is cut off for what it sends before it is answered."""
        self._metrics.refused(TOO_MANY_FRAMES)

    def lost(self, guest: Guest) -> None:
        """The connection is closed, whatever it had become."""
        self.lost_count += 1
        if guest in self.pending:
            self._forget(guest)
            if guest.request is None:
                self._metrics.refused(NO_REQUEST)
        if guest.place is not None:
            self._gate.leave(guest.place)
            guest.place = None

    def cut_off(self) -> None:
        """End every connection that is no socket yet."""
        for guest in tuple(self.pending):
            guest.cut_off()

    def cut_off_silent(self) -> None:
        """End those of them that have not said what they want."""
        for guest in tuple(self._silent):
            guest.cut_off()

    def answer(self, guest: Guest, request: Request) -> Response | timedelta:
        """Answer a request that is not to become a socket; return how long one that is waits for its turn."""
        self._silent.pop(guest, None)
        path, _, query = request.path.partition("?")
        if path == "/health":
            return health_of(guest.protocol, self._health())
        wire = _WIRES.get(path)
        if wire is None:
            return self._refuse(
                guest, Problem(NOT_FOUND, f"Sockets are at {PATH} and {engine_io.PATH}."), request
            )
        guest.wire = wire
        try:
            if wire is Wire.SOCKET_IO:
                engine_io.check_query(query)
            return self._let_in(guest, request)
        except RequestRefused as refused:
            self._metrics.refused(refused.cause)
            return answered(guest.protocol, HTTPStatus.BAD_REQUEST, refused.body())
        except Problem as problem:
            return self._refuse(guest, problem, request)

    def answer_in_turn(self, guest: Guest, request: Request) -> Response | None:
        """Answer a request that has waited for its turn, if it is not to become a socket now."""
        try:
            self._require_ready()
        except Problem as problem:
            return self._refuse(guest, problem, request)
        return None

    def refuse_unfit(self, guest: Guest, request: Request, response: Response) -> Response | None:
        """Say as a problem what is wrong with a handshake that websockets has refused."""
        kind = _OF_STATUS.get(response.status_code)
        if kind is None or response.headers.get("Content-Type") in MEDIA_TYPES:
            return None
        told = self._refuse(guest, Problem(kind, response.body.decode().strip()), request)
        for name in ("Upgrade", "Allow"):
            if name in response.headers:
                told.headers[name] = response.headers[name]
        return told

    def _forget(self, guest: Guest) -> None:
        self.pending.discard(guest)
        self._silent.pop(guest, None)

    def _let_in(self, guest: Guest, request: Request) -> timedelta:
        """Give the connection a place, and return how long it waits for its turn.

        Raises:
            Problem: it has none.
        """
        self._require_ready()
        forwarded = request.headers.get_all("X-Forwarded-For")
        guest.place, wait = self._gate.enter(self._proxies.client_of(guest.address(), forwarded))
        return wait

    def _require_ready(self) -> None:
        health = self._health()
        if health.draining:
            raise Problem(DRAINING, "Connect again: another node takes over.", jittered(_DRAINING_RETRY))
        if not health.ready:
            detail = "This node has yet to read the log."
            raise Problem(UNAVAILABLE, detail, jittered(_NOT_READY_RETRY))

    def _refuse(self, guest: Guest, problem: Problem, request: Request) -> Response:
        self._metrics.refused(problem.kind.slug)
        return refusal(guest.protocol, problem, request.path)
