"""Clients that come back by themselves, all that they were told, and what the judge says of it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from studyspot.checker.log import Log as JudgedLog
from studyspot.checker.passages import Socket
from studyspot.checker.rooms import Rooms
from studyspot.checker.sockets import judge_socket
from studyspot.checker.witness import Witness
from studyspot.client.client import Client
from studyspot.domain.people import Role
from tests.ws_fanout.judged import record_of
from tests.ws_fanout.live import Log, until
from tests.ws_fanout.people import token


class Hasty:
    """Chance that lets a client come back at once."""

    def uniform(self, a: float, b: float) -> float:
        return b / 20


class Follower:
    """A client of one person, and the record of it."""

    def __init__(self, port: int, user: str, role: Role) -> None:
        self._witness = Witness(user, user, role)
        self.client = Client(
            "http://127.0.0.1:1",  # It only listens.
            f"ws://127.0.0.1:{port}",
            token(user, role),
            chance=Hasty(),
            witness=self._witness,
        )

    @property
    def socket(self) -> Socket:
        return self._witness.socket

    @property
    def close_codes(self) -> list[int]:
        """How its connections ended, in order."""
        codes = (connection.close_code for connection in self.socket.connections)
        return [code for code in codes if code is not None]

    def has(self, position: int) -> bool:
        """Whether the event at a position has been handed over."""
        return any(delivery.position == position for delivery in reversed(self.socket.delivered or ()))


@asynccontextmanager
async def followers(
    port: int, users: Iterable[str], *, rooms: Iterable[str] = (), role: Role = "student"
) -> AsyncIterator[list[Follower]]:
    """Connected clients, each in `rooms` as well."""
    async with AsyncExitStack() as stack:
        them = [Follower(port, user, role) for user in users]
        for one in them:
            await stack.enter_async_context(one.client)
            await one.client.connected()
            for room in rooms:
                await one.client.join(room)
        yield them


async def all_have(them: Iterable[Follower], position: int) -> None:
    await until(lambda: all(one.has(position) for one in them))


def faults(log: Log, them: Iterable[Follower]) -> list[str]:
    """Return what the judge finds in what each was told; by now everything has to be there."""
    # Of the log itself nothing is judged: its bookings need not make sense.
    known = JudgedLog(
        record_of(position, event, epoch=log.epoch, time=log.time)
        for position, event in enumerate(log.events, start=1)
    )
    rooms = Rooms(known)
    return [str(fault) for one in them for fault in judge_socket(known, rooms, one.socket, settled=True)]
