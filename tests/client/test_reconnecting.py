"""How a client comes back: when, from where, and when it does not."""

import asyncio
from datetime import timedelta
from http import HTTPStatus

import pytest

from studyspot.client.client import Client
from studyspot.client.deliveries import Subscription
from studyspot.client.errors import ClientClosed, SentAway
from studyspot.client.items import Event, SnapshotRequired
from studyspot.embedded.ports import free_port
from studyspot.wire.frames import Since
from tests.client.clocks import EagerClock, Highest
from tests.client.scripted_socket import EPOCH, ScriptedServer, caught_up, event, heartbeat, scripted_server

AUTOMATIC = ("everyone", "user:s1", "role:student")
LIMIT = timedelta(seconds=30)


async def next_event(events: Subscription) -> Event:
    async with asyncio.timeout(LIMIT.total_seconds()):
        item = await anext(events)
    assert isinstance(item, Event)
    return item


async def test_events_arrive_with_everything_that_the_frame_tells(
    server: ScriptedServer, client: Client
) -> None:
    events = client.events()
    connection = await server.connection()
    asked = await connection.accept(100)
    assert asked == {"type": "connect", "id": 1, "token": "token", "rooms": [], "conflate": False}
    frame = event(101)
    frame["event"] |= {"actor": "s1", "commandid": "c", "traceparent": "00-1-2-01"}
    await connection.send(frame)
    got = await next_event(events)
    assert (got.position, got.name, got.rooms) == (101, "booking:created", ("user:s1",))
    assert (got.id, got.type, got.time.hour) == ("k3-101", "studyspot.booking.created.v1", 12)
    assert (got.actor, got.command_id, got.traceparent) == ("s1", "c", "00-1-2-01")
    assert got.data == {"bookingId": "B101"}


@pytest.mark.parametrize("code", [1001, 1011, 1012, 1013, 4001, 4002, 4003, 4008, 4013, 4499])
async def test_after_these_codes_the_client_comes_back_and_resumes(
    code: int, server: ScriptedServer, client: Client
) -> None:
    events = client.events()
    first = await server.connection()
    await first.accept(100)
    await first.send(heartbeat(104), event(105))
    await first.close(code)
    second = await server.connection()
    asked = await second.accept(110, resume="replaying")
    assert asked["since"] == {"epoch": EPOCH, "position": 104}
    await second.send(event(105), event(108), caught_up(110, *AUTOMATIC))
    assert [(await next_event(events)).position for _ in range(2)] == [105, 108]
    assert client.status.value.state == "connected"


async def test_a_broken_connection_is_an_ordinary_loss(server: ScriptedServer, client: Client) -> None:
    client.events()
    first = await server.connection()
    await first.accept(100)
    await client.connected(LIMIT)
    first.abort()
    await client.status.until(lambda status: status.close_code == 1006, LIMIT)
    assert (await (await server.connection()).accept(100))["since"]["position"] == 100


@pytest.mark.parametrize("code", [4500, 4501, 4502, 4503, 4504, 4999, 1009])
async def test_after_these_codes_the_client_stays_away(
    code: int, server: ScriptedServer, client: Client
) -> None:
    events = client.events()
    connection = await server.connection()
    await connection.accept(100)
    await connection.send(event(101))
    await connection.close(code, "go away")
    assert (await next_event(events)).position == 101
    with pytest.raises(SentAway) as sent_away:
        await next_event(events)
    assert (sent_away.value.code, sent_away.value.reason) == (code, "go away")
    assert client.status.value.state == "closed"
    with pytest.raises(SentAway):
        await client.join("library:L1")
    with pytest.raises(SentAway):
        await anext(client.events())


async def test_a_refused_handshake_is_final(server: ScriptedServer, client: Client) -> None:
    server.refuse_with = HTTPStatus.FORBIDDEN
    with pytest.raises(SentAway) as sent_away:
        await client.connected(LIMIT)
    assert sent_away.value.code == 403


