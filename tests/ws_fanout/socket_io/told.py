"""What a client's library tells its application, in order, and waiting for more of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from studyspot.ws_fanout.socket_io.words import NO_OFFSET
from tests.ws_fanout.live import LIMIT

POSITION = "position"
"""An event of this name follows those of each position, and has it; it is for recovery alone."""

ANSWERS = ("pong", "error")
"""Events that answer something, and are of no position."""


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that was told: `connect`, `connect_error`, `disconnect`, `event`, `answer` …"""

    kind: str
    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Packet:
    """An event as an application gets it; none has more than one argument."""

    name: str
    payload: Any


class Ear:
    """Keeps what one socket was told.

    Attributes:
        told: all of it so far.
    """

    def __init__(self) -> None:
        self.told: list[Told] = []
        self._more = asyncio.Event()

    def hear(self, kind: str, name: str = "", *arguments: Any) -> None:
        self.told.append(Told(kind, name, arguments))
        heard, self._more = self._more, asyncio.Event()
        heard.set()

    async def until(self, is_it: Callable[[Told], bool], *, after: int = 0) -> Told:
        """Return the first thing told of which this is true, from the one with index `after` on."""
        async with asyncio.timeout(LIMIT):
            while True:
                more, count = self._more, len(self.told)
                for told in self.told[after:]:
                    if is_it(told):
                        return told
                after = count
                await more.wait()

    async def until_kind(self, kind: str, *, after: int = 0) -> tuple[Any, ...]:
        return (await self.until(lambda told: told.kind == kind, after=after)).arguments

    async def until_event(self, name: str, *, after: int = 0) -> Any:
        """Return the payload of the first event of this name."""
        told = await self.until(lambda told: (told.kind, told.name) == ("event", name), after=after)
        return told.arguments[0]

    async def until_position(self, position: int) -> None:
        """Wait until this socket has been told that it has everything up to there."""
        await self.until(lambda told: told == Told("event", POSITION, (str(position),)))

    async def until_offset(self) -> None:
        """Wait until the client would come back with an offset."""
        await self.until(lambda _: self.events(POSITION)[-1:] not in ([], [NO_OFFSET]))

    async def until_count(self, kind: str, count: int) -> None:
        """Wait until so many things of this kind were told."""
        await self.until(lambda _: len(self.of_kind(kind)) >= count)

    def of_kind(self, kind: str) -> list[tuple[Any, ...]]:
        return [told.arguments for told in self.told if told.kind == kind]

    def events(self, name: str) -> list[Any]:
        """Return the payloads of the events of this name."""
        return [told.arguments[0] for told in self.told if (told.kind, told.name) == ("event", name)]

    @property
    def positions(self) -> list[int]:
        return [int(position) for position in self.events(POSITION) if position != NO_OFFSET]

    @property
    def packets(self) -> dict[int, list[Packet]]:
        """Every event of the log, by position."""
        by_position: dict[int, list[Packet]] = {}
        waiting: list[Packet] = []
        for told in self.told:
            if told.kind != "event" or told.name in ANSWERS or told.arguments == (NO_OFFSET,):
                continue
            (payload,) = told.arguments
            if told.name == POSITION:
                by_position.setdefault(int(payload), []).extend(waiting)
                waiting = []
            else:
                waiting.append(Packet(told.name, payload))
        assert waiting == [], "events that stand at no position"
        return by_position
