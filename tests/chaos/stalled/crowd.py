"""The process of the sockets, and the events that they get."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from studyspot.domain.events import AnnouncementMade, SeatAdded
from tests.ws_fanout.live import Log
from tests.ws_fanout.people import token

ANSWER_SECONDS = 250
SOCKETS_OF_A_PERSON = 10
AT_ONCE = 500
SEATS_AT_ONCE = 10
TEXT_BYTES = 500
SEAT_BYTES = 64 * 1024
LIBRARY = "L1"


class Crowd:
    """So many sockets, of which the first `stalled` can be told to stop reading."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def stall(self) -> None:
        await self._ask({"do": "stall"})

    async def read(self) -> None:
        await self._ask({"do": "read"})

    async def others_have(self, announced: int) -> None:
        """Wait until every socket that does not stall has got so many announcements."""
        await self._ask({"do": "wait", "announced": announced, "position": 0})

    async def all_have(self, announced: int, position: int) -> None:
        """Wait until the others have so many announcements, and those that may stall all up to a position."""
        await self._ask({"do": "wait", "announced": announced, "position": position})

    async def report(self) -> dict[str, Any]:
        """Return what the sockets have seen: counts since they began, latencies since the last report."""
        return await self._ask({"do": "report"})

    async def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await self._process.stdout.readline()
        assert answer, "the process of the sockets has ended"
        told: dict[str, Any] = json.loads(answer)
        return told


@asynccontextmanager
async def crowd_of(count: int, *, stalled: int, port: int) -> AsyncIterator[Crowd]:
    """Connect so many sockets, and leave with all of them."""
    frames = [
        f'"type":"connect","token":"{token(f"reader-{number // SOCKETS_OF_A_PERSON}")}"'
        + (f',"rooms":["library:{LIBRARY}"]' if number < stalled else "")
        for number in range(count)
    ]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos.stalled.readers"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        crowd = Crowd(process)
        await crowd._ask({"port": port, "frames": frames, "stalled": stalled})
        yield crowd
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


class Events:
    """What the sockets get: announcements, which all see, and new seats, which only those who stall see.

    The seats are of so many bytes that a reader that stalls is behind soon: the kernel keeps some megabytes.
    """

    def __init__(self, log: Log) -> None:
        self.announced = 0
        self._log = log

    @property
    def head(self) -> int:
        return self._log.head

    async def announce(self, *, seconds: float, per_second: float) -> None:
        """Append announcements, each at its time, and called by the moment when it was appended."""
        began = time.monotonic()
        for number in range(int(seconds * per_second)):
            await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
            await self._log.append(self._announcement())

    async def at_once(self, *, announcements: int = 0, seats: int = 0) -> None:
        """Append events as fast as the stream takes them, seats first."""
        for first in range(0, seats, SEATS_AT_ONCE):
            upto = min(seats, first + SEATS_AT_ONCE)
            await self._log.append(*(self._seat(number) for number in range(first, upto)))
        for first in range(0, announcements, AT_ONCE):
            upto = min(announcements, first + AT_ONCE)
            await self._log.append(*(self._announcement() for _ in range(first, upto)))

    def _announcement(self) -> AnnouncementMade:
        name, self.announced = f"A{self.announced}", self.announced + 1
        return AnnouncementMade(announcement_id=name, title=str(time.time_ns()), text="x" * TEXT_BYTES)

    def _seat(self, number: int) -> SeatAdded:
        return SeatAdded(library_id=LIBRARY, seat_id=f"S{number}", label="x" * SEAT_BYTES, zone="quiet")
