"""What is done to the processes meanwhile: killed, and frozen for a while."""

import asyncio
import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from studyspot.console.temporary_system import TemporarySystem
from tests.chaos.crowd.nodes import CrampedNode

Victim = Literal["relay", "nats", "fanout", "cramped", "api"]
_BACK_WITHIN = timedelta(seconds=60)
_LOOK_EVERY = timedelta(milliseconds=20)
_KILLED: tuple[Victim, ...] = ("relay", "nats", "fanout", "cramped", "api")
_FROZEN: tuple[Victim, ...] = ("nats", "fanout", "cramped")


@dataclass(frozen=True, slots=True)
class Incident:
    """A kill, or a freeze for some seconds."""

    victim: Victim
    frozen_for: float | None

    def __str__(self) -> str:
        done = "killed" if self.frozen_for is None else f"frozen for {self.frozen_for:.1f} s"
        return f"{self.victim} {done}"


class Incidents:
    """Each kind in turn, in any order, at random moments; `story` tells what was when."""

    def __init__(self, system: TemporarySystem, node: CrampedNode, chance: random.Random) -> None:
        self.story: list[str] = []
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
        incidents = [Incident(victim, None) for victim in _KILLED]
        incidents += [Incident(victim, self._chance.uniform(0.3, 2.5)) for victim in _FROZEN]
        self._chance.shuffle(incidents)
        return incidents

    async def _happen(self, incident: Incident) -> None:
        self.story.append(f"{time.monotonic() - self._began:.1f} s: {incident}")
        async with asyncio.timeout(_BACK_WITHIN.total_seconds()):
            pid = await self._running(incident.victim)
            # It may have died by itself just now: that is an incident as well.
            with suppress(ProcessLookupError):
                if incident.frozen_for is None:
                    os.kill(pid, signal.SIGKILL)
                    await self._is_back(incident.victim, pid)
                else:
                    await _freeze(pid, incident.frozen_for)

    async def _running(self, victim: Victim) -> int:
        """Return the victim's process, once there is one: it may be about to be started again."""
        while victim != "cramped":
            with suppress(FileNotFoundError):
                return self._system.pid_of(victim)
            await asyncio.sleep(_LOOK_EVERY.total_seconds())
        return self._node.pid

    async def _is_back(self, victim: Victim, killed: int) -> None:
        if victim == "cramped":
            await self._node.is_back(killed)
        else:
            await self._system.is_back(victim, killed)


async def _freeze(pid: int, seconds: float) -> None:
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        os.kill(pid, signal.SIGCONT)
