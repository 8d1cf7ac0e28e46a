"""Rooms by request: joined, refused, left, kept over reconnections, and resumed each from its own point."""

import asyncio
from datetime import timedelta

import pytest

from studyspot.client.client import Client
from studyspot.client.deliveries import Subscription
from studyspot.client.errors import RoomRefused, SnapshotNeeded
from studyspot.client.items import Event, RoomLost
from studyspot.wire.frames import Since
from tests.client.scripted_socket import (
    EPOCH,
    ScriptedConnection,
    ScriptedServer,
    caught_up,
    event,
    heartbeat,
)

AUTOMATIC = ("everyone", "user:s1", "role:student")
LIMIT = timedelta(seconds=30)


async def connect(
    server: ScriptedServer, client: Client, head: int
) -> tuple[ScriptedConnection, Subscription]:
    events = client.events()
    connection = await server.connection()
    await connection.accept(head)
    await client.connected(LIMIT)
    return connection, events


async def positions(events: Subscription, count: int) -> list[tuple[int, tuple[str, ...]]]:
    got = []
    async with asyncio.timeout(LIMIT.total_seconds()):
        for _ in range(count):
            item = await anext(events)
            assert isinstance(item, Event)
            got.append((item.position, item.rooms))
    return got


async def test_a_joined_room_is_asked_for_again_on_every_connection(
    server: ScriptedServer, client: Client
) -> None:
    first, events = await connect(server, client, 100)
    joining = asyncio.create_task(client.join("library:L1", Since(epoch=EPOCH, position=90)))
    assert (await first.accept_join("replaying"))["since"] == {"epoch": EPOCH, "position": 90}
    await joining
    await first.send(event(95, "library:L1"))
    assert await positions(events, 1) == [(95, ("library:L1",))]
    await first.close(1012)
    second = await server.connection()
    asked = await second.accept(110, resume="replaying")
    assert (asked["rooms"], asked["since"]["position"]) == (["library:L1"], 95)
    await second.send(
        event(95, "library:L1"), event(99, "user:s1", "library:L1"), event(105, "user:s1", "library:L1")
    )
    assert await positions(events, 2) == [(99, ("library:L1",)), (105, ("user:s1", "library:L1"))]


async def test_what_one_room_brought_is_not_told_again_by_another(
    server: ScriptedServer, client: Client
) -> None:
    connection, events = await connect(server, client, 100)
    await connection.send(event(101, "user:s1"))
    assert await positions(events, 1) == [(101, ("user:s1",))]
    joining = asyncio.create_task(client.join("library:L1", Since(epoch=EPOCH, position=100)))
    await connection.accept_join("replaying")
    await joining
    await connection.send(event(101, "library:L1"), event(102, "library:L1"))
    assert await positions(events, 1) == [(102, ("library:L1",))]


async def test_what_one_room_brought_is_told_again_where_another_sees_more(
    server: ScriptedServer, client: Client
) -> None:
    connection, events = await connect(server, client, 100)
    await connection.send(event(101, "role:library_owner", libraryId="L1"))
    await positions(events, 1)
    joining = asyncio.create_task(client.join("library:L1", Since(epoch=EPOCH, position=100)))
    await connection.accept_join("replaying")
    await joining
    await connection.send(event(101, "library:L1", seatId="S1", occupation="o1"))
    assert await positions(events, 1) == [(101, ("library:L1",))]


async def test_a_heartbeat_does_not_move_a_room_that_is_still_being_joined(
    server: ScriptedServer, client: Client
) -> None:
    connection, events = await connect(server, client, 100)
    joining = asyncio.create_task(client.join("library:L1", Since(epoch=EPOCH, position=90)))
    join = await connection.receive()
    await connection.send(heartbeat(120), event(121, "user:s1"))
    await positions(events, 1)
    assert client.resume_point == Since(epoch=EPOCH, position=90)
    rooms = [{"room": "library:L1", "joined": True}]
    await connection.send(
        {"type": "joined", "id": join["id"], "rooms": rooms, "resume": "replaying"}, event(92, "library:L1")
    )
    await joining
    assert await positions(events, 1) == [(92, ("library:L1",))]


