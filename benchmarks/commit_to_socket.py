"""200 bookings a second: how long after its commit one is at the student's and at the owner's socket.

The work is done by a whole installation as `studyspot up` runs it. Students book over HTTP, each for
themself, in ten libraries; 990 students and ten owners have a socket each. A booking is committed when
PostgreSQL tells of it, to who asked for it or to who listens, whichever is first; it is there when the kernel
has it for the socket. Socket.IO beside it has the bookings in its memory and commits nothing.

Then all sockets are cut off in the middle of such a load, and come back: what each has missed is counted.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import orjson
import structlog
import uvloop

from benchmarks.booked_socket import (
    LIBRARIES,
    NAME,
    SEATS,
    Booked,
    Booker,
    OurBooker,
    SocketIoBooker,
    remembered,
)
from benchmarks.frame import OURS, Benchmark, Figures, Report, alternate, missed, percentile
from benchmarks.lag_observer import Observer
from benchmarks.sockets.contestants import begun
from benchmarks.sockets.crowd import Crowd, crowd
from benchmarks.sockets.processes import processor_seconds
from benchmarks.sockets.socket_io import NAME as SOCKET_IO
from benchmarks.sockets.socket_io import socket_io
from studyspot.access.keys import SigningKey
from studyspot.console.temporary_system import TemporarySystem, temporary_system
from studyspot.event_store.store import EventStore

SOCKETS = 1_000
BOOKINGS_PER_SECOND = 200
SECONDS = 10
ROUNDS = 2
MOST_P50_MS = 5.0
MOST_P99_MS = 25.0
LEAST_SHARE_OF_RATE = 0.95
_WARMING_SECONDS = 1
_CUT_SECONDS = 3
"""Of bookings, a second after the beginning of which all sockets are cut off."""
_COME_BACK_WITHIN_SECONDS = 0.5
_CALM_SECONDS = 1.0
_LIMIT_SECONDS = 30.0
_BUFFER_BYTES = 64 * 1024
_MS = 1000

log = structlog.get_logger()


@dataclass
class Turns:
    """Lets one contestant after the other tell sockets of bookings.

    Attributes:
        wrongs: each socket that did not have each of its bookings once, in order, while nothing was cut.
        p50: the median delay of each turn, in milliseconds.
        greatest: the greatest delay of each turn.
        rates: bookings per second, of each turn.
        lost: how many bookings did not come to sockets that were cut off and had come back, in each turn.
        busy: by process, the share of a processor that it took in each turn.
    """

    crowd: Crowd
    students: int
    per_second: float
    seconds: float
    wrongs: list[str] = field(default_factory=list)
    p50: dict[str, list[float]] = field(default_factory=dict)
    greatest: dict[str, list[float]] = field(default_factory=dict)
    rates: dict[str, list[float]] = field(default_factory=dict)
    lost: dict[str, list[int]] = field(default_factory=dict)
    busy: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    _position: dict[str, int] = field(default_factory=dict)

    def turn(self, name: str, booker: Booker) -> float:
        """Return the 99th percentile of the delays, in milliseconds."""
        self._open(booker, stamped=True)
        self._await(self._expected(name, self._book(name, booker, _WARMING_SECONDS)))
        self.crowd.forget()
        before, began = self._processor_seconds(booker), time.monotonic()
        booked = self._book(name, booker, self.seconds)
        after, took = self._processor_seconds(booker), time.monotonic() - began
        for process, seconds in after.items():
            share = round((seconds - before[process]) / took, 2)
            self.busy.setdefault(name, {}).setdefault(process, []).append(share)
        committed = sorted(booking.committed for booking in booked)
        self.rates.setdefault(name, []).append((len(booked) - 1) / (committed[-1] - committed[0]))
        delays = self._delays(name, booker, booked)
        self.crowd.forget()
        self._cut(name, booker)
        self.crowd.drop()
        p50, p99 = percentile(delays, 0.5) * _MS, percentile(delays, 0.99) * _MS
        self.p50.setdefault(name, []).append(p50)
        self.greatest.setdefault(name, []).append(max(delays) * _MS)
        log.info("turn", server=name, bookings=len(booked), p50_ms=round(p50, 2), p99_ms=round(p99, 2))
        return p99

    def _book(self, name: str, booker: Booker, seconds: float) -> Sequence[Booked]:
        count = round(self.per_second * seconds)
        booked = booker.book(count, self.per_second)
        self._position[name] = booked[-1].position
        return booked

    def _delays(self, name: str, booker: Booker, booked: Sequence[Booked]) -> Sequence[float]:
        """Wait for all, check what each socket has, and return what is of the student and the own library."""
        expected = self._expected(name, booked)
        self._await(expected)
        events = self.crowd.events(booker.dialect)
        wrongs = [
            f"{name}: socket {number}: {wrong}"
            for number, (received, bookings) in enumerate(zip(events, expected, strict=True))
            if (wrong := what_is_wrong(received, bookings)) is not None
        ]
        if wrongs:
            self.wrongs += wrongs
            return [_LIMIT_SECONDS]
        moments = [[booking.committed for booking in bookings] for bookings in expected]
        delays = self.crowd.delays(booker.dialect, *moments)
        about = [
            number < self.students or booking.library == number - self.students
            for number, bookings in enumerate(expected)
            for booking in bookings
        ]
        return [delay for delay, counts in zip(delays, about, strict=True) if counts]

    def _await(self, expected: Sequence[Sequence[Booked]]) -> None:
        """Wait until each socket has the last of its bookings."""
        self.crowd.expect(*(_marker(bookings) for bookings in expected))
        self.crowd.wait(limit=_LIMIT_SECONDS)

    def _cut(self, name: str, booker: Booker) -> None:
        """Cut all sockets off while bookings go on, let them come back, and count what they have missed."""
        began_at = self._position[name]
        with ThreadPoolExecutor(1, thread_name_prefix="bookings") as threads:
            booking = threads.submit(self._book, name, booker, _CUT_SECONDS)
            time.sleep(_CALM_SECONDS)
            self.crowd.drop(keep=True)
            newest = [int(found or began_at) for found in self.crowd.newest(b'"position":', b",")]
            self._open(booker, newest)
            booked = booking.result(_LIMIT_SECONDS)
        time.sleep(_CALM_SECONDS)
        events = self.crowd.events(booker.dialect)
        expected = self._expected(name, booked)
        lost = sum(len(bookings) for bookings in expected) - sum(len({*received}) for received in events)
        if name == OURS and not lost:
            self.wrongs += [
                f"{name}: cut off: {wrong}"
                for received, bookings in zip(events, expected, strict=True)
                if (wrong := what_is_wrong(received, bookings)) is not None
            ]
        self.lost.setdefault(name, []).append(lost)

    def _expected(self, name: str, booked: Sequence[Booked]) -> list[list[Booked]]:
        """Return of which bookings each socket hears: students of their own, owners of all, in part.

        The peer's owners hear of their own libraries' alone.
        """
        expected: list[list[Booked]] = [[] for _ in range(self.students + LIBRARIES)]
        for booking in booked:
            expected[booking.student].append(booking)
            for library in range(LIBRARIES):
                if name == OURS or library == booking.library:
                    expected[self.students + library].append(booking)
        return expected

    def _open(self, booker: Booker, since: Sequence[int] | None = None, *, stamped: bool = False) -> None:
        self.crowd.open(
            booker.dialect,
            booker.port,
            booker.openings(since),
            within=_COME_BACK_WITHIN_SECONDS if since is not None else 0.0,
            most_bytes=_BUFFER_BYTES,
            limit=_LIMIT_SECONDS,
            stamped=stamped,
        )

    def _processor_seconds(self, booker: Booker) -> dict[str, float]:
        used = {process: processor_seconds(pid) for process, pid in booker.pids.items()}
        return used | {"crowd": processor_seconds(self.crowd.pid), "students": time.process_time()}


def _marker(bookings: Sequence[Booked]) -> bytes:
    return b'"position":%d,' % bookings[-1].position if bookings else b""


def what_is_wrong(received: Sequence[bytes], bookings: Sequence[Booked]) -> str | None:
    """Return what is wrong with the events of a socket that should have heard of these bookings."""
    events = [orjson.loads(event) for event in received]
    if [event["position"] for event in events] != [booking.position for booking in bookings]:
        return f"{len(events)} events, not the {len(bookings)} bookings in order"
    for event, booking in zip(events, bookings, strict=True):
        # An owner of another library learns of the interval alone.
        booking_id = event["event"]["data"].get("bookingId", booking.booking_id)
        if (event["name"], booking_id) != (NAME, booking.booking_id):
            return f"{event['name']} of {booking_id}, not {booking.booking_id}"
    return None


def measure(
    system: TemporarySystem,
    *,
    sockets: int = SOCKETS,
    per_second: float = BOOKINGS_PER_SECOND,
    seconds: float = SECONDS,
    rounds: int = ROUNDS,
    only: Collection[str] | None = None,
) -> Report:
    """Measure all, or ours and `only` these peers, on a running system without bookings."""
    users = [f"student-{number}" for number in range(sockets - LIBRARIES)]
    students = [system.token(user, "student") for user in users]
    owners = [system.token(f"owner-{number}", "library_owner") for number in range(LIBRARIES)]
    url = str(system.settings["database_url"])
    with ExitStack() as stack:
        observer = stack.enter_context(Observer(url))
        epoch = stack.enter_context(EventStore(url)).head().epoch
        seats = [open_library(system, owner) for owner in owners]
        turns = Turns(stack.enter_context(crowd()), len(students), per_second, seconds)
        bookers: dict[str, Booker] = {OURS: OurBooker(system, observer, epoch, students, owners, seats)}
        count = round(per_second * (seconds + _WARMING_SECONDS + _CUT_SECONDS) * rounds)
        key = SigningKey.load(Path(system.settings["signing_key"]))
        known = remembered(count, len(users), users)
        peers, absent = begun(stack, {SOCKET_IO: lambda: socket_io(key, known, "")}, only)
        bookers |= {name: SocketIoBooker(server, students, owners) for name, server in peers.items()}
        contestants: dict[str, Callable[[], float]] = {
            name: partial(turns.turn, name, booker) for name, booker in bookers.items()
        }
        figures = alternate(rounds, contestants)
    return _report(figures, turns, absent)


def open_library(system: TemporarySystem, owner: str) -> tuple[str, Sequence[str]]:
    """Let the owner open a library; return its id and those of its seats."""
    headers = {"Authorization": f"Bearer {owner}"}
    with httpx.Client(base_url=system.api_url, headers=headers, timeout=_LIMIT_SECONDS) as client:
        library = {"name": "Reading room", "city": "Pune", "timeZone": "UTC"}
        answer = client.post("/api/libraries", json=library).raise_for_status()
        library_id = answer.json()["id"]
        seats = {"seats": [{"label": f"S{number}"} for number in range(SEATS)]}
        answer = client.post(f"/api/libraries/{library_id}/seats", json=seats).raise_for_status()
    return library_id, [seat["id"] for seat in answer.json()["seats"]]


def _report(figures: dict[str, Figures], turns: Turns, absent: dict[str, str]) -> Report:
    ours = figures[OURS]
    peers = {name: of_peer for name, of_peer in figures.items() if name != OURS}
    p50 = {name: Figures(tuple(values)) for name, values in turns.p50.items()}
    wrong, lost, rate = turns.wrongs, max(turns.lost[OURS]), min(turns.rates[OURS])
    return Report(
        name="commit-to-socket",
        ours=round(ours.median, 2),
        peers={name: round(of_peer.median, 2) for name, of_peer in peers.items()},
        ratio={name: round(ours.ratio_to(of_peer), 2) for name, of_peer in peers.items()},
        unit="ms at p99",
        rounds=len(ours.values),
        more={
            "sockets": turns.students + LIBRARIES,
            "bookingsPerSecond": {name: round(min(rates), 1) for name, rates in turns.rates.items()},
            "seconds": turns.seconds,
            "p99Ms": {name: of_one.spread() for name, of_one in figures.items()},
            "p50Ms": {name: of_one.spread() for name, of_one in p50.items()},
            "greatestMs": {name: round(max(values), 1) for name, values in turns.greatest.items()},
            "lostAcrossReconnect": turns.lost,
            "shareOfAProcessor": turns.busy,
        },
        absent=absent,
        failures=missed(
            [
                (
                    not wrong,
                    f"each socket hears of each booking once, in order: {len(wrong)} do not; {wrong[:1]}",
                ),
                (lost == 0, f"nothing is lost by who comes back: {lost}"),
                (
                    p50[OURS].median <= MOST_P50_MS,
                    f"the median booking is there within {MOST_P50_MS:g} ms: {p50[OURS].median:.1f}",
                ),
                (ours.median <= MOST_P99_MS, f"99 of 100 are within {MOST_P99_MS:g} ms: {ours.median:.1f}"),
                (
                    rate >= LEAST_SHARE_OF_RATE * turns.per_second,
                    f"the load stays within 5 % of {turns.per_second:g} bookings a second: {rate:.0f}",
                ),
            ]
        ),
    )


async def _run() -> Report:
    async with temporary_system() as system:
        return await asyncio.to_thread(measure, system)


def run() -> Report:
    """Measure on a temporary installation."""
    return uvloop.run(_run())


BENCHMARK = Benchmark(
    "commit-to-socket",
    f"commit until the student's and the owner's socket, at {BOOKINGS_PER_SECOND} bookings/s",
    run,
)