async def test_a_server_of_another_protocol_is_left_alone(clock: EagerClock) -> None:
    async with (
        scripted_server("another.v1") as other,
        Client("http://127.0.0.1:1", other.url, "token", clock=clock) as client,
    ):
        with pytest.raises(SentAway):
            await client.connected(LIMIT)


async def test_an_overloaded_server_is_asked_again(
    server: ScriptedServer, client: Client, clock: EagerClock
) -> None:
    server.refuse_with = HTTPStatus.SERVICE_UNAVAILABLE
    client.events()
    await client.status.until(lambda status: status.state == "reconnecting", LIMIT)
    server.refuse_with = None
    await (await server.connection()).accept(100)
    await client.connected(LIMIT)
    assert clock.slept


@pytest.mark.parametrize(
    ("status", "header", "body", "at_least"),
    [
        (HTTPStatus.SERVICE_UNAVAILABLE, "4", "", 4),
        (HTTPStatus.TOO_MANY_REQUESTS, "4", "", 4),
        (HTTPStatus.TOO_MANY_REQUESTS, "4", '{"retryAfterMs": 3120}', 3.12),
        (HTTPStatus.SERVICE_UNAVAILABLE, "3600", "", 30),
        (HTTPStatus.SERVICE_UNAVAILABLE, None, '{"retryAfterMs": 3600000}', 30),
        (HTTPStatus.SERVICE_UNAVAILABLE, "later", "[]", 0),
        (HTTPStatus.SERVICE_UNAVAILABLE, "9" * 5000, '{"retryAfterMs": "soon"}', 0),
        (HTTPStatus.SERVICE_UNAVAILABLE, None, '{"retryAfterMs": -5}', 0),
    ],
)
async def test_who_is_refused_comes_again_no_sooner_than_the_server_says_and_not_in_step(
    status: HTTPStatus,
    header: str | None,
    body: str,
    at_least: float,
    server: ScriptedServer,
    client: Client,
    clock: EagerClock,
    chance: Highest,
) -> None:
    server.refuse_with, server.retry_after, server.refusal = status, header, body
    client.events()
    await clock.slept_times(2)
    assert chance.drawn[:2] == [(0, 0.5), (0, 1)]
    assert [slept.total_seconds() for slept in clock.slept[:2]] == [at_least + 0.5, at_least + 1]