async def test_caught_up_moves_the_rooms_that_it_names(server: ScriptedServer, client: Client) -> None:
    connection, events = await connect(server, client, 100)
    joining = asyncio.create_task(client.join("library:L1", Since(epoch=EPOCH, position=50)))
    await connection.accept_join("replaying")
    await joining
    assert client.resume_point == Since(epoch=EPOCH, position=50)
    await connection.send(caught_up(104, "library:L1"), event(105, "user:s1"))
    await positions(events, 1)
    assert client.resume_point == Since(epoch=EPOCH, position=100)


async def test_a_room_joined_without_a_point_begins_where_the_socket_is(
    server: ScriptedServer, client: Client
) -> None:
    connection, events = await connect(server, client, 100)
    await connection.send(heartbeat(130))
    joining = asyncio.create_task(client.join("library:L1"))
    assert "since" not in await connection.accept_join()
    await joining
    await connection.close(1012)
    asked = await (await server.connection()).accept(140)
    assert (asked["rooms"], asked["since"]["position"]) == (["library:L1"], 130)
    del events


async def test_a_refused_room_is_an_error_and_not_asked_for_again(
    server: ScriptedServer, client: Client
) -> None:
    connection, _ = await connect(server, client, 100)
    joining = asyncio.create_task(client.join("user:s2"))
    join = await connection.receive()
    refused = {"room": "user:s2", "joined": False, "code": "room-forbidden", "reason": "it is another's"}
    await connection.send({"type": "joined", "id": join["id"], "rooms": [refused], "resume": "live"})
    with pytest.raises(RoomRefused) as refusal:
        await joining
    assert (refusal.value.code, refusal.value.reason) == ("room-forbidden", "it is another's")
    await connection.close(1012)
    assert (await (await server.connection()).accept(100))["rooms"] == []


async def test_an_error_frame_answers_the_join_that_it_names(server: ScriptedServer, client: Client) -> None:
    connection, _ = await connect(server, client, 100)
    joining = asyncio.create_task(client.join("library:L1"))
    join = await connection.receive()
    await connection.send(
        {"type": "error", "id": join["id"], "code": "invalid-frame", "message": "no", "temporary": False}
    )
    with pytest.raises(RoomRefused) as refusal:
        await joining
    assert refusal.value.code == "invalid-frame"


async def test_a_join_from_before_the_stream_needs_a_snapshot(server: ScriptedServer, client: Client) -> None:
    connection, _ = await connect(server, client, 100)
    joining = asyncio.create_task(client.join("library:L1", Since(epoch=EPOCH, position=1)))
    await connection.accept_join("snapshot-required")
    with pytest.raises(SnapshotNeeded):
        await joining
    assert (await connection.receive())["type"] == "leave"
    with pytest.raises(SnapshotNeeded):
        await client.join("library:L1", Since(epoch="k2", position=100))


async def test_a_join_outlives_the_connection_on_which_it_was_asked(
    server: ScriptedServer, client: Client
) -> None:
    first, events = await connect(server, client, 100)
    joining = asyncio.create_task(client.join("library:L1", Since(epoch=EPOCH, position=90)))
    assert (await first.receive())["type"] == "join"
    await first.close(1012)
    second = await server.connection()
    asked = await second.accept(110, resume="replaying")
    assert (asked["rooms"], asked["since"]["position"]) == (["library:L1"], 90)
    await joining
    await second.send(event(91, "library:L1"))
    assert await positions(events, 1) == [(91, ("library:L1",))]


async def test_a_room_wanted_twice_is_left_when_nobody_wants_it(
    server: ScriptedServer, client: Client
) -> None:
    connection, events = await connect(server, client, 100)
    joining = asyncio.gather(client.join("library:L1"), client.join("library:L1"))
    await connection.accept_join()
    await joining
    await client.leave("library:L1")
    await connection.send(event(101, "library:L1"))
    assert await positions(events, 1) == [(101, ("library:L1",))]
    await client.leave("library:L1")
    leave = await connection.receive()
    assert (leave["type"], leave["rooms"]) == ("leave", ["library:L1"])
    # What is on its way may be told by no other room any more.
    await connection.send(
        event(102, "library:L1"), {"type": "left", "id": leave["id"], "rooms": ["library:L1"]}
    )
    assert await positions(events, 1) == [(102, ("library:L1",))]
    await connection.send(heartbeat(110), event(111, "user:s1"))
    await positions(events, 1)
    assert client.resume_point == Since(epoch=EPOCH, position=110)


