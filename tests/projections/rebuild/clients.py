"""Clients that read the read models over HTTP again and again, and what no client may ever see."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import httpx

from studyspot.wire.positions import MIN_POSITION, POSITION
from tests.projections.system import until

NOW_AND_THEN = 0.3


@dataclass(frozen=True)
class Question:
    """What a client asks of one read model."""

    model: str
    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    question: Question
    position: int
    body: Mapping[str, Any]


class ReadingClient:
    """Asks its questions in turn; no read fails, and no read model goes back.

    It has gone back where it is behind what any client was told of it: `newest`, by model, which they share.
    Now and then it asks for what is at least that new. A patient one always does, and takes the answer that
    it should try again: a crash of the database may take the newest positions.
    """

    def __init__(
        self,
        reads: httpx.AsyncClient,
        questions: Sequence[Question],
        newest: dict[str, int],
        *,
        chance: random.Random,
        every_seconds: float,
        patient: bool = False,
    ) -> None:
        self.answers: list[Answer] = []
        self._reads = reads
        self._questions = questions
        self._newest = newest
        self._chance = chance
        self._every_seconds = every_seconds
        self._patient = patient

    async def run(self) -> None:
        """Ask until cancelled.

        Raises:
            AssertionError: a client has seen what none may see.
        """
        for question in cycle(self._questions):
            await self._ask(question)
            await asyncio.sleep(self._every_seconds * self._chance.uniform(0.5, 1.5))

    async def _ask(self, question: Question) -> None:
        newest = self._newest.get(question.model, 0)
        headers = dict(question.headers)
        if self._patient or self._chance.random() < NOW_AND_THEN:
            headers[MIN_POSITION] = str(newest)
        response = await self._reads.get(question.path, params=question.parameters, headers=headers)
        if self._patient and response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return
        assert response.status_code == httpx.codes.OK, f"{question.path}: {response.text}"
        position = int(response.headers[POSITION])
        assert position >= newest, f"{question.model} went back from {newest} to {position}"
        self._newest[question.model] = max(position, self._newest.get(question.model, 0))
        self.answers.append(Answer(question, position, response.json()))


@asynccontextmanager
async def reading(clients: Sequence[ReadingClient]) -> AsyncIterator[None]:
    """Let the clients read until the end of the block; what one of them finds ends it."""
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(client.run()) for client in clients]
        yield
        for task in asking:
            task.cancel()


async def all_are_answered(clients: Sequence[ReadingClient]) -> None:
    """Wait until each client has been answered once more."""
    before = [len(client.answers) for client in clients]
    await until(
        lambda: all(len(client.answers) > seen for client, seen in zip(clients, before, strict=True)), 60
    )
