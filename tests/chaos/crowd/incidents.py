"""What is done to the processes meanwhile: killed, and frozen for a while."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from studyspot.console.temporary_system import TemporarySystem
from tests.chaos.crowd.nodes import SecondNode
from tests.freezing import freeze, thaw

Victim = Literal["relay", "nats", "fanout", "second", "api"]
_BACK_WITHIN = timedelta(seconds=60)
_LOOK_EVERY = timedelta(milliseconds=20)
_NODES: tuple[Victim, ...] = ("fanout", "second")
_FROZEN: tuple[Victim, ...] = ("nats", "fanout", "second")


@dataclass(frozen=True, slots=True)
class Incident:
    """A kill, or a freeze for some seconds."""

    victim: Victim
    frozen_for: float | None

    def __str__(self) -> str:
        done = "killed" if self.frozen_for is None else f"frozen for {self.frozen_for:.1f} s"
        return f"{self.victim} {done}"


class Incidents:
    """Each kind in turn at random moments, the kills that matter most first; `story` tells what was when."""

    def __init__(
        self, system: TemporarySystem, node: SecondNode, chance: random.Random, counts: Counter[str]
    ) -> None:
        self.story: list[str] = []
        self._counts = counts
        self._system = system
        self._node = node
        self._chance = chance
        self._began = time.monotonic()

    async def run(self, *, every: timedelta, ended: asyncio.Event) -> None:
        """Let one happen about every so often, until the end has come.

        Raises:
            TimeoutError: what was killed did not come back.
        """
        waiting: list[Incident] = []
        while not ended.is_set():
            waiting = waiting or self._a_round()
            with suppress(TimeoutError):
                async with asyncio.timeout(every.total_seconds() * self._chance.uniform(0.5, 1.5)):
                    await ended.wait()
            if not ended.is_set():
                await self._happen(waiting.pop())

    def _a_round(self) -> list[Incident]:
        """Return each kind once, the last of them first."""
        one, other = self._chance.sample(_NODES, 2)
        first = [Incident(victim, None) for victim in ("relay", "nats", one)]
        then = [Incident(other, None)]
        then += [Incident(victim, self._chance.uniform(0.3, 2.5)) for victim in _FROZEN]
        self._chance.shuffle(first)
        self._chance.shuffle(then)
        # Without the API nothing happens that sockets could be told.
        return [Incident("api", None), *then, *first]

    async def _happen(self, incident: Incident) -> None:
        self.story.append(f"{time.monotonic() - self._began:.1f} s: {incident}")
        async with asyncio.timeout(_BACK_WITHIN.total_seconds()):
            pid = await self._running(incident.victim)
            # It may have died by itself just now: that is an incident as well.
            with suppress(ProcessLookupError):
                if incident.frozen_for is None:
                    os.kill(pid, signal.SIGKILL)
                    self._counts[f"{'node' if incident.victim in _NODES else incident.victim} killed"] += 1
                    await self._is_back(incident.victim, pid)
                else:
                    await _freeze(pid, incident.frozen_for)

    async def _running(self, victim: Victim) -> int:
        """Return the victim's process, once there is one: it may be about to be started again."""
        while victim != "second":
            with suppress(FileNotFoundError):
                return self._system.pid_of(victim)
            await asyncio.sleep(_LOOK_EVERY.total_seconds())
        return self._chance.choice(self._node.pids)

    async def _is_back(self, victim: Victim, killed: int) -> None:
        if victim == "second":
            await self._node.is_back(killed)
        else:
            await self._system.is_back(victim, killed)


async def _freeze(pid: int, seconds: float) -> None:
    freeze(pid)
    try:
        await asyncio.sleep(seconds)
    finally:
        thaw(pid)
