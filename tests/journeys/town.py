"""API, read models and policies over one log, in the test's own process and by a clock that the test sets.

Nothing in it needs the broker: read models follow the log itself.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx

from studyspot.access.access_tokens import AccessTokens
from studyspot.access.keys import SigningKey
from studyspot.access.server_secrets import ServerSecrets
from studyspot.access.tokens import Verifier
from studyspot.api import ApiConfig, create_app
from studyspot.domain.people import Role
from studyspot.policies.app import PoliciesProcess
from studyspot.projections.app import run_workers
from studyspot.projections.models.registry import PROJECTIONS
from tests.http_server import served
from tests.journeys.person import Person
from tests.projections.serving import Patient
from tests.projections.system import NO_BROKER, Log, a_log, until

KEY = SigningKey.generate()
LIMIT_SECONDS = 60.0


class SetClock:
    """A clock that stands until it is set."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def __call__(self) -> datetime:
        return self._at

    def set(self, at: datetime) -> None:
        """Go on to that instant: time does not go back."""
        assert at >= self._at
        self._at = at


class Town:
    """What runs, who takes part, and how to wait for what follows by itself."""

    def __init__(self, log: Log, http: httpx.AsyncClient, clock: SetClock) -> None:
        self.log = log
        self.clock = clock
        self.people: list[Person] = []
        self._http = http

    @property
    def url(self) -> httpx.URL:
        """Where the API is."""
        return self._http.base_url

    def person(self, user_id: str, role: Role = "student") -> Person:
        token = KEY.sign(
            user_id=user_id,
            role=role,
            issuer="studyspot",
            audience="studyspot",
            now=self.clock(),
            lifetime=timedelta(days=60),
        )
        person = Person(self._http, user_id, role, token)
        self.people.append(person)
        return person

    async def until(self, person: Person, path: str, **expected: Any) -> Any:
        """Read until these members are as expected; the body."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while True:
                response = await person.asks("GET", path)
                if response.status_code == httpx.codes.OK:
                    body = response.json()
                    if all(body.get(name) == value for name, value in expected.items()):
                        return body
                await asyncio.sleep(0.02)  # What policies do, nobody who asks is told.

    async def until_noted(self, person: Person, kind: str, count: int = 1) -> list[Any]:
        """Read one's notices until so many are of that kind; those."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while True:
                rows = (await person.gets("/api/notifications", limit=100))["rows"]
                found = [row for row in rows if row["kind"] == kind]
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.02)


@asynccontextmanager
async def a_town(database_url: str, at: datetime, *, policies: int = 1) -> AsyncIterator[Town]:
    """Run it all until the end of the block."""
    clock = SetClock(at)
    config = ApiConfig(
        database_url=database_url,
        nats_url=NO_BROKER,
        verifier=Verifier.of([KEY.jwks()], issuer="studyspot", audience="studyspot"),
        secrets=ServerSecrets(KEY),
        access_tokens=AccessTokens(KEY, "studyspot", "studyspot"),
        fanout_url="ws://127.0.0.1:1",
        clock=clock,
    )
    async with a_log(database_url) as log:
        workers = [log.worker(projection) for projection in PROJECTIONS]
        tasks = [asyncio.create_task(run_workers(workers, NO_BROKER))]
        for _ in range(policies):
            process = PoliciesProcess(database_url=database_url, now=clock)
            tasks.append(asyncio.create_task(process.run()))
        try:
            async with (
                served(create_app(config)) as url,
                httpx.AsyncClient(base_url=url, timeout=30, transport=Patient()) as http,
            ):
                await until(lambda: log.readable(*(projection.name for projection in PROJECTIONS)), limit=60)
                yield Town(log, http, clock)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for task in tasks:
                if not task.cancelled():
                    task.result()
