"""The process of the sockets, and the events that they get."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from studyspot.domain.events import AnnouncementMade
from tests.ws_fanout.live import Log
from tests.ws_fanout.people import token

ANSWER_SECONDS = 90
SOCKETS_OF_A_PERSON = 10
AT_ONCE = 500


class Crowd:
    """So many sockets, of which the first `stalled` can be told to stop reading."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def stall(self) -> None:
        await self._ask({"do": "stall"})

    async def read(self) -> None:
        await self._ask({"do": "read"})

    async def others_have(self, position: int) -> None:
        """Wait until every socket that does not stall has got what is up to here."""
        await self._ask({"do": "wait", "position": position, "all": False})

    async def all_have(self, position: int) -> None:
        await self._ask({"do": "wait", "position": position, "all": True})

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


async def announce(log: Log, *, count: int, text_bytes: int, per_second: float) -> None:
    """Append events that everyone gets, each at its time and called by the moment when it was appended."""
    began = time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
        await log.append(_announcement(log.head, text_bytes))


async def announce_at_once(log: Log, *, count: int, text_bytes: int) -> None:
    """Append events that everyone gets, as fast as the stream takes them."""
    for first in range(0, count, AT_ONCE):
        upto = min(count, first + AT_ONCE)
        await log.append(*(_announcement(number, text_bytes) for number in range(first, upto)))


def _announcement(number: int, text_bytes: int) -> AnnouncementMade:
    title, text = str(time.time_ns()), "x" * text_bytes
    return AnnouncementMade(announcement_id=f"A{number}", title=title, text=text)
