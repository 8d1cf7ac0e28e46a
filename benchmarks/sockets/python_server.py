"""The Python peers, each a process: `websockets.broadcast`, and a bare loop of shared frames.

Run as `python -m benchmarks.sockets.python_server PORT FILE-OF-EVENTS MODE`; `publish N` on standard input
sends the first N events, `send FIRST END` those of these numbers. The bare loop does the least that a server
can: one frame for all, one write for each socket and event, and no session at all.
"""

import asyncio
import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.frames import Frame, Opcode

from benchmarks.sockets.dialects import Plain
from benchmarks.sockets.told_server import ToldServer, told_server

BROADCAST, LOOP = "websockets.broadcast", "bare loop"
_GREETING = "in the room"


@contextmanager
def python_server(mode: str, events: Sequence[bytes]) -> Iterator[ToldServer]:
    """Run one of the two on a free port."""
    program = [sys.executable, "-m", "benchmarks.sockets.python_server"]
    with told_server(program, [mode], Plain(greeting=_GREETING.encode()), events) as server:
        yield server


class Room:
    """The one room that everyone is in."""

    def __init__(self, mode: str, events: Sequence[str]) -> None:
        self._mode = mode
        self._events = events
        self._connections: set[ServerConnection] = set()

    async def enter(self, connection: ServerConnection) -> None:
        await connection.send(_GREETING)
        self._connections.add(connection)
        try:
            await connection.wait_closed()
        finally:
            self._connections.discard(connection)

    async def publish(self, first: int, end: int) -> None:
        for event in self._events[first:end]:
            if self._mode == BROADCAST:
                broadcast(self._connections, event)
            else:
                frame = Frame(Opcode.TEXT, event.encode()).serialize(mask=False)
                for connection in self._connections:
                    connection.transport.write(frame)
            await asyncio.sleep(0)


async def _serve(port: int, events: Sequence[str], mode: str) -> None:
    room = Room(mode, events)
    commands = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    async with serve(room.enter, "127.0.0.1", port, compression=None, ping_interval=None, backlog=4096):
        async for command in commands:
            match command.split():
                case [b"publish", count]:
                    await room.publish(0, int(count))
                case [b"send", first, end]:
                    await room.publish(int(first), int(end))
                case [b"collect"]:
                    gc.collect()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), Path(sys.argv[2]).read_text().splitlines(), sys.argv[3]))
