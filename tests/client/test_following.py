"""A followed library: snapshot then live, exactly, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from studyspot.client.client import Client
from studyspot.client.errors import ClientClosed, ProblemError, RoomRefused, SentAway
from studyspot.client.follow import FollowedLibrary
from tests.client.clocks import EagerClock
from tests.client.scripted_http import Scripted, ScriptedHttp, scripted_http
from tests.client.scripted_socket import EPOCH, ScriptedConnection, ScriptedServer, event, heartbeat

START, END = datetime(2026, 12, 1, 9, tzinfo=UTC), datetime(2026, 12, 1, 18, tzinfo=UTC)
NINE, TEN = "2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z"
LIMIT = timedelta(seconds=30)

Stage = tuple[ScriptedConnection, Client]


@pytest.fixture
async def http() -> AsyncIterator[ScriptedHttp]:
    async with scripted_http() as script:
        yield script


@pytest.fixture
async def follower(http: ScriptedHttp, server: ScriptedServer, clock: EagerClock) -> AsyncIterator[Client]:
    async with Client(http.url, server.url, "token", clock=clock) as client:
        yield client


def seat_map(position: int, *occupied: str, epoch: str = EPOCH) -> Scripted:
    occupations = [{"id": one, "state": "booked", "start": NINE, "end": TEN} for one in occupied]
    seat = {
        "id": "S1",
        "label": "A1",
        "zone": "general",
        "attributes": {},
        "status": "booked" if occupied else "free",
        "occupations": occupations,
    }
    body = {
        "position": position,
        "epoch": epoch,
        "serverNow": NINE,
        "libraryId": "L1",
        "start": NINE,
        "end": TEN,
        "seats": [seat],
    }
    return Scripted(200, body)


def booked(position: int, occupation: str, *rooms: str, state: str = "booked", **more: Any) -> dict[str, Any]:
    data = {"seatId": "S1", "occupation": occupation, "state": state, "start": NINE, "end": TEN, **more}
    return event(position, *(rooms or ("library:L1",)), name="seat:availability", **data)


def occupied_by(followed: FollowedLibrary) -> list[str]:
    return [occupation.id for occupation in followed.seat_map.seats["S1"].occupations]


async def begin(
    server: ScriptedServer, follower: Client, accept: Callable[[ScriptedConnection], Awaitable[object]]
) -> tuple[ScriptedConnection, FollowedLibrary]:
    """Follow the library; `accept` plays the server's part after `connected`."""
    following = asyncio.create_task(follower.follow_library("L1", START, END))
    connection = await server.connection()
    await connection.accept(100)
    await accept(connection)
    async with asyncio.timeout(LIMIT.total_seconds()):
        return connection, await following


async def test_the_room_is_joined_from_the_position_of_the_map(
    server: ScriptedServer, http: ScriptedHttp, follower: Client
) -> None:
    http.will_answer(seat_map(97, "o1"))
    joins = []

    async def accept(connection: ScriptedConnection) -> None:
        joins.append(await connection.accept_join("replaying"))
        await connection.send(booked(98, "o1", state="free"), booked(99, "o2"))

    connection, followed = await begin(server, follower, accept)
    assert joins[0]["since"] == {"epoch": EPOCH, "position": 97}
    await followed.until(lambda seats: seats.position == 99, LIMIT)
    assert occupied_by(followed) == ["o2"]
    await connection.send(booked(101, "o2", state="free"))
    seats = await followed.until(lambda seats: seats.position == 101, LIMIT)
    assert seats.seats["S1"].status == "free"


async def test_what_came_by_another_room_before_the_join_is_in_the_map(
    server: ScriptedServer, http: ScriptedHttp, follower: Client
) -> None:
    """Our own booking is told to us first; the map is read as of it, since nobody tells it again."""
    events = follower.events()
    connection = await server.connection()
    await connection.accept(100)
    await connection.send(booked(110, "o1", "user:s1", libraryId="L1"))
    await anext(events)
    http.will_answer(seat_map(112, "o1"))
    following = asyncio.create_task(follower.follow_library("L1", START, END))
    assert (await connection.accept_join("live"))["since"]["position"] == 112
    followed = await following
    assert http.asked[0].headers["studyspot-min-position"] == "110"
    assert occupied_by(followed) == ["o1"]


async def test_what_comes_by_another_room_while_the_map_is_read_is_folded(
    server: ScriptedServer, http: ScriptedHttp, follower: Client
) -> None:
    http.will_answer(seat_map(97))

    async def accept(connection: ScriptedConnection) -> None:
        join = await connection.receive()
        await connection.send(booked(101, "o1", "user:s1", libraryId="L1"))
        rooms = [{"room": "library:L1", "joined": True}]
        await connection.send({"type": "joined", "id": join["id"], "rooms": rooms, "resume": "replaying"})

    _, followed = await begin(server, follower, accept)
    await followed.until(lambda seats: seats.position == 101, LIMIT)
    assert occupied_by(followed) == ["o1"]


