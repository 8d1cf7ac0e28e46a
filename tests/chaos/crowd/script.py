"""The commands that are given meanwhile: of every kind that sockets are told of, some more often."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from studyspot.client.errors import AnswerLost, ProblemError
from tests.chaos.crowd.acting import Act
from tests.chaos.crowd.library_acts import LibraryActs
from tests.chaos.crowd.people_acts import PeopleActs
from tests.chaos.crowd.picking import Pick
from tests.chaos.crowd.student_acts import StudentActs

_NOT_FAULTS = frozenset({400, 401, 403, 404, 409, 412, 422, 429})


def everything(pick: Pick) -> Mapping[Act, int]:
    """Return all that may be done, with how often it is."""
    return StudentActs(pick).weights | LibraryActs(pick).weights | PeopleActs(pick).weights


class Script:
    """What happens in the town; `complaints` are answers that no command should get."""

    def __init__(self, weights: Mapping[Act, int], chance: random.Random, counts: Counter[str]) -> None:
        self.complaints: list[str] = []
        self._weights = weights
        self._chance = chance
        self._counts = counts

    async def play(self, *, every: timedelta, ended: asyncio.Event) -> None:
        """Give one command after another, about every so often, until the end has come."""
        acts, weights = list(self._weights), list(self._weights.values())
        while not ended.is_set():
            await asyncio.sleep(self._chance.expovariate(1 / every.total_seconds()))
            (act,) = self._chance.choices(acts, weights)
            try:
                await act()
            except ProblemError as problem:
                self._counts["commands refused"] += 1
                if problem.status not in _NOT_FAULTS:
                    self.complaints.append(f"{act} was answered {problem}")
            except AnswerLost:
                self._counts["answers lost"] += 1
            else:
                self._counts["commands"] += 1
