"""Time and chance, as arguments: tests bring their own."""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the time, in UTC."""

    async def sleep(self, duration: timedelta) -> None:
        """Wait that long."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(duration.total_seconds())


class Chance(Protocol):
    def uniform(self, a: float, b: float) -> float:
        """Return a number between `a` and `b`."""


def system_chance() -> Chance:
    return random.SystemRandom()


@dataclass(frozen=True, slots=True)
class FullJitter:
    """Waits drawn from the whole of [0, limit], the limit doubling from `first` to `last`.

    Full, so that thousands who lost the same server do not come back in step.
    """

    first: timedelta
    last: timedelta
    chance: Chance = field(default_factory=system_chance)

    def wait(self, attempt: int) -> timedelta:
        """Return how long to wait before trying again, `attempt` counting from 0."""
        doublings = min(attempt, 30)
        limit = min(self.first * 2**doublings, self.last)
        return timedelta(seconds=self.chance.uniform(0, limit.total_seconds()))
