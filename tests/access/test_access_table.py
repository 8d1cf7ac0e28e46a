"""Every operation, asked for by everybody: who may is let through, and who may not is told so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import pytest_asyncio

from studyspot.access.access_tokens import AccessTokens
from studyspot.access.policy import POLICY
from studyspot.access.server_secrets import ServerSecrets
from studyspot.access.tokens import Verifier
from studyspot.api import ApiConfig, create_app
from studyspot.projections.app import run_workers
from studyspot.projections.models.registry import named
from studyspot.wire.authorisation import OperationWithoutPolicy, operations_of, require_policy
from studyspot.wire.rate_limit import Rate
from studyspot.ws_fanout.ending import end_tasks
from tests.access.expectations import EXPECTED, Expected
from tests.access.people import DISABLED, EVERYBODY, NOBODY, Caller, Town, a_town
from tests.commands.conftest import AUDIENCE, ISSUER, KEY
from tests.http_server import served
from tests.projections.system import NO_BROKER, a_log, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

BY_ROLE = "/problems/role-not-allowed"
BY_RELATION = {
    f"/problems/{slug}"
    for slug in (
        *("not-your-library", "not-library-owner", "not-for-others", "booking-unknown", "hold-unknown"),
        *("invitation-unknown", "notification-unknown", "waitlist-entry-unknown"),
        # For themselves, students alone take seats.
        "student-required",
    )
}
WITHOUT_A_TOKEN = {f"/problems/{slug}" for slug in ("unauthenticated", "token-refused", "token-expired")}
BARRED = "/problems/account-barred"
REFUSED = {BY_ROLE, BARRED, *BY_RELATION, *WITHOUT_A_TOKEN}


def config(database_url: str) -> ApiConfig:
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
        served(create_app(config(database_url))) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as http,
    ):
        workers = [log.worker(projection) for projection in named(())]
        working = asyncio.create_task(run_workers(workers, NO_BROKER))
        try:
            town = await a_town(http, log)
            await until(lambda: all(log.readable(worker.projection.name) for worker in workers), 30)
            await until_barred(town)
            yield town
        finally:
            await end_tasks([working])


async def until_barred(town: Town) -> None:
    async with asyncio.timeout(5):
        while (await town.http.get("/api/auth/me", headers=DISABLED.headers)).status_code != 401:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database_url: str) -> AsyncIterator[Town]:
    async with an_installation(database_url) as town:
        yield town


@pytest.mark.parametrize("expected", EXPECTED, ids=str)
async def test_an_operation_is_for_those_whom_it_is_meant_for(expected: Expected, town: Town) -> None:
    answers = await asyncio.gather(*(ask(expected, caller, town) for caller in EVERYBODY))
    for caller, answer in zip(EVERYBODY, answers, strict=True):
        judge(expected, caller, answer, town)


async def ask(expected: Expected, caller: Caller, town: Town) -> httpx.Response:
    return await town.http.request(
        expected.method,
        town.filled(expected.template),
        json=town.filled(expected.body),
        params=town.filled(expected.query),
        headers=caller.headers,
    )


def judge(expected: Expected, caller: Caller, answer: httpx.Response, town: Town) -> None:
    told = f"{caller.user_id or 'nobody'} ({caller.role}): {answer.status_code} {answer.text[:300]}"
    assert answer.status_code < 500, told
    problem = answer.json()["type"] if answer.is_error else ""
    if caller in expected.allowed:
        assert problem not in REFUSED, told
    else:
        assert problem in refusals_of(expected, caller), told
    if expected.shown is not None and answer.is_success:
        assert (town.filled(expected.shown) in answer.text) == (caller in expected.shown_to), told


def refusals_of(expected: Expected, caller: Caller) -> set[str]:
    """Return how somebody may be refused who may not do this."""
    if caller == NOBODY:
        return WITHOUT_A_TOKEN
    if caller == DISABLED:
        return {BARRED}
    return BY_RELATION if caller.role in POLICY[expected.operation].roles else {BY_ROLE}


async def test_every_operation_has_a_row_in_the_policy_and_is_asked_for(database_url: str) -> None:
    served_now = operations_of(create_app(config(database_url)))
    assert served_now - POLICY.keys() == set(), "nobody has said who may use these"
    assert POLICY.keys() - served_now == set(), "these are not served"
    assert served_now - {expected.operation for expected in EXPECTED} == set(), "nobody asks for these"


async def test_an_operation_without_a_row_is_not_served(database_url: str) -> None:
    app = create_app(config(database_url))

    @app.get("/api/new")
    async def new() -> None:
        """Something that nobody has thought about."""

    with pytest.raises(OperationWithoutPolicy, match="GET /api/new"):
        require_policy(app)
