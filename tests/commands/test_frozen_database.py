"""A database falls silent with its connections open: every answer comes within a limit."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from studyspot.access.answering import ANSWER_WITHIN
from studyspot.access.private_texts import PrivateTexts
from studyspot.event_store.store import EventStore
from studyspot.projections.models.registry import PROJECTIONS
from tests.commands.conftest import bearer, serving
from tests.commands.test_http import assert_problem
from tests.engines import PostgresServer
from tests.freezing import freeze, thaw
from tests.projections.system import a_log, working

OWNER = bearer("owner-1", "library_owner")
LIBRARY = {"name": "Saraswati", "city": "Pune", "timeZone": "Asia/Kolkata"}
LIMIT_SECONDS = 15


@contextmanager
def frozen(server: PostgresServer) -> Iterator[None]:
    """Stop the server and every process that serves a connection."""
    assert server.engine.pid is not None
    freeze(server.engine.pid)  # First, so that it has no more children.
    stopped = [server.engine.pid]
    try:
        listed = Path(f"/proc/{server.engine.pid}/task/{server.engine.pid}/children").read_text()
        for pid in map(int, listed.split()):
            freeze(pid)
            stopped.append(pid)
        yield
    finally:
        # The server last: it would clear away a child that had just ended.
        for pid in reversed(stopped):
            thaw(pid)


async def timed(request: Awaitable[httpx.Response]) -> tuple[httpx.Response, float]:
    begun = time.monotonic()
    return await request, time.monotonic() - begun


async def served_again(ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Ask until the answer is not a 503."""
    async with asyncio.timeout(60):
        # Recovery tells nobody.
        while (answer := await ask()).status_code == httpx.codes.SERVICE_UNAVAILABLE:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return answer


@pytest.fixture
async def api(postgres_server: PostgresServer, nats_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an HTTP process beside workers that keep its read models."""
    with postgres_server.migrated_database() as url:
        async with AsyncExitStack() as stack:
            log = await stack.enter_async_context(a_log(url))
            for projection in PROJECTIONS:
                await stack.enter_async_context(working(log, projection))
            address = await stack.enter_async_context(serving(url, nats_url))
            yield await stack.enter_async_context(httpx.AsyncClient(base_url=address, timeout=20))


async def test_every_request_is_answered_while_the_database_is_silent_and_served_when_it_is_back(
    api: httpx.AsyncClient, postgres_server: PostgresServer
) -> None:
    library = (await api.post("/api/libraries", json=LIBRARY, headers=OWNER)).json()
    path, position = f"/api/libraries/{library['id']}", library["position"]
    at_least = {"StudySpot-Min-Position": str(position)}
    beyond = {"StudySpot-Min-Position": str(position + 1)}
    assert (await served_again(lambda: api.get(path, headers=at_least))).status_code == httpx.codes.OK
    with frozen(postgres_server):
        asked = [
            timed(api.get(path)),
            timed(api.get("/api/libraries")),
            timed(api.get("/api/libraries", headers=beyond)),
            timed(api.get("/api/ready")),
        ]
        asking = asyncio.gather(*asked)
        assert (await api.get("/api/health")).status_code == httpx.codes.OK
        assert not asking.done(), "it is answered while they wait"
        for answer, seconds in await asking:
            problem = assert_problem(answer, 503, "unavailable")
            assert "head" not in problem
            assert int(answer.headers["Retry-After"]) >= 1
            assert seconds < LIMIT_SECONDS
    for again in (path, "/api/libraries", "/api/ready"):
        assert (await served_again(partial(api.get, again))).status_code == httpx.codes.OK
    made = await served_again(lambda: api.post("/api/libraries", json=LIBRARY, headers=OWNER))
    assert made.status_code == httpx.codes.CREATED


async def test_private_texts_wait_no_longer_than_their_limit(
    database_url: str, postgres_server: PostgresServer
) -> None:
    async with AsyncConnectionPool(database_url, min_size=1, max_size=1, open=False) as pool:
        texts = PrivateTexts(pool)
        await texts.keep("one", "a text", None)
        asks: list[Callable[[], Awaitable[str | None]]] = [
            partial(texts.keep, "two", "another text", None),
            partial(texts.read, "one"),
        ]
        for ask in asks:
            with frozen(postgres_server):
                begun = time.monotonic()
                with pytest.raises(psycopg.OperationalError):
                    await ask()
                assert time.monotonic() - begun < 2 * ANSWER_WITHIN.total_seconds()
            assert await texts.read("one") == "a text"


async def test_a_process_that_is_not_ready_tells_the_public_no_more_than_that(
    api: httpx.AsyncClient, postgres_server: PostgresServer
) -> None:
    try:
        postgres_server.kill()
        answer = await api.get("/api/ready")
        problem = assert_problem(answer, 503, "unavailable")
        assert answer.headers["Retry-After"] == "1"
        assert problem["detail"] == "Commands cannot be taken now. Nothing was lost; try again."
    finally:
        postgres_server.restart()
    assert (await served_again(lambda: api.get("/api/ready"))).json()["ready"] is True


async def test_a_halted_log_is_not_ready_and_its_reason_is_not_public(
    postgres_server: PostgresServer, nats_url: str
) -> None:
    with postgres_server.migrated_database() as url, EventStore(url) as store:
        async with serving(url, nats_url) as address, httpx.AsyncClient(base_url=address) as api:
            store.halt("the stream differs at 7")
            answer = await api.get("/api/ready")
            assert_problem(answer, 503, "halted")
            assert answer.headers["Retry-After"] == "30"
            assert "differs" not in answer.text
            store.new_epoch()
            assert (await api.get("/api/ready")).status_code == httpx.codes.OK
