"""Signed in with a password: tokens that renew themselves, and are given up when the server says so."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from studyspot.client.client import Client
from studyspot.client.errors import NotSignedIn, ProblemError, SentAway
from studyspot.client.items import RoomLost
from studyspot.client.signing_in import SignedIn
from tests.client.clocks import EagerClock
from tests.client.scripted_http import Scripted, ScriptedHttp, scripted_http
from tests.client.scripted_socket import ScriptedServer

ACCOUNT = {"id": "s1", "email": "asha@example.org", "name": "Asha", "role": "student"}
EXPIRED = Scripted(401, {"type": "/problems/token-expired", "title": "expired", "detail": "Get a fresh one."})
RELEASED = Scripted(200, {"id": "H1", "status": "released", "position": 7}, {"StudySpot-Position": "7"})
LIMIT = timedelta(seconds=30)


def signed_in(token: str, cookie: str) -> Scripted:
    body: dict[str, Any] = {"account": ACCOUNT, "token": token, "expiresIn": 900, "position": 3}
    headers = {"Set-Cookie": f"studyspot-refresh={cookie}; Path=/api/auth; HttpOnly; SameSite=Strict"}
    return Scripted(200, body, headers)


@pytest.fixture
async def http() -> AsyncIterator[ScriptedHttp]:
    async with scripted_http() as script:
        yield script


@pytest.fixture
async def session(http: ScriptedHttp, clock: EagerClock) -> AsyncIterator[SignedIn]:
    session = SignedIn(http.url, clock=clock)
    http.will_answer(signed_in("first", "cookie-1"))
    await session.login("asha@example.org", "correct horse")
    yield session
    await session.close()


async def test_nobody_is_signed_in_at_first(http: ScriptedHttp) -> None:
    session = SignedIn(http.url)
    with pytest.raises(NotSignedIn):
        await session()
    await session.close()


async def test_a_token_serves_until_the_last_part_of_its_life(
    http: ScriptedHttp, session: SignedIn, clock: EagerClock
) -> None:
    clock.advance(timedelta(seconds=719))
    assert await session() == "first"
    clock.advance(timedelta(seconds=1))
    http.will_answer(signed_in("second", "cookie-2"))

    assert [*await asyncio.gather(session(), session(), session())] == ["second"] * 3

    login, refresh = http.asked
    assert login.body == {"email": "asha@example.org", "password": "correct horse"}
    assert (refresh.path, refresh.body) == ("/api/auth/refresh", None)
    assert refresh.headers["cookie"] == "studyspot-refresh=cookie-1"
    assert "authorization" not in refresh.headers


async def test_a_refused_token_is_replaced_by_another(http: ScriptedHttp, session: SignedIn) -> None:
    session.refused("first")
    http.will_answer(signed_in("second", "cookie-2"))
    assert await session() == "second"
    session.refused("first")
    assert await session() == "second"


async def test_a_session_that_is_over_says_so(http: ScriptedHttp, session: SignedIn) -> None:
    session.refused("first")
    http.will_answer(Scripted(401, {"type": "/problems/session-over", "title": "over", "detail": "Sign in."}))
    with pytest.raises(ProblemError, match="over"):
        await session()
    assert len(http.asked) == 2, "a refresh is not tried again by itself"


async def test_who_signs_out_has_no_token(http: ScriptedHttp, session: SignedIn) -> None:
    http.will_answer(Scripted(204, None))
    await session.logout()
    assert (http.asked[-1].path, session.account) == ("/api/auth/logout", None)
    with pytest.raises(NotSignedIn):
        await session()


async def test_a_command_with_a_token_of_an_earlier_role_is_given_again_with_a_fresh_one(
    http: ScriptedHttp, session: SignedIn, clock: EagerClock
) -> None:
    async with Client(http.url, "ws://127.0.0.1:1", session, clock=clock) as client:
        http.will_answer(EXPIRED, signed_in("second", "cookie-2"), RELEASED)
        assert (await client.release("H1")).id == "H1"
        assert [asked.headers.get("authorization") for asked in http.asked[1:]] == [
            *("Bearer first", None, "Bearer second")
        ]
        http.will_answer(EXPIRED, signed_in("third", "cookie-3"), EXPIRED)
        with pytest.raises(ProblemError):
            await client.release("H1")
    assert clock.slept == [], "nothing is waited for"


async def test_a_token_that_cannot_be_renewed_is_not_tried_again(
    http: ScriptedHttp, clock: EagerClock
) -> None:
    async with Client(http.url, "ws://127.0.0.1:1", "token", clock=clock) as client:
        http.will_answer(EXPIRED)
        with pytest.raises(ProblemError):
            await client.release("H1")
    assert len(http.asked) == 1


async def test_a_socket_closed_for_its_role_comes_back_with_a_fresh_token(
    http: ScriptedHttp, session: SignedIn, clock: EagerClock, server: ScriptedServer
) -> None:
    async with Client(http.url, server.url, session, clock=clock) as client:
        client.events()
        first = await server.connection()
        assert (await first.accept(1))["token"] == "first"
        http.will_answer(signed_in("second", "cookie-2"))

        await first.close(4001, "the token is of an earlier role: get a fresh one")

        assert (await (await server.connection()).accept(1))["token"] == "second"


async def test_who_is_shut_out_stays_away(client: Client, server: ScriptedServer) -> None:
    events = client.events()
    connection = await server.connection()
    await connection.accept(1)
    await connection.close(4503, "this account may not be used any more")
    with pytest.raises(SentAway) as away:
        await anext(events)
    assert (away.value.code, client.status.value.state) == (4503, "closed")


async def test_a_staff_room_comes_and_goes_unasked(client: Client, server: ScriptedServer) -> None:
    events = client.events()
    connection = await server.connection()
    await connection.accept(1)
    room = "library:L1:staff"

    def happens(position: int) -> dict[str, Any]:
        event = {"id": f"k3-{position}", "type": "studyspot.seat.updated.v1", "sequence": str(position)}
        told = {**event, "time": "2026-12-01T12:00:00Z", "data": {"libraryId": "L1", "seatId": "S1"}}
        named = {"type": "event", "name": "library:updated", "position": position, "rooms": [room]}
        return {**named, "event": told}

    joined = [{"room": room, "joined": True}]
    await connection.send(
        {"type": "joined", "id": None, "rooms": joined, "resume": "live"},
        happens(3),
        {"type": "left", "id": None, "rooms": [room], "reason": "Only the staff may be there."},
    )

    event, lost = await anext(events), await anext(events)

    assert (event.position, event.rooms) == (3, (room,))  # type: ignore[union-attr]
    assert lost == RoomLost(room, "Only the staff may be there.")
    await connection.close(4002)
    again = await (await server.connection()).accept(3)
    assert again["rooms"] == []
