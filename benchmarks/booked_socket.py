"""What commit-to-socket compares: two who bring bookings about, and tell sockets of them."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import orjson

from benchmarks.booking_clients import Request, post_evenly
from benchmarks.lag_observer import LOG, Observer, times_of
from benchmarks.sockets.dialects import Dialect, SocketIo, Step, StudySpot
from benchmarks.sockets.steady import hand_over_evenly
from benchmarks.sockets.told_server import ToldServer
from studyspot.console.temporary_system import TemporarySystem

NAME = "booking:created"
LIBRARIES = 10
SEATS = 40
"""Of each library."""
_CONNECTIONS = 32
_HEARD_SECONDS = 10.0
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Booked:
    """A booking at `position`, by one of the students in one of the libraries.

    `committed` is in seconds of `time.time`, as are the moments at which sockets have something.
    """

    position: int
    booking_id: str
    student: int
    library: int
    committed: float


@dataclass(frozen=True, slots=True)
class Slot:
    """What the next student books: a seat that is free, at an hour at which they have nothing else."""

    number: int
    students: int

    @property
    def student(self) -> int:
        return self.number % self.students

    @property
    def library(self) -> int:
        return self.number % LIBRARIES

    @property
    def seat(self) -> int:
        return self.number % self._in_an_hour // LIBRARIES

    @property
    def hour(self) -> int:
        return self.number // self._in_an_hour

    @property
    def _in_an_hour(self) -> int:
        return min(LIBRARIES * SEATS, self.students // LIBRARIES * LIBRARIES)


class Booker(Protocol):
    """Somebody who brings bookings about, and the server that tells sockets of them."""

    @property
    def dialect(self) -> Dialect:
        """How the server is talked to."""

    @property
    def port(self) -> int:
        """Where it listens."""

    @property
    def pids(self) -> dict[str, int]:
        """The processes that work for it."""

    def openings(self, since: Sequence[int] | None = None) -> Sequence[tuple[Step, ...]]:
        """Return how each socket is opened: the students' and then the owners'; to go on from `since`."""

    def book(self, count: int, per_second: float) -> Sequence[Booked]:
        """Let so many be booked, evenly, and wait until all are."""


class OurBooker:
    """The product: commands over HTTP, the store, the relay, NATS and the fan-out."""

    dialect = StudySpot()

    def __init__(
        self, system: TemporarySystem, observer: Observer, epoch: str, students: Sequence[str],
        owners: Sequence[str], seats: Sequence[tuple[str, Sequence[str]]],
    ) -> None:  # fmt: skip
        self.port = int(system.fanout_url.rpartition(":")[2])
        self._system = system
        self._observer = observer
        self._epoch = epoch
        self._students = students
        self._owners = owners
        self._seats = seats
        self._booked = 0
        self._starts = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + 24 * _HOUR

    @property
    def pids(self) -> dict[str, int]:
        names = ("api", "relay", "fanout", "projections", "policies", "nats", "postgres")
        return {name: self._system.pid_of(name) for name in names}

    def openings(self, since: Sequence[int] | None = None) -> Sequence[tuple[Step, ...]]:
        tokens = [*self._students, *self._owners]
        if since is None:
            return [self.dialect.opening(token, ()) for token in tokens]
        return [
            self.dialect.resuming(token, (), {"epoch": self._epoch, "position": position})
            for token, position in zip(tokens, since, strict=True)
        ]

    def book(self, count: int, per_second: float) -> Sequence[Booked]:
        slots = [Slot(self._booked + number, len(self._students)) for number in range(count)]
        self._booked += count
        requests = [self._request(slot) for slot in slots]
        work = post_evenly(self._system.api_url, requests, per_second=per_second, connections=_CONNECTIONS)
        answers = asyncio.run(work)
        acknowledged = {answer.body["position"]: answer.acknowledged for answer in answers}
        heard = self._heard(sorted(acknowledged))
        to_wall = time.time() - time.perf_counter()
        return sorted(
            (
                Booked(
                    position := answer.body["position"],
                    answer.body["id"],
                    slot.student,
                    slot.library,
                    min(heard[position], acknowledged[position]) + to_wall,
                )
                for slot, answer in zip(slots, answers, strict=True)
            ),
            key=lambda booked: booked.position,
        )

    def _heard(self, positions: Sequence[int]) -> dict[int, float]:
        """Return when PostgreSQL told its listeners of each."""
        end = time.monotonic() + _HEARD_SECONDS
        while self._observer.reached(LOG) < positions[-1]:
            if time.monotonic() > end:
                raise TimeoutError(f"nothing was heard of position {positions[-1]}")
            time.sleep(0.01)
        return dict(times_of(positions, self._observer.heard[LOG]))

    def _request(self, slot: Slot) -> Request:
        library_id, seat_ids = self._seats[slot.library]
        start = self._starts + slot.hour * _HOUR
        body = {
            "libraryId": library_id,
            "seatId": seat_ids[slot.seat],
            "start": start.isoformat(),
            "end": (start + _HOUR).isoformat(),
        }
        return Request("/api/bookings", self._students[slot.student], body)


class SocketIoBooker:
    """The peer: a server that has the bookings in its memory already, and emits each to the same people."""

    dialect = SocketIo(event_name=NAME)

    def __init__(self, server: ToldServer, students: Sequence[str], owners: Sequence[str]) -> None:
        self.port = server.port
        self.pids = {"server": server.pid}
        self._server = server
        self._students = students
        self._owners = owners
        self._booked = 0

    def openings(self, since: Sequence[int] | None = None) -> Sequence[tuple[Step, ...]]:
        # It knows of no positions: whoever was away has missed what came.
        owners = [self.dialect.opening(token, [staff_room(n)]) for n, token in enumerate(self._owners)]
        return [*(self.dialect.opening(token, ()) for token in self._students), *owners]

    def book(self, count: int, per_second: float) -> Sequence[Booked]:
        first = self._booked
        self._booked += count
        moments = hand_over_evenly(
            count, per_second, lambda start, end: self._server.send(first + start, first + end)
        )
        slots = [Slot(first + number, len(self._students)) for number in range(count)]
        return [
            Booked(slot.number + 1, f"B{slot.number}", slot.student, slot.library, moment)
            for slot, moment in zip(slots, moments, strict=True)
        ]


def staff_room(library: int) -> str:
    """Return the room of those who work in a library of the peer's."""
    return f"library:{library}:staff"


def remembered(count: int, students: int, user_of: Sequence[str]) -> list[bytes]:
    """Return the bookings of the peer, with what our own frames have that matters to who reads them."""
    return [
        orjson.dumps(
            {
                "type": "event",
                "name": NAME,
                "position": slot.number + 1,
                "rooms": [f"user:{user_of[slot.student]}", staff_room(slot.library)],
                "event": {
                    "data": {
                        "bookingId": f"B{slot.number}",
                        "libraryId": f"{slot.library}",
                        "seatId": f"S{slot.seat}",
                        "userId": user_of[slot.student],
                        "status": "confirmed",
                        "amountMinor": 0,
                        "currency": "INR",
                        "state": "booked",
                    }
                },
            }
        )
        for slot in (Slot(number, students) for number in range(count))
    ]