async def test_the_map_stays_exact_over_a_lost_connection(
    server: ScriptedServer, http: ScriptedHttp, follower: Client
) -> None:
    http.will_answer(seat_map(100))
    first, followed = await begin(server, follower, ScriptedConnection.accept_join)
    await first.send(booked(101, "o1"))
    await followed.until(lambda seats: seats.position == 101, LIMIT)
    first.abort()
    second = await server.connection()
    asked = await second.accept(110, resume="replaying")
    assert (asked["rooms"], asked["since"]["position"]) == (["library:L1"], 100)
    await second.send(booked(101, "o1"), booked(102, "o1", state="free"), booked(103, "o2"))
    await followed.until(lambda seats: seats.position == 103, LIMIT)
    assert occupied_by(followed) == ["o2"]


async def test_after_a_new_epoch_the_map_is_read_again_as_of_its_head(
    server: ScriptedServer, http: ScriptedHttp, follower: Client
) -> None:
    http.will_answer(seat_map(100))
    first, followed = await begin(server, follower, ScriptedConnection.accept_join)
    await first.send(booked(101, "o1"))
    await followed.until(lambda seats: seats.position == 101, LIMIT)
    # The read model hears of the new epoch later than the socket.
    http.will_answer(seat_map(101, "o1"), seat_map(41, "o7", epoch="k4"))
    await first.close(1012)
    second = await server.connection()
    await second.accept(40, resume="snapshot-required", epoch="k4")
    await followed.until(lambda seats: seats.position == 41, LIMIT)
    await second.send(booked(41, "o7"), booked(42, "o7", state="free"))
    await followed.until(lambda seats: seats.position == 42, LIMIT)
    assert occupied_by(followed) == []
    assert [asked.headers.get("studyspot-min-position") for asked in http.asked] == [None, "40", "40"]


async def test_a_map_that_the_stream_no_longer_reaches_is_read_again(
    server: ScriptedServer, http: ScriptedHttp, follower: Client
) -> None:
    http.will_answer(seat_map(3), seat_map(100, "o1"))

    async def accept(connection: ScriptedConnection) -> None:
        await connection.accept_join("snapshot-required")
        leave = await connection.receive()
        await connection.send({"type": "left", "id": leave["id"], "rooms": leave["rooms"]})
        assert (await connection.accept_join())["since"]["position"] == 100

    _, followed = await begin(server, follower, accept)
    assert occupied_by(followed) == ["o1"]


async def test_a_reader_gets_the_newest_map_after_each_change(
    server: ScriptedServer, http: ScriptedHttp, follower: Client
) -> None:
    http.will_answer(seat_map(100))
    connection, followed = await begin(server, follower, ScriptedConnection.accept_join)
    seen = []
    await connection.send(heartbeat(100))
    async with asyncio.timeout(LIMIT.total_seconds()):
        async for seats in followed:
            seen.append(seats.position)
            if seats.position == 103:
                break
            await connection.send(booked(seats.position + 1, f"o{seats.position}"))
    assert seen == [100, 101, 102, 103]


async def test_closing_it_leaves_the_room(
    server: ScriptedServer, http: ScriptedHttp, follower: Client
) -> None:
    http.will_answer(seat_map(100))
    connection, followed = await begin(server, follower, ScriptedConnection.accept_join)
    async with followed:
        pass
    assert (await connection.receive())["rooms"] == ["library:L1"]
    with pytest.raises(ClientClosed):
        await followed.until(lambda seats: seats.position == 101, LIMIT)


async def test_a_lost_room_ends_it_with_the_reason(
    server: ScriptedServer, http: ScriptedHttp, follower: Client
) -> None:
    http.will_answer(seat_map(100))
    connection, followed = await begin(server, follower, ScriptedConnection.accept_join)
    await connection.send({"type": "left", "id": None, "rooms": ["library:L1"]})
    with pytest.raises(RoomRefused):
        await followed.until(lambda seats: seats.position == 101, LIMIT)


async def test_being_sent_away_ends_it_with_the_reason(
    server: ScriptedServer, http: ScriptedHttp, follower: Client
) -> None:
    http.will_answer(seat_map(100))
    connection, followed = await begin(server, follower, ScriptedConnection.accept_join)
    await connection.close(4503, "revoked")
    with pytest.raises(SentAway):
        await followed.until(lambda seats: seats.position == 101, LIMIT)


async def test_an_unknown_library_cannot_be_followed(
    server: ScriptedServer, http: ScriptedHttp, follower: Client
) -> None:
    http.will_answer(Scripted(404, {"type": "/problems/library-unknown", "title": "Library not found"}))
    following = asyncio.create_task(follower.follow_library("L1", START, END))
    await (await server.connection()).accept(100)
    with pytest.raises(ProblemError) as problem:
        await following
    assert problem.value.type == "/problems/library-unknown"
