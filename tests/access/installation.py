"""An API over a real socket, its read models beside it, and the town in it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from studyspot.access.access_tokens import AccessTokens
from studyspot.access.server_secrets import ServerSecrets
from studyspot.access.tokens import Verifier
from studyspot.api import ApiConfig, create_app
from studyspot.projections.app import run_workers
from studyspot.projections.models.registry import named
from studyspot.wire.rate_limit import Rate
from studyspot.ws_fanout.ending import end_tasks
from tests.access.people import DISABLED, Town, a_town
from tests.commands.conftest import AUDIENCE, ISSUER, KEY
from tests.http_server import served
from tests.projections.serving import Patient
from tests.projections.system import NO_BROKER, a_log, until


def config_of(database_url: str) -> ApiConfig:
    return ApiConfig(
        database_url=database_url,
        nats_url=NO_BROKER,
        verifier=Verifier.of([KEY.jwks()], issuer=ISSUER, audience=AUDIENCE),
        secrets=ServerSecrets(KEY),
        access_tokens=AccessTokens(KEY, ISSUER, AUDIENCE),
        fanout_url="ws://127.0.0.1:1",
        rate=Rate(burst=10_000, per_second=10_000),
    )


@asynccontextmanager
async def an_installation(database_url: str) -> AsyncIterator[Town]:
    """The API and its read models, which have caught up with the town."""
    async with (
        a_log(database_url) as log,
        served(create_app(config_of(database_url))) as url,
        httpx.AsyncClient(base_url=url, timeout=30, transport=Patient()) as http,
    ):
        workers = [log.worker(projection) for projection in named(())]
        working = asyncio.create_task(run_workers(workers, NO_BROKER))
        try:
            town = await a_town(http, log)
            await until(lambda: log.readable(*(worker.projection.name for worker in workers)), 60)
            await until_barred(town)
            yield town
        finally:
            await end_tasks([working])


async def until_barred(town: Town) -> None:
    async with asyncio.timeout(30):
        while (await town.http.get("/api/auth/me", headers=DISABLED.headers)).status_code != 401:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