async def test_a_room_is_joined_again_only_after_it_has_been_left(
    server: ScriptedServer, client: Client
) -> None:
    connection, events = await connect(server, client, 100)
    joining = asyncio.create_task(client.join("library:L1"))
    await connection.accept_join()
    await joining
    await client.leave("library:L1")
    leave = await connection.receive()
    again = asyncio.create_task(client.join("library:L1", Since(epoch=EPOCH, position=100)))
    await connection.send(
        event(140, "library:L1"), {"type": "left", "id": leave["id"], "rooms": ["library:L1"]}
    )
    assert (await connection.accept_join("replaying"))["since"]["position"] == 100
    await again
    await connection.send(event(101, "library:L1"))
    assert await positions(events, 2) == [(140, ("library:L1",)), (101, ("library:L1",))]


async def test_a_room_that_is_taken_away_is_told(server: ScriptedServer, client: Client) -> None:
    connection, events = await connect(server, client, 100)
    joining = asyncio.create_task(client.join("library:L1"))
    await connection.accept_join()
    await joining
    await connection.send({"type": "left", "id": None, "rooms": ["library:L1"]})
    item = await anext(events)
    assert isinstance(item, RoomLost)
    assert item.room == "library:L1"
    again = asyncio.create_task(client.join("library:L1"))
    await connection.accept_join()
    await again


async def test_a_room_refused_after_a_reconnection_is_told(server: ScriptedServer, client: Client) -> None:
    first, events = await connect(server, client, 100)
    joining = asyncio.create_task(client.join("library:L1:staff"))
    await first.accept_join()
    await joining
    await first.close(1012)
    await (await server.connection()).accept(100, refused=["library:L1:staff"])
    assert await anext(events) == RoomLost("library:L1:staff", "it is not yours")


async def test_a_room_left_while_reconnecting_is_left_on_the_new_connection(
    server: ScriptedServer, client: Client
) -> None:
    first, _ = await connect(server, client, 100)
    joining = asyncio.create_task(client.join("library:L1"))
    await first.accept_join()
    await joining
    await first.close(1012)
    second = await server.connection()
    await client.status.until(lambda status: status.state == "reconnecting", LIMIT)
    connect_frame = await second.receive()
    await client.leave("library:L1")
    rooms = [{"room": room, "joined": True} for room in connect_frame["rooms"]]
    connected = {
        "type": "connected",
        "id": connect_frame["id"],
        "session": "x",
        "epoch": EPOCH,
        "head": 100,
        "user": "s1",
        "role": "student",
        "expiresIn": 900,
        "serverNow": "2026-12-01T12:00:00Z",
        "heartbeat": 25,
        "rooms": rooms,
        "resume": "live",
    }
    await second.send(connected)
    leave = await second.receive()
    assert (leave["type"], leave["rooms"]) == ("leave", ["library:L1"])


async def test_more_rooms_than_a_frame_takes_are_joined_in_several(
    server: ScriptedServer, client: Client
) -> None:
    first, events = await connect(server, client, 100)
    rooms = [f"library:L{number}" for number in range(120)]
    for number, room in enumerate(rooms):
        joining = asyncio.create_task(client.join(room, Since(epoch=EPOCH, position=100 - number % 60)))
        await first.accept_join("replaying")
        await joining
    await first.close(1012)
    second = await server.connection()
    asked = [(await second.accept(200, resume="replaying"))["rooms"]]
    await second.send(caught_up(200, *AUTOMATIC, *asked[0]))
    for _ in range(2):
        join = await second.accept_join("replaying")
        assert join["since"]["position"] >= 40
        asked.append(join["rooms"])
    assert [room for part in asked for room in part] == rooms
    await second.send(event(150, rooms[119]), event(201, rooms[0]))
    assert [position for position, _ in await positions(events, 2)] == [150, 201]
