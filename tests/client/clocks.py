"""Clocks and chance for tests: nothing here waits for real time."""

import asyncio
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


class EagerClock:
    """Every sleep is over at once, and taken down."""

    def __init__(self) -> None:
        self.slept: list[timedelta] = []
        self._now = NOON
        self._slept_again = asyncio.Event()

    def now(self) -> datetime:
        return self._now

    async def sleep(self, duration: timedelta) -> None:
        self.slept.append(duration)
        self._now += duration
        self._slept_again.set()
        await asyncio.sleep(0)

    async def slept_times(self, times: int) -> None:
        """Wait until there have been so many sleeps."""
        async with asyncio.timeout(30):
            while len(self.slept) < times:
                self._slept_again.clear()
                await self._slept_again.wait()

    def advance(self, duration: timedelta) -> None:
        self._now += duration


class ManualClock:
    """Sleepers sleep until the test lets time pass."""

    def __init__(self) -> None:
        self._now = NOON
        self._sleepers: dict[asyncio.Future[None], datetime] = {}
        self._fell_asleep = asyncio.Event()

    def now(self) -> datetime:
        return self._now

    async def sleep(self, duration: timedelta) -> None:
        sleeper = asyncio.get_running_loop().create_future()
        self._sleepers[sleeper] = self._now + duration
        self._fell_asleep.set()
        try:
            await sleeper
        finally:
            del self._sleepers[sleeper]

    async def sleeping(self) -> timedelta:
        """Wait until somebody sleeps; return how long until the first wakes."""
        async with asyncio.timeout(30):
            while not self._sleepers:
                self._fell_asleep.clear()
                await self._fell_asleep.wait()
        return min(self._sleepers.values()) - self._now

    async def fell_asleep_again(self) -> None:
        """Wait until somebody falls asleep who was awake."""
        self._fell_asleep.clear()
        async with asyncio.timeout(30):
            await self._fell_asleep.wait()

    def advance(self, duration: timedelta) -> None:
        """Let time pass."""
        self._now += duration
        for sleeper, wakes in self._sleepers.items():
            if wakes <= self._now and not sleeper.done():
                sleeper.set_result(None)


class Highest:
    """Chance that always draws the upper end, and takes down what it was asked for."""

    def __init__(self) -> None:
        self.drawn: list[tuple[float, float]] = []

    def uniform(self, a: float, b: float) -> float:
        self.drawn.append((a, b))
        return b
