"""The socket of one client: it comes back for ever, resumes, and hands over what is new."""

import asyncio
import itertools
from contextlib import suppress
from datetime import timedelta

import structlog

from studyspot.client.clock import Clock, FullJitter
from studyspot.client.deliveries import Deliveries
from studyspot.client.errors import ClientClosed, ClientError, SentAway, SnapshotNeeded
from studyspot.client.items import Event, RoomLost
from studyspot.client.latest import Latest
from studyspot.client.refreshing import Refreshing
from studyspot.client.rooms import Rooms
from studyspot.client.session import Session
from studyspot.client.status import Status
from studyspot.client.tokens import TokenSource, current, tell_refused
from studyspot.client.transport import Disconnected, Transport, opened
from studyspot.client.witness import Witness
from studyspot.wire.frames import (
    CloseCode,
    Connected,
    Error,
    FrameMalformed,
    Heartbeat,
    Join,
    Joined,
    Leave,
    Left,
    Refreshed,
    ServerFrame,
    Since,
)

log = structlog.get_logger()

_ANSWER = timedelta(seconds=30)
_FIRST_ANSWER_SECONDS = 10
_TOKEN_SECONDS = 10
_NO_CLOSE_CODE = 1006
_LASTED = timedelta(seconds=5)
"""A connection that held this long was a good one: the next wait is short again."""