async def test_waits_are_drawn_from_all_of_an_interval_that_doubles_up_to_thirty_seconds(
    clock: EagerClock, chance: Highest
) -> None:
    url = f"ws://127.0.0.1:{free_port()}"
    async with Client("http://127.0.0.1:1", url, "token", clock=clock, chance=chance) as client:
        client.events()
        await clock.slept_times(9)
    limits = [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert chance.drawn[:9] == [(0, limit) for limit in limits]
    assert [slept.total_seconds() for slept in clock.slept[:9]] == limits


async def test_after_a_connection_that_lasted_the_wait_is_short_again(
    server: ScriptedServer, client: Client, clock: EagerClock
) -> None:
    client.events()
    for losses, lasted in enumerate((1, 1, 60, 1), start=1):
        connection = await server.connection()
        await connection.accept(100)
        await client.connected(LIMIT)
        clock.advance(timedelta(seconds=lasted))
        await connection.close(1012)
        await clock.slept_times(losses)
    assert [slept.total_seconds() for slept in clock.slept] == [0.5, 1, 0.5, 1]


async def test_the_status_says_since_when_what_one_sees_is_stale(
    server: ScriptedServer, client: Client, clock: EagerClock
) -> None:
    assert client.status.value.state == "connecting"
    client.events()
    connection = await server.connection()
    await connection.accept(100)
    status = await client.status.until(lambda status: status.state == "connected", LIMIT)
    assert status.stale_since is None
    await connection.send(heartbeat(100, "2026-12-01T11:59:00Z"))
    status = await client.status.until(lambda status: status.stale_since is not None, LIMIT)
    assert status.state == "connected"
    await connection.send(heartbeat(101))
    await client.status.until(lambda status: status.stale_since is None, LIMIT)
    lost_at = clock.now()
    await connection.close(1012)
    status = await client.status.until(lambda status: status.state == "reconnecting", LIMIT)
    assert (status.stale_since, status.close_code) == (lost_at, 1012)


async def test_another_epoch_is_told_and_what_follows_is_live(server: ScriptedServer, client: Client) -> None:
    events = client.events()
    first = await server.connection()
    await first.accept(100)
    await first.send(event(101))
    await first.close(1012)
    second = await server.connection()
    await second.accept(40, resume="snapshot-required", epoch="k4")
    await second.send(event(41))
    assert (await next_event(events)).position == 101
    assert await anext(events) == SnapshotRequired("k4", 40)
    assert (await next_event(events)).position == 41
    assert client.resume_point == Since(epoch="k4", position=40)


async def test_another_client_goes_on_where_one_has_ended(server: ScriptedServer, clock: EagerClock) -> None:
    since = Since(epoch=EPOCH, position=90)
    async with Client("http://127.0.0.1:1", server.url, "token", since=since, clock=clock) as client:
        events = client.events()
        connection = await server.connection()
        asked = await connection.accept(100, resume="replaying")
        assert asked["since"] == {"epoch": EPOCH, "position": 90}
        await connection.send(event(90), event(95), caught_up(100, *AUTOMATIC))
        assert (await next_event(events)).position == 95


async def test_a_frame_that_is_none_costs_the_connection_but_no_event(
    server: ScriptedServer, client: Client
) -> None:
    events = client.events()
    first = await server.connection()
    await first.accept(100)
    await first.send({"type": "event", "position": "many"})
    second = await server.connection()
    await second.accept(101, resume="replaying")
    await second.send(event(101), caught_up(101, *AUTOMATIC))
    assert (await next_event(events)).position == 101


async def test_closing_the_client_ends_every_stream(server: ScriptedServer, client: Client) -> None:
    events = client.events()
    connection = await server.connection()
    await connection.accept(100)
    await client.connected(LIMIT)
    await client.close()
    await connection.closed()
    assert [item async for item in events] == []
    assert [item async for item in client.events()] == []
    with pytest.raises(ClientClosed):
        await client.connected(LIMIT)


async def test_a_reader_that_stops_holds_the_socket_back_and_loses_nothing(
    server: ScriptedServer, clock: EagerClock
) -> None:
    many = 5000
    async with Client("http://127.0.0.1:1", server.url, "t", clock=clock, undelivered=10) as client:
        events = client.events()
        connection = await server.connection()
        await connection.accept(0)
        await client.connected(LIMIT)
        filler = "x" * 2000
        frames = [event(position, text=filler) for position in range(1, many + 1)]
        sending = asyncio.create_task(connection.send(*frames))
        assert (await next_event(events)).position == 1
        # 10 MB do not fit into the buffers between: the server cannot be done before they are read.
        await asyncio.wait([sending], timeout=0.2)
        assert not sending.done()
        positions = [(await next_event(events)).position for _ in range(many - 1)]
        await sending
    assert positions == list(range(2, many + 1))


async def test_a_closed_subscription_holds_nothing_back(server: ScriptedServer, clock: EagerClock) -> None:
    async with Client("http://127.0.0.1:1", server.url, "t", clock=clock, undelivered=1) as client:
        abandoned, events = client.events(), client.events()
        connection = await server.connection()
        await connection.accept(0)
        await connection.send(*(event(position) for position in range(1, 6)))
        assert (await next_event(events)).position == 1
        abandoned.close()
        assert [(await next_event(events)).position for _ in range(4)] == [2, 3, 4, 5]
