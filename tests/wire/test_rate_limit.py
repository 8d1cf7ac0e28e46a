"""Everybody asks as often as is fair, and nobody spends what is another's."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any

import httpx
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from studyspot.access.keys import SigningKey
from studyspot.access.tokens import Verifier
from studyspot.api import believed_proxies
from studyspot.console.documents import documents
from studyspot.decisions.clock import system_clock
from studyspot.wire.rate_limit import Allowances, Rate, RateLimit
from tests.http_server import served

KEY, IMPOSTOR = SigningKey.generate(), SigningKey.generate()
VERIFIER = Verifier.of([KEY.jwks()], issuer="studyspot", audience="studyspot")
SLOWLY = Rate(burst=3, per_second=0.001)
"""So slow that nothing is earned back while a test runs."""


class HandClock:
    def __init__(self) -> None:
        self.seconds = 1_000_000.1

    def __call__(self) -> float:
        return self.seconds


def bearer(user_id: str, key: SigningKey = KEY) -> dict[str, str]:
    signed = key.sign(
        user_id=user_id,
        role="student",
        issuer="studyspot",
        audience="studyspot",
        now=datetime.now(UTC),
        lifetime=timedelta(hours=1),
    )
    return {"Authorization": f"Bearer {signed}"}


@asynccontextmanager
async def limited(rate: Rate = SLOWLY, **server: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.add_middleware(RateLimit, rate=rate)
    app.state.verifier, app.state.clock = VERIFIER, system_clock

    @app.get("/{path:path}")
    async def anything(path: str) -> str:
        return path

    async with served(app, **server) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def allowed(client: httpx.AsyncClient, path: str = "/api/libraries", **more: Any) -> int:
    """Return how many of ten requests are answered."""
    answers = [await client.get(path, **more) for _ in range(10)]
    return sum(answer.status_code == httpx.codes.OK for answer in answers)


def test_a_burst_and_then_a_steady_rate() -> None:
    clock = HandClock()
    allowances = Allowances(Rate(burst=100, per_second=50), clock=clock)
    assert [allowances.take("a") for _ in range(100)] == [None] * 100
    wait = allowances.take("a")
    assert wait is not None
    assert timedelta() < wait <= timedelta(seconds=0.02)
    clock.seconds += 1
    assert sum(allowances.take("a") is None for _ in range(200)) in (50, 51)
    clock.seconds += 3600
    assert sum(allowances.take("a") is None for _ in range(200)) == 100, "more than the burst is never saved"


def test_whoever_asks_in_vain_does_not_wait_longer_for_it() -> None:
    clock = HandClock()
    allowances = Allowances(Rate(burst=1, per_second=1), clock=clock)
    assert allowances.take("a") is None
    for _ in range(1000):
        assert allowances.take("a") is not None
    clock.seconds += 1
    assert allowances.take("a") is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 2)), max_size=60))
def test_in_no_span_of_time_is_more_allowed_than_burst_and_rate(asked: list[tuple[str, float]]) -> None:
    clock, rate = HandClock(), Rate(burst=5, per_second=2)
    allowances = Allowances(rate, clock=clock)
    taken: dict[str, list[float]] = {}
    for who, later in asked:
        clock.seconds += later
        if allowances.take(who) is None:
            taken.setdefault(who, []).append(clock.seconds)
    for moments in taken.values():
        for first in range(len(moments)):
            for last in range(first, len(moments)):
                span = moments[last] - moments[first]
                assert last - first + 1 <= rate.burst + rate.per_second * span + 1


def test_what_is_remembered_has_a_bound() -> None:
    allowances = Allowances(Rate(burst=1, per_second=0.001), remembered=1000)
    for number in range(5000):
        assert allowances.take(str(number)) is None
    assert len(allowances) == 1000
    assert allowances.take("4999") is not None, "who asked last is still known"


def test_counting_costs_microseconds() -> None:
    allowances = Allowances(Rate())
    began = process_time()
    for number in range(20_000):
        allowances.take(str(number % 5000))
    assert (process_time() - began) / 20_000 < 50e-6


async def test_too_many_requests_are_told_when_to_come_again() -> None:
    async with limited() as client:
        for _ in range(3):
            assert (await client.get("/api/libraries")).status_code == httpx.codes.OK
        answer = await client.get("/api/libraries")
    assert answer.status_code == httpx.codes.TOO_MANY_REQUESTS
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) >= 1
    told = answer.json()
    assert (told["type"], told["status"], told["instance"]) == (
        "/problems/rate-limited",
        429,
        "/api/libraries",
    )


async def test_each_person_has_their_own_and_no_address_spends_it() -> None:
    async with limited() as client:
        assert await allowed(client) == 3, "without a token, the address counts"
        assert await allowed(client, headers=bearer("anna")) == 3
        assert await allowed(client, headers=bearer("ben")) == 3
        assert await allowed(client, headers=bearer("anna")) == 0, "another token of hers changes nothing"


async def test_a_token_that_proves_nothing_spends_its_address_and_nobody_elses() -> None:
    async with limited() as client:
        assert await allowed(client, headers=bearer("anna", IMPOSTOR)) == 3
        assert await allowed(client, headers=bearer("ben", IMPOSTOR)) == 0, "a new name is no way round"
        assert await allowed(client) == 0
        assert await allowed(client, headers=bearer("anna")) == 3


async def test_probes_and_signing_in_are_not_counted() -> None:
    async with limited() as client:
        for path in ("/api/health", "/api/ready", "/api/auth/login"):
            assert await allowed(client, path) == 10
        assert await allowed(client) == 3


async def test_an_address_cannot_be_forged_where_no_proxy_is_trusted() -> None:
    async with limited(**believed_proxies(())) as client:
        answers = [
            await client.get("/api/libraries", headers={"X-Forwarded-For": f"10.0.0.{number}"})
            for number in range(10)
        ]
    assert sum(answer.is_success for answer in answers) == 3


async def test_a_trusted_proxy_tells_the_address_and_only_its_own_word_counts() -> None:
    async with limited(**believed_proxies(("127.0.0.0/8",))) as client:
        for number in range(10):
            # What a client writes stands before what the proxy adds.
            forged = {"X-Forwarded-For": f"10.0.0.{number}, 203.0.113.7"}
            answer = await client.get("/api/libraries", headers=forged)
            assert answer.is_success == (number < 3)
        assert await allowed(client, headers={"X-Forwarded-For": "203.0.113.8"}) == 3


async def test_one_network_of_ipv6_is_one_asker() -> None:
    async with limited(**believed_proxies(("127.0.0.1",))) as client:
        answers = [
            await client.get("/api/libraries", headers={"X-Forwarded-For": f"2001:db8:1:2::{number}"})
            for number in range(10)
        ]
        assert sum(answer.is_success for answer in answers) == 3
        assert await allowed(client, headers={"X-Forwarded-For": "2001:db8:1:3::1"}) == 3


def test_every_operation_documents_that_it_may_be_too_much() -> None:
    document = json.loads(documents()["deploy/openapi.json"])
    shared = document["components"]["responses"]

    def tells_when_to_come_again(response: dict[str, Any]) -> bool:
        return "Retry-After" in shared.get(response.get("$ref", "").rpartition("/")[2], response)["headers"]

    undocumented = [
        (path, method)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "429" not in operation["responses"] or not tells_when_to_come_again(operation["responses"]["429"])
    ]
    assert undocumented == [("/api/health", "get"), ("/api/ready", "get")], "probes alone are never too much"
