"""One client of the crowd: it comes and goes, asks for rooms, reads or does not, and keeps all it is told.

It resumes as any client does; the connection is its own, to be cut off, left unread and given any token.
"""

import asyncio
import math
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from studyspot.checker.witness import Witness
from studyspot.client.items import Event
from studyspot.client.session import Session
from studyspot.domain.people import Role
from studyspot.wire.frames import (
    SUBPROTOCOL,
    Behind,
    CaughtUp,
    ClientFrame,
    CloseCode,
    Connected,
    EventFrame,
    Joined,
    Leave,
    Left,
    Refresh,
    Refreshed,
    ServerFrame,
    Since,
    read_server_frame,
)
from tests.chaos.crowd.people import Person

OPEN_SECONDS = 5
_ANSWER_SECONDS = 20
_SMALL_BUFFER_BYTES = 1024
_SMALL_SEGMENT_BYTES = 88
_CONFLATES_EVERY = 4
_SLOW_EVERY = 10
_ABNORMAL = 1006
_EVERYONE = "everyone"
_BACK_AFTER = 0.05, 0.6
_BOLD = 0.1
_UNEXPECTED = (CloseCode.BAD_TOKEN, CloseCode.MALFORMED, CloseCode.TOO_MANY_SOCKETS)
_PROMPT_SECONDS = 4
"""Of the five in which a node must have heard who is there; on a busy machine we may be late ourselves."""


