"""The reads over HTTP, on a real socket, without the rest of the HTTP process."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import uvicorn
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool

from studyspot.access.keys import SigningKey
from studyspot.access.tokens import Verifier
from studyspot.domain.people import Role
from studyspot.projections.queries import bookings, libraries, seat_map
from studyspot.projections.queries.reading import Queries
from studyspot.wire.errors import answer_with_problems
from tests.projections.system import Log

KEY = SigningKey.generate()


def bearer(user_id: str, role: Role = "student") -> dict[str, str]:
    token = KEY.sign(
        user_id=user_id,
        role=role,
        issuer="studyspot",
        audience="studyspot",
        now=datetime.now(UTC),
        lifetime=timedelta(minutes=10),
    )
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def reads_of(log: Log) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the reads."""
    app = FastAPI()
    answer_with_problems(app)
    for router in (libraries.router, seat_map.router, bookings.router):
        app.include_router(router)
    app.state.verifier = Verifier.of([KEY.jwks()], issuer="studyspot", audience="studyspot")
    pool = AsyncConnectionPool(
        log.database_url, min_size=1, max_size=4, timeout=2, open=False, kwargs={"autocommit": True}
    )
    async with pool, Queries(pool, log.database_url, log.store) as app.state.queries:
        # Of a socket that does not say TCP, the event loop leaves Nagle's algorithm on: 40 ms an answer.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=2)
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            async with httpx.AsyncClient(base_url=url, timeout=20) as client:
                yield client
        finally:
            server.should_exit = True
            await asyncio.wait_for(serving, 10)
