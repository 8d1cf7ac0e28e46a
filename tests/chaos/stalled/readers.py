"""The sockets of the stalled-readers campaign, in a process of their own, told what to do line by line.

`python -m tests.chaos.stalled.readers` reads JSON from its standard input: first who connects where, then
`stall`, `read`, `wait` and `report`; each is answered with a line of JSON.
"""

import asyncio
import json
import sys
from typing import Any

import uvloop

from tests.chaos.stalled.reader import Reader, Tally, socket_of

_CONNECT_AT_ONCE = 100
_AGAIN_AFTER_SECONDS = 0.5
_WAIT_SECONDS = 120


class Readers:
    """All sockets of this process."""

    def __init__(self, port: int, frames: list[str], stalled: int) -> None:
        self.tally = Tally()
        self._port = port
        self._lost: asyncio.Queue[int] = asyncio.Queue()
        self._is_over = False
        self._stalled = stalled
        self.readers = [
            Reader(
                frame.encode(),
                self.tally,
                stalls=number < stalled,
                on_lost=lambda _, number=number: self._lost.put_nowait(number),  # type: ignore[misc]
            )
            for number, frame in enumerate(frames)
        ]

    async def connect_all(self) -> None:
        for first in range(0, len(self.readers), _CONNECT_AT_ONCE):
            upto = min(first + _CONNECT_AT_ONCE, len(self.readers))
            async with asyncio.timeout(_WAIT_SECONDS), asyncio.TaskGroup() as tasks:
                for number in range(first, upto):
                    tasks.create_task(self._connect(number))
            await self._until(lambda: all(one.is_connected for one in self.readers[first:upto]))  # noqa: B023

    async def connect_again(self) -> None:
        """Bring back whoever has lost the connection, until cancelled."""
        while True:
            number = await self._lost.get()
            await asyncio.sleep(_AGAIN_AFTER_SECONDS)
            await self._connect(number)

    def stall(self) -> None:
        for reader in self.readers[: self._stalled]:
            reader.pause()

    def read(self) -> None:
        for reader in self.readers[: self._stalled]:
            reader.resume()

    async def wait(self, announced: int, position: int) -> None:
        """Wait until sockets that do not stall have so many announcements, and the others are so far."""
        stalling, others = self.readers[: self._stalled], self.readers[self._stalled :]
        try:
            await self._until(lambda: all(reader.number >= announced - 1 for reader in others))
            await self._until(lambda: all(reader.position >= position for reader in stalling))
        except TimeoutError:
            late = [reader for reader in others if reader.number < announced - 1]
            late += [reader for reader in stalling if reader.position < position]
            away = sum(not reader.is_connected for reader in late)
            self.tally.faults.append(f"{len(late)} sockets are late, {away} of them not connected")

    def report(self) -> dict[str, Any]:
        """Tell what was seen since the last report."""
        tally = self.tally
        latencies = sorted(tally.latencies)
        told = {
            "events": tally.events,
            "behind": tally.behind,
            "caught_up": tally.caught_up,
            "resumed": tally.resumed,
            "closes": tally.closes,
            "p50_ms": _share(latencies, 0.5) * 1000,
            "p99_ms": _share(latencies, 0.99) * 1000,
            "faults": tally.faults[:20],
        }
        tally.latencies.clear()
        return told

    async def _connect(self, number: int) -> None:
        made = socket_of(number, stalls=number < self._stalled)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(made, ("127.0.0.1", self._port))
        await loop.create_connection(lambda: self.readers[number], sock=made)

    async def _until(self, condition: Any) -> None:
        async with asyncio.timeout(_WAIT_SECONDS):
            while not condition():  # noqa: ASYNC110  # What is awaited are many sockets.
                await asyncio.sleep(0.01)


async def main() -> None:
    """Do what is asked for, until the input ends."""
    lines = asyncio.StreamReader(limit=2**26)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    who = json.loads(await lines.readline())
    readers = Readers(who["port"], who["frames"], who["stalled"])
    await readers.connect_all()
    coming_back = asyncio.create_task(readers.connect_again(), name="connect again")
    _tell({"connected": len(readers.readers)})
    while line := await lines.readline():
        assert not coming_back.done(), coming_back
        match json.loads(line):
            case {"do": "stall"}:
                readers.stall()
                _tell({})
            case {"do": "read"}:
                readers.read()
                _tell({})
            case {"do": "wait", "announced": announced, "position": position}:
                await readers.wait(announced, position)
                _tell({})
            case {"do": "report"}:
                _tell(readers.report())
    coming_back.cancel()
    for reader in readers.readers:
        reader.leave()


def _share(latencies: list[float], share: float) -> float:
    return latencies[min(len(latencies) - 1, int(len(latencies) * share))] if latencies else 0.0


def _tell(told: dict[str, Any]) -> None:
    print(json.dumps(told), flush=True)  # noqa: T201 - this is how it answers


if __name__ == "__main__":
    uvloop.run(main())