class Visitor:
    """A socket that comes back; `complaints` are what the judge, who knows no clock, cannot see."""

    def __init__(
        self, person: Person, number: int, urls: Sequence[str], chance: random.Random, counts: Counter[str]
    ) -> None:
        self.person = person
        self.chance = chance
        self.session = Session()
        self.witness = Witness(f"{person.user_id}/{number}", person.user_id, person.role)
        self.complaints: list[str] = []
        self.rooms: set[str] = set()
        """Those that it was let into on this connection, but for its own."""
        self.leaving: set[str] = set()
        self.joining: dict[int | str | None, str] = {}
        """The rooms that are asked for and not answered yet, by request."""
        self.reads_slowly = number % _SLOW_EVERY == 1
        self.reached = 0
        self._urls = urls
        self._counts = counts
        self._connection: ClientConnection | None = None
        self._is_in = False
        self._is_behind = False
        self._owed: set[str] = set()
        self._requests = 0
        self._reads = asyncio.Event()
        self._reads.set()
        self._conflates = number % _CONFLATES_EVERY == 1
        self._valid_until = 0.0
        self._opened_at = self._connected_at = 0.0
        self._offered: dict[int, float] = {}
        self._again: dict[int | str, tuple[str, Since]] = {}

    def __str__(self) -> str:
        is_there = "there" if self._is_in else "not there"
        waits = sorted({*self._owed, *self.leaving})
        codes = [connection.close_code for connection in self.witness.socket.connections[-3:]]
        return f"{self.witness.socket.who} ({is_there}, at {self.reached}, closed {codes}, waits for {waits})"

    @property
    def is_connected(self) -> bool:
        """Whether it has been let in."""
        return self._is_in

    def is_settled(self, position: int) -> bool:
        """Say whether it has been told everything up to there, as far as it can know."""
        waits = self._owed or self.leaving or self._is_behind
        return self._is_in and self.reached >= position and not waits

    async def run(self, ended: asyncio.Event) -> None:
        """Come, be there for as long as it lasts, and come again, until cancelled.

        Who may not come tries now and then all the same, until the end.
        """
        while True:
            await asyncio.sleep(self.chance.uniform(*_BACK_AFTER))
            is_bold = self.chance.random() < _BOLD and not ended.is_set()
            if self.person.standing != "active" and not is_bold:
                continue
            try:
                await self._visit()
            except (OSError, InvalidHandshake, EOFError, TimeoutError):
                self._counts["not let in"] += 1

    async def say(self, frame: ClientFrame) -> None:
        """Send a frame on the connection that there is; where there is none, it is not said.

        Raises:
            ConnectionClosed: it is over.
        """
        if self._connection is None:
            return
        self._requests += 1
        sent = frame.model_copy(update={"id": self._requests})
        shown = sent.model_dump(mode="json", by_alias=True, exclude_none=True)
        self.witness.sent(shown)
        await self._connection.send(orjson.dumps(shown).decode())

    async def join(self, room: str, since: Since | None = None) -> None:
        """Ask for a room, from `since` on if given.

        Raises:
            ConnectionClosed: the connection is over.
        """
        # What nobody was told of, the judge could not know: from where on the room counts.
        # Nor does any client of ours ask for a room that it is waiting for.
        if not self._is_in or room in self.joining.values():
            return
        if since is not None and room in self.rooms:
            self._again[self._requests + 1] = room, since
        self.session.want(room, since)
        for join in self.session.joins((room,)):
            self.joining[self._requests + 1] = room
            await self.say(join)

    async def leave(self, room: str) -> None:
        """Leave a room; raises as `join` does."""
        if not self._is_in:
            return
        self.session.unwant(room)
        self.leaving.add(room)
        await self.say(Leave(rooms=(room,)))

    def drop(self) -> None:
        """Be gone without a word."""
        if self._connection is not None:
            self._counts["dropped"] += 1
            self._connection.transport.abort()

    async def go(self) -> None:
        """Close the connection as one should."""
        if self._connection is not None:
            await self._connection.close()

    async def pause(self, seconds: float) -> None:
        """Read nothing for a while."""
        with self.reading_nothing():
            await asyncio.sleep(seconds)

    @contextmanager
    def reading_nothing(self) -> Iterator[None]:
        """Read nothing inside."""
        self._reads.clear()
        try:
            yield
        finally:
            self._reads.set()

    async def refresh(self) -> None:
        """Offer a token for the one that is in force; raises as `join` does."""
        token, until = self._token(self._any_role())
        # Which of the two is in force, the answer tells.
        self._offered[self._requests + 1] = until
        self._valid_until = min(self._valid_until, until)
        await self.say(Refresh(token=token))

    def _token(self, role: Role) -> tuple[str, float]:
        """Return a token, and until when it is valid; now and then it ends soon, or has ended."""
        lifetime = timedelta(hours=12)
        whim = self.chance.random()
        if whim < 0.1:
            lifetime = timedelta(seconds=self.chance.uniform(2, 8))
        elif whim < 0.13:
            lifetime = timedelta(seconds=-60)
        # What is signed counts whole seconds.
        until = asyncio.get_running_loop().time() + lifetime.total_seconds() - 1
        return self.person.token(role, lifetime), until

    async def _visit(self) -> None:
        token, self._valid_until = self._token(self._any_role())
        connected = self.session.connect(token, 0)
        now = asyncio.get_running_loop().time
        self._opened_at, self._connected_at = now(), math.inf
        async with self._opened() as connection:
            self.witness.opened()
            self._connection = connection
            self._owed.clear()
            self.leaving.clear()
            self._offered.clear()
            self._again.clear()
            self.joining.clear()
            self._is_behind = False
            self._counts["connections"] += 1
            try:
                await self.say(connected.model_copy(update={"conflate": self._conflates}))
                self._connected_at = now()
                async with asyncio.timeout(_ANSWER_SECONDS) as limit:
                    while True:
                        await self._reads.wait()
                        message = await connection.recv()
                        frame = read_server_frame(message)
                        limit.reschedule(None)
                        self.witness.received(orjson.loads(message))
                        await self._take(frame)
            except ConnectionClosed:
                pass
            finally:
                self._connection, self._is_in = None, False
                self.rooms.clear()
                self._end(connection.close_code or _ABNORMAL)

    def _any_role(self) -> Role:
        """Return their role; of who has no account here, a provider may say this today and that tomorrow."""
        may_vary = not self.person.has_account and self.person.role in ("library_owner", "staff")
        return "student" if may_vary and self.chance.random() < 0.1 else self.person.role

    def _end(self, code: int) -> None:
        self.witness.closed(code)
        self._counts[f"closed {code}"] += 1
        expired = asyncio.get_running_loop().time() >= self._valid_until
        was_prompt = self._connected_at - self._opened_at < _PROMPT_SECONDS
        if code in _UNEXPECTED or (code == CloseCode.NO_CONNECT and was_prompt):
            self.complaints.append(f"{self.witness.socket.who}: closed with {code}")
        elif code == CloseCode.TOKEN_EXPIRED and not expired and not self.person.has_account:
            self.complaints.append(f"{self.witness.socket.who}: closed with {code}, and its token is valid")

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[ClientConnection]:
        url = self.chance.choice(self._urls)
        with socket.socket() as plain:
            plain.setblocking(False)
            if self.reads_slowly:
                # By its segments, the server's side of the kernel is small as well.
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER_BYTES)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SMALL_SEGMENT_BYTES)
            place = urlsplit(url)
            async with asyncio.timeout(OPEN_SECONDS):
                await asyncio.get_running_loop().sock_connect(plain, (place.hostname, place.port))
            async with connect(
                f"{url}/ws",
                sock=plain,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                compression=None,
                open_timeout=OPEN_SECONDS,
                close_timeout=0.5,
                ping_interval=None,
                max_queue=4,
            ) as connection:
                yield connection

    async def _take(self, frame: ServerFrame) -> None:
        if isinstance(frame, Joined):
            self.joining.pop(frame.id, None)
        if isinstance(frame, Joined) and frame.id in self._again:
            # What came of the room since it was asked for again was of its time before.
            self.session.want(*self._again.pop(frame.id))
        for item in self.session.receive(frame):
            if isinstance(item, Event):
                self.witness.delivered(item.position, item.rooms, frozenset(item.data))
        match frame:
            case Connected():
                self._is_in = True
                self._entered(frame)
                self._counts[f"connected, {frame.resume}"] += 1
                self._counts["conflating"] += self._conflates
                for join in self.session.joins(self.session.missing_rooms):
                    await self.say(join)
            case Joined():
                self._entered(frame)
                self._counts["granted" if frame.id is None else f"joined, {frame.resume}"] += 1
            case Left():
                self.rooms -= {*frame.rooms}
                self._owed -= {*frame.rooms}
                self.leaving -= {*frame.rooms}
                self._counts["revoked" if frame.id is None else "left"] += 1
            case EventFrame():
                self.reached = max(self.reached, frame.position)
            case Refreshed(id=int(request)):
                self._valid_until = self._offered.pop(request, self._valid_until)
                self._counts["refreshed"] += 1
            case CaughtUp():
                self._owed -= {*frame.rooms}
                self._is_behind = self._is_behind and _EVERYONE not in frame.rooms
            case Behind():
                self._counts["behind"] += 1
                self._is_behind = True
            case _:
                self._counts[frame.type] += 1

    def _entered(self, frame: Connected | Joined) -> None:
        rooms = {answer.room for answer in frame.rooms if answer.joined}
        self._counts["refused rooms"] += len(frame.rooms) - len(rooms)
        self.rooms |= rooms
        if frame.resume == "replaying":
            self._owed |= rooms
        else:
            self._owed -= rooms
