"""What rebuilds that go on at the same time share: one count of the log, one reading, turns at indexes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from types import TracebackType
from typing import Self

from studyspot.event_store.scanning import count_types
from studyspot.projections.projection import Projection
from studyspot.projections.rebuild.filling import fill
from studyspot.projections.rebuild.part import Part, Target
from studyspot.projections.rebuild.plan import Plan
from studyspot.projections.rebuild.pool import in_processes
from studyspot.projections.rebuild.shares import Share

EVENTS_IN_MEMORY = 1_000_000
"""Of one part, at most, unless few keys have most of the events: about a gigabyte."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A build to be filled; `tell` hears how many of its events have been read, `filled` when it is done."""

    plan: Plan
    tell: Callable[[int], None]
    filled: asyncio.Future[None]


class Together:
    """Rebuilds of some projections with `workers` processes; what it has begun ends when it is left.

    The builds are filled in one reading of the log, each event decoded once, as soon as every rebuild that
    is under way has asked for it or has passed it by.
    """

    def __init__(self, projections: Sequence[Projection], *, database_url: str, workers: int) -> None:
        self.indexing = asyncio.Semaphore(workers)
        self._projections = projections
        self._database_url = database_url
        self._workers = workers
        self._counting = asyncio.Lock()
        self._counted: tuple[int, Mapping[str, int]] = (-1, {})
        self._awaited = {projection.name for projection in projections}
        self._asked: dict[str, _Asked] = {}
        self._filling: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._filling:
            task.cancel()
        await asyncio.gather(*self._filling, return_exceptions=True)

    async def count(self, projection: Projection, until: int) -> tuple[int, int]:
        """Return how many events the projection takes, and into how many parts the work of all is divided.

        Raises:
            StoreUnavailable: the database did not answer in time.
        """
        async with self._counting:
            if self._counted[0] != until:
                self._counted = (until, await asyncio.to_thread(count_types, self._database_url, until))
        return self._events(projection), parts_of(self._workers, sum(map(self._events, self._projections)))

    async def fill(self, plan: Plan, tell: Callable[[int], None]) -> None:
        """Fill what is missing in the plan's build; `tell` hears how many of its events have been read.

        Raises:
            RebuildError: a process was killed.
            Whatever `filling.fill` raises, for whichever of the builds.
        """
        asked = _Asked(plan, tell, asyncio.get_running_loop().create_future())
        self._asked[plan.build.name] = asked
        self.pass_by(plan.build.name)
        await asked.filled

    def pass_by(self, name: str) -> None:
        """Let the others no longer wait for a rebuild."""
        self._awaited.discard(name)
        if self._asked and not self._awaited:
            asked, self._asked = tuple(self._asked.values()), {}
            task = asyncio.create_task(self._fill(asked), name="fill")
            self._filling.add(task)
            task.add_done_callback(partial(self._ended, asked))

    async def _fill(self, asked: Sequence[_Asked]) -> None:
        parts = _parts(self._database_url, [one.plan for one in asked])
        before = [sum(one.plan.done.values()) for one in asked]
        counters = [
            [target.counter for part in parts for target in part.targets if target.build == one.plan.build]
            for one in asked
        ]

        def tell(read: Sequence[int]) -> None:
            for one, earlier, own in zip(asked, before, counters, strict=True):
                one.tell(earlier + sum(read[counter] for counter in own))

        await in_processes(fill, parts, workers=self._workers, tell=tell)

    def _ended(self, asked: Sequence[_Asked], task: asyncio.Task[None]) -> None:
        """Let those who asked go on; after an error they will ask again, or give up, all of them."""
        self._filling.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._awaited |= {one.plan.build.name for one in asked}
        for one in asked:
            if one.filled.done():
                continue
            if task.cancelled():
                one.filled.cancel()
            elif error is not None:
                one.filled.set_exception(error)
            else:
                one.filled.set_result(None)

    def _events(self, projection: Projection) -> int:
        return sum(self._counted[1].get(type_, 0) for type_ in projection.event_types())


def parts_of(workers: int, events: int) -> int:
    """Return into how many parts the work on so many events is divided: as many for each process."""
    return workers * max(1, ceil(events / EVENTS_IN_MEMORY / workers))


def _parts(database_url: str, plans: Sequence[Plan]) -> Sequence[Part]:
    """Return what is missing in the plans' builds; those that are divided alike are filled together."""
    missing: dict[Share, list[Plan]] = {}
    for plan in plans:
        for index in range(plan.parts):
            if index not in plan.done:
                missing.setdefault(Share(index, plan.parts), []).append(plan)
    parts: list[Part] = []
    counter = 0
    for share, together in missing.items():
        targets = tuple(
            Target(plan.build, plan.until, plan.dropped, number)
            for number, plan in enumerate(together, counter)
        )
        counter += len(targets)
        parts.append(Part(database_url, share, targets))
    return parts
