"""What happens when: commands in the order of their moments, those of one moment beside each other."""

import asyncio
import heapq
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, TypeVar

from studyspot.decisions.identifiers import new_id
from studyspot.decisions.run import Circumstances, Decisions
from studyspot.domain.decider import Decider
from studyspot.domain.events import Event
from studyspot.domain.refusals import Refusal

AT_ONCE = 32

Command = TypeVar("Command")
State = TypeVar("State")
Step = Callable[[datetime], Awaitable[None]]


@dataclass(order=True, slots=True)
class _Planned:
    at: datetime
    number: int
    step: Step = field(compare=False)


class Timetable:
    """Runs commands as of moments that have passed; the log's times only rise."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions
        self._planned: list[_Planned] = []
        self._numbers = count()
        self.happened: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def plan(self, at: datetime, step: Step) -> None:
        """Let this happen then."""
        heapq.heappush(self._planned, _Planned(at, next(self._numbers), step))

    async def run_until(self, now: datetime) -> None:
        """Let everything happen that was planned before `now`, and what follows from it before then."""
        while self._planned and self._planned[0].at <= now:
            moment = self._planned[0].at
            steps: list[Step] = []
            while self._planned and self._planned[0].at == moment and len(steps) < AT_ONCE:
                steps.append(heapq.heappop(self._planned).step)
            async with asyncio.TaskGroup() as running:
                for step in steps:
                    running.create_task(_run(step, moment))

    async def do(
        self, decider: Decider[Command, State], command: Command, at: datetime, actor: str | None
    ) -> tuple[Event, ...]:
        """Run a command and return what happened; nothing where a rule says no, as it will now and then.

        Raises:
            StoreUnavailable, StoreHalted, Contended: as `Decisions.run`.
        """
        done: list[tuple[Event, ...]] = []

        def answer(_: Any, events: tuple[Event, ...]) -> dict[str, Any]:
            done[:] = [events]
            return {}

        circumstances = Circumstances(actor=actor, at=at, command_id=new_id(at))
        try:
            await self._decisions.run(decider, command, circumstances, answer)
        except Refusal as refusal:
            self.refused[type(refusal).__name__] += 1
            return ()
        self.happened.update(type(event).__name__ for event in done[0])
        return done[0]


async def _run(step: Step, moment: datetime) -> None:
    await step(moment)
