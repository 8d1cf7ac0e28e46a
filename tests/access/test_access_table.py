"""Every operation, asked for by everybody: who may is let through, and who may not is told so."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from studyspot.access.policy import POLICY
from studyspot.api import create_app
from studyspot.wire.authorisation import OperationWithoutPolicy, operations_of, require_policy
from tests.access.expectations import EXPECTED, Expected
from tests.access.installation import an_installation, config_of
from tests.access.people import DISABLED, EVERYBODY, NOBODY, Caller, Town

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
    roles = POLICY[expected.operation].roles
    return BY_RELATION if caller.role in roles or not roles else {BY_ROLE}


async def test_every_operation_has_a_row_in_the_policy_and_is_asked_for(database_url: str) -> None:
    served_now = operations_of(create_app(config_of(database_url)))
    assert served_now - POLICY.keys() == set(), "nobody has said who may use these"
    assert POLICY.keys() - served_now == set(), "these are not served"
    assert served_now - {expected.operation for expected in EXPECTED} == set(), "nobody asks for these"


async def test_an_operation_without_a_row_is_not_served(database_url: str) -> None:
    app = create_app(config_of(database_url))

    @app.get("/api/new")
    async def new() -> None:
        """Something that nobody has thought about."""

    with pytest.raises(OperationWithoutPolicy, match="GET /api/new"):
        require_policy(app)
