"""Tokens: renewed on the open socket before they expire, and asked for again on each connection."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from studyspot.client.client import Client
from tests.client.clocks import ManualClock
from tests.client.scripted_socket import ScriptedServer


class Tokens:
    """A source that gives what the test has put there."""

    def __init__(self) -> None:
        self.token = "first"
        self.error: Exception | None = None
        self.asked = 0

    async def __call__(self) -> str:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.token


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def time() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def renewing(server: ScriptedServer, tokens: Tokens, time: ManualClock) -> AsyncIterator[Client]:
    async with Client("http://127.0.0.1:1", server.url, tokens, clock=time) as client:
        yield client


async def test_a_new_token_is_sent_before_the_old_one_expires(
    server: ScriptedServer, renewing: Client, tokens: Tokens, time: ManualClock
) -> None:
    renewing.events()
    connection = await server.connection()
    assert (await connection.accept(1, expires_in=100))["token"] == "first"
    assert await time.sleeping() == timedelta(seconds=80)
    tokens.token = "second"
    time.advance(timedelta(seconds=80))
    refresh = await connection.receive()
    assert (refresh["type"], refresh["token"]) == ("refresh", "second")
    assert await time.sleeping() == timedelta(seconds=16)
    await connection.send({"type": "refreshed", "id": refresh["id"], "expiresIn": 1000})
    await time.fell_asleep_again()
    assert await time.sleeping() == timedelta(seconds=800)
    tokens.token = "third"
    time.advance(timedelta(seconds=800))
    assert (await connection.receive())["token"] == "third"


async def test_a_source_without_a_new_token_is_asked_again_sooner(
    server: ScriptedServer, renewing: Client, tokens: Tokens, time: ManualClock
) -> None:
    renewing.events()
    connection = await server.connection()
    await connection.accept(1, expires_in=100)
    await time.sleeping()
    time.advance(timedelta(seconds=80))
    await time.fell_asleep_again()
    assert await time.sleeping() == timedelta(seconds=16)
    tokens.error = OSError("the issuer is away")
    time.advance(timedelta(seconds=16))
    await time.fell_asleep_again()
    assert await time.sleeping() == timedelta(seconds=3.2)
    tokens.error, tokens.token = None, "second"
    time.advance(timedelta(seconds=3.2))
    assert (await connection.receive())["token"] == "second"


async def test_an_expired_token_is_replaced_on_the_next_connection(
    server: ScriptedServer, renewing: Client, tokens: Tokens, time: ManualClock
) -> None:
    renewing.events()
    first = await server.connection()
    await first.accept(1)
    tokens.token = "second"
    await first.close(4001, "the token has expired")
    await renewing.status.until(lambda status: status.state == "reconnecting", timedelta(seconds=10))
    await time.sleeping()
    time.advance(timedelta(seconds=1))
    assert (await (await server.connection()).accept(1))["token"] == "second"


async def test_a_source_that_is_away_delays_the_connection_only(
    server: ScriptedServer, renewing: Client, tokens: Tokens, time: ManualClock
) -> None:
    tokens.error = OSError("the issuer is away")
    renewing.events()
    await time.sleeping()
    tokens.error = None
    time.advance(timedelta(seconds=1))
    await (await server.connection()).accept(1)
    await renewing.connected(timedelta(seconds=10))