class Socket:
    """Runs one connection after another; each resumes where the last one ended."""

    def __init__(
        self,
        url: str,
        token: TokenSource,
        session: Session,
        deliveries: Deliveries,
        *,
        clock: Clock,
        jitter: FullJitter,
        witness: Witness,
    ) -> None:
        self.session = session
        self.status: Latest[Status] = Latest(Status("connecting"))
        self._url = url
        self._token = token
        self._deliveries = deliveries
        self._clock = clock
        self._jitter = jitter
        self._witness = witness
        self._rooms = Rooms()
        self._numbers = itertools.count(1)
        self._asked: dict[int, tuple[str, ...]] = {}
        self._live: Transport | None = None
        self._refreshing: Refreshing | None = None
        self._sent_token: str | None = None

    async def run(self) -> None:
        """Connect, and connect again, until cancelled.

        Raises:
            SentAway: the server does not want us back.
        """
        attempt = 0
        while True:
            began = self._clock.now()
            at_least = timedelta()
            try:
                await self._one_connection()
            except (Disconnected, FrameMalformed, TimeoutError) as lost:
                code = _NO_CLOSE_CODE
                if isinstance(lost, Disconnected):
                    code, at_least = lost.code, lost.retry_after
                if code == CloseCode.TOKEN_EXPIRED and self._sent_token is not None:
                    tell_refused(self._token, self._sent_token)
                log.info("socket lost", code=code, reason=str(lost))
            self._lost(code)
            if self._clock.now() - began >= _LASTED:
                attempt = 0
            await self._clock.sleep(at_least + self._jitter.wait(attempt))
            attempt += 1

    def end(self, reason: Exception | None) -> None:
        """Tell all who wait or listen that nothing more comes."""
        if self.status.value.state == "closed":
            return
        shown = self.status.value
        self.status.set(Status("closed", shown.stale_since or self._clock.now(), shown.close_code))
        final = reason or ClientClosed("the client is closed")
        self.status.end(final)
        self._rooms.fail(final)
        self._deliveries.end(reason)

    async def connected(self, timeout: timedelta = _ANSWER) -> None:
        """Wait until there is a connection.

        Raises:
            TimeoutError: there was none in time.
            SentAway: the server does not want us back.
        """
        await self.status.until(lambda status: status.state == "connected", timeout)

    async def join(self, room: str, since: Since | None = None, timeout: timedelta = _ANSWER) -> None:
        """Enter a room, from `since` on if given, and stay in it over every reconnection.

        Raises:
            RoomRefused: it is not open to us.
            SnapshotNeeded: the log does not reach back to `since`, or it is of another epoch.
            TimeoutError: the server did not answer in time.
            SentAway: the server does not want us back.
        """
        async with asyncio.timeout(timeout.total_seconds()):
            await self.connected(timeout)
            if since is not None and since.epoch != self.session.epoch:
                raise SnapshotNeeded(room)
            if (leaving := self._rooms.leaving.get(room)) is not None:
                await asyncio.shield(leaving)
            membership = self._rooms.hold(room, exact=since is not None)
            try:
                if membership is not None:
                    self.session.want(room, since)
                    await self._send_joins((room,))
                await asyncio.shield(self._rooms.memberships[room].entered)
            except BaseException:
                await self.leave(room)
                raise

    async def leave(self, room: str) -> None:
        """Give up a room; it is left once nobody here wants it any more."""
        if not self._rooms.release(room):
            return
        self.session.unwant(room)
        if self._live is not None:
            self._rooms.leave(room)
            await self._request(Leave(rooms=(room,)))

    async def _one_connection(self) -> None:
        token = self._sent_token = await self._current_token()
        async with opened(self._url, self._witness) as transport:
            request = next(self._numbers)
            connect = self.session.connect(token, request)
            await transport.send(connect)
            self._asked = {request: connect.rooms}
            self._refreshing = Refreshing(transport, self._token, token, self._clock, self._numbers)
            try:
                async with asyncio.timeout(_FIRST_ANSWER_SECONDS) as limit:
                    while True:
                        frame = await transport.receive()
                        if isinstance(frame, Connected):
                            limit.reschedule(None)
                        await self._take(frame, transport)
            finally:
                self._live = None
                self._rooms.left(tuple(self._rooms.leaving))
                await self._refreshing.stop()

    async def _take(self, frame: ServerFrame, transport: Transport) -> None:
        items = list(self.session.receive(frame))
        match frame:
            case Connected():
                self._live = transport
                self._rooms.answered(frame)
                self.status.set(Status("connected"))
                if self._refreshing is not None:
                    self._refreshing.start(timedelta(seconds=frame.expires_in))
                await self._send_joins(self.session.missing_rooms)
                await self._leave_unwanted(frame)
            case Joined():
                self._rooms.answered(frame)
            case Left():
                self._rooms.left(frame.rooms)
            case Refreshed() if self._refreshing is not None:
                self._refreshing.start(timedelta(seconds=frame.expires_in))
            case Heartbeat():
                self.status.set(Status("connected", frame.stale_since))
            case Error():
                log.warning("socket request failed", code=frame.code, message=frame.message)
                rooms = self._asked.get(frame.id, ()) if isinstance(frame.id, int) else ()
                self._rooms.refused(rooms, frame.code, frame.message)
                self._rooms.left(rooms)
            case _:
                pass
        for item in items:
            if isinstance(item, Event):
                self._witness.delivered(item.position, item.rooms, frozenset(item.data))
            elif isinstance(item, RoomLost):
                self._rooms.lose(item.room)
            await self._deliveries.hand_over(item)

    async def _send_joins(self, rooms: tuple[str, ...]) -> None:
        for join in self.session.joins(rooms):
            await self._request(join)

    async def _leave_unwanted(self, frame: Connected) -> None:
        """Leave what was given up while the connection was being made."""
        asked = self._asked.get(frame.id, ()) if isinstance(frame.id, int) else ()
        if rooms := tuple(room for room in asked if not self.session.wants(room)):
            await self._request(Leave(rooms=rooms))

    async def _request(self, frame: Join | Leave) -> None:
        """Send a request about rooms; without a connection the next one asks for what is wanted then."""
        if self._live is None:
            return
        request = next(self._numbers)
        self._asked[request] = frame.rooms
        # The reader sees the end of the connection as well, and acts on it.
        with suppress(Disconnected, SentAway):
            await self._live.send(frame.model_copy(update={"id": request}))

    async def _current_token(self) -> str:
        try:
            async with asyncio.timeout(_TOKEN_SECONDS):
                return await current(self._token)
        except (OSError, ClientError) as error:
            raise Disconnected(_NO_CLOSE_CODE, f"no token: {error}") from error

    def _lost(self, code: int) -> None:
        stale_since = self.status.value.stale_since or self._clock.now()
        self.status.set(Status("reconnecting", stale_since, code))
