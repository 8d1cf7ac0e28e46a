"""The reads over HTTP, on a real socket, without the rest of the HTTP process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache

import httpx
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool
from starlette.routing import BaseRoute

from studyspot.access.keys import SigningKey
from studyspot.access.tokens import Verifier
from studyspot.decisions.barred import Barred
from studyspot.decisions.clock import system_clock
from studyspot.domain.people import Role
from studyspot.projections.queries import (
    affected,
    announcements,
    audit,
    booking_counts,
    bookings,
    calendar,
    libraries,
    library_stats,
    notifications,
    seat_map,
    staff,
    waitlist,
)
from studyspot.projections.queries.reading import Queries
from studyspot.wire.errors import answer_with_problems
from tests.http_server import served
from tests.projections.system import Log

KEY = SigningKey.generate()
READS = "reads of a test"
"""As what the connections that read are known to the database."""
PATIENT_SECONDS = 30
NOT_REACHED = "/problems/position-not-reached"


def bearer(user_id: str, role: Role = "student") -> dict[str, str]:
    token = KEY.sign(
        user_id=user_id,
        role=role,
        issuer="studyspot",
        audience="studyspot",
        now=datetime.now(UTC),
        lifetime=timedelta(hours=1),
    )
    return {"Authorization": f"Bearer {token}"}


class Patient(httpx.AsyncHTTPTransport):
    """Asks again when a read model has not yet reached the position, as it does on a machine that is busy."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async with asyncio.timeout(PATIENT_SECONDS):
            while True:
                response = await super().handle_async_request(request)
                if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    return response
                await response.aread()
                if response.json()["type"] != NOT_REACHED:
                    return response


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """What is served, made once for all tests: that takes longer than to ask it something."""
    everything = FastAPI(openapi_url=None)
    # `/api/bookings/stats` is no booking's id, so its counts come first.
    about_libraries = (libraries, seat_map, affected, library_stats, staff)
    about_people = (booking_counts, calendar, bookings, notifications, announcements, waitlist, audit)
    for room in (*about_libraries, *about_people):
        everything.include_router(room.router)
    return tuple(everything.routes)


@asynccontextmanager
async def reads_of(
    log: Log, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the reads."""
    app = FastAPI(routes=list(_routes()))
    answer_with_problems(app)
    app.state.clock, app.state.barred = system_clock, Barred(log.store)
    await app.state.barred.catch_up()
    app.state.store = log.store
    app.state.verifier = Verifier.of([KEY.jwks()], issuer="studyspot", audience="studyspot")
    pool = AsyncConnectionPool(
        log.database_url,
        min_size=1,
        max_size=4,
        timeout=2,
        open=False,
        kwargs={"autocommit": True, "application_name": READS},
    )
    async with (
        pool,
        Queries(pool, log.database_url, log.store) as app.state.queries,
        served(app, with_lifespan=False) as url,
        httpx.AsyncClient(base_url=url, timeout=20, transport=transport) as client,
    ):
        yield client
