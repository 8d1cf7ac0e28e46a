"""The StudySpot client: commands and reads over HTTP, events over the socket."""

import asyncio
from datetime import datetime, timedelta
from types import TracebackType

import httpx
import structlog

from studyspot.client.api import Api
from studyspot.client.clock import Chance, Clock, FullJitter, SystemClock, system_chance
from studyspot.client.commands import Commands
from studyspot.client.deliveries import Deliveries, Subscription
from studyspot.client.errors import SentAway
from studyspot.client.follow import FollowedLibrary
from studyspot.client.latest import Latest
from studyspot.client.queries import Queries
from studyspot.client.session import Session
from studyspot.client.socket import Socket
from studyspot.client.status import Status
from studyspot.client.tokens import TokenSource
from studyspot.client.witness import NoWitness, Witness
from studyspot.wire.frames import Since
from studyspot.wire.read_bodies import SeatMap

log = structlog.get_logger()

_RECONNECT = timedelta(seconds=0.5), timedelta(seconds=30)
_RETRY = timedelta(seconds=0.2), timedelta(seconds=5)
_PATIENCE = timedelta(seconds=30)
_TIMEOUT_SECONDS = 10
_UNDELIVERED = 1000


class Client(Commands, Queries):
    """One person's view of StudySpot, as an async context manager.

    The socket opens with the first `events`, `join` or `follow_library`, and comes back by itself.
    """

    def __init__(
        self,
        base_url: str,
        fanout_url: str,
        token: TokenSource,
        *,
        since: Since | None = None,
        conflate: bool = False,
        read_own_writes: bool = False,
        undelivered: int = _UNDELIVERED,
        patience: timedelta = _PATIENCE,
        clock: Clock | None = None,
        chance: Chance | None = None,
        witness: Witness | None = None,
    ) -> None:
        """Make a client; nothing is sent yet.

        Args:
            base_url: of the API, such as http://127.0.0.1:8000.
            fanout_url: of the fan-out, such as ws://127.0.0.1:8001.
            token: a token, or what returns one that is valid now.
            since: where an earlier client was (`resume_point`): events go on from there.
            conflate: of several changes of one occupation that the public sees, a quarter of a second's
                newest is enough; seat maps that are followed stay exact, that much later.
            read_own_writes: reads reflect at least this client's newest command.
            undelivered: how many events wait for a slow reader before the socket is read no further.
            patience: how long a command or read is tried again while the server is away.
            clock, chance, witness: for tests and for the record.
        """
        clock, chance, witness = clock or SystemClock(), chance or system_chance(), witness or NoWitness()
        self._http = httpx.AsyncClient(base_url=base_url, timeout=_TIMEOUT_SECONDS)
        api = Api(
            self._http,
            token,
            clock=clock,
            jitter=FullJitter(*_RETRY, chance),
            patience=patience,
            witness=witness,
        )
        Commands.__init__(self, api)
        Queries.__init__(self, api, read_own_writes=read_own_writes)
        self._clock = clock
        self._jitter = FullJitter(*_RECONNECT, chance)
        self._deliveries = Deliveries(undelivered)
        self._socket = Socket(
            f"{fanout_url.rstrip('/')}/ws",
            token,
            Session(since, conflate=conflate),
            self._deliveries,
            clock=clock,
            jitter=self._jitter,
            witness=witness,
        )
        self._runner: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def position(self) -> int:
        """The position of our newest accepted command; 0 before the first."""
        return self._api.position

    @property
    def resume_point(self) -> Since | None:
        """Where another client would go on without missing anything of what this one was told."""
        return self._socket.session.since

    @property
    def status(self) -> Latest[Status]:
        """How well the socket is connected: `.value`, `.changes()`, `.until(…)`."""
        return self._socket.status

    def events(self) -> Subscription:
        """Listen to everything that the socket brings from now on: `async for event in client.events()`.

        Yields `Event`; `SnapshotRequired` where what happened cannot be told; `RoomLost`. While nobody
        reads a subscription that is full, the socket is not read either: close one that is no longer read.
        The loop raises SentAway when the server does not want us back.
        """
        subscription = self._deliveries.subscribe()
        self._start()
        return subscription

    async def connected(self, timeout: timedelta = _PATIENCE) -> None:
        """Open the socket, and wait until it is connected.

        Raises:
            TimeoutError: it was not, in time.
            SentAway: the server does not want us.
        """
        self._start()
        await self._socket.connected(timeout)

    async def join(self, room: str, since: Since | None = None) -> None:
        """Enter a room such as `library:{id}`, from `since` on if given; see `Socket.join`."""
        self._start()
        await self._socket.join(room, since)

    async def leave(self, room: str) -> None:
        """Leave a room that was joined."""
        await self._socket.leave(room)

    async def follow_library(self, library_id: str, start: datetime, end: datetime) -> FollowedLibrary:
        """Return the library's seat map for [start, end), exact now and kept so until it is closed.

        Raises:
            ProblemError, AnswerLost: the map cannot be read.
            RoomRefused, TimeoutError, SentAway: the room cannot be joined.
        """

        async def read(min_position: int) -> SeatMap:
            return await self.seat_map(library_id, start, end, min_position=min_position)

        self._start()
        followed = FollowedLibrary(
            library_id,
            start,
            end,
            read=read,
            socket=self._socket,
            deliveries=self._deliveries,
            clock=self._clock,
            jitter=self._jitter,
        )
        await followed.begin()
        return followed

    async def close(self) -> None:
        """End every stream, and close all connections."""
        self._is_closed = True
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        self._socket.end(None)
        await self._http.aclose()

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _start(self) -> None:
        if self._runner is None and not self._is_closed:
            self._runner = asyncio.create_task(self._run(), name="studyspot client socket")

    async def _run(self) -> None:
        try:
            await self._socket.run()
        except SentAway as away:
            log.info("socket sent away", code=away.code, reason=away.reason)
            self._socket.end(away)
        except Exception as error:
            log.exception("socket failed")
            self._socket.end(error)
            raise
