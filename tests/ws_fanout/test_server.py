"""Real sockets: the handshake, what is closed with which code, and how a node goes away."""

import asyncio
import socket
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from studyspot.access.keys import SigningKey
from studyspot.broker.buckets import ensure_buckets, put_name
from studyspot.ws_fanout.app import Fanout, FanoutConfig, running
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.peers import Peer
from tests.ws_fanout.events import booked, library_created, library_updated, one_of_each
from tests.ws_fanout.live import LIMIT, ORIGIN, Log, connected, fanout_at, log_at, until, wire
from tests.ws_fanout.people import VERIFIER, token


async def test_a_booking_reaches_student_owner_and_map(fanout: Fanout, log: Log) -> None:
    await log.append(library_created("L1", "o1"))
    await until(lambda: fanout.hub.head == 1)
    async with (
        connected(fanout.port, "s1") as student,
        connected(fanout.port, "o1", "library_owner") as owner,
        connected(fanout.port, "s2", rooms=["library:L1"]) as watcher,
    ):
        await log.append(booked())

        assert (await student.receive())["name"] == "booking:created"
        assert (await owner.receive())["event"]["data"]["studentName"] == "s1"
        assert (await watcher.receive())["name"] == "seat:availability"


async def test_staff_see_the_name_that_the_bucket_has(fanout: Fanout, log: Log) -> None:
    js = log.nc.jetstream()
    await ensure_buckets(js)
    await log.append(library_created("L1", "o1"))
    async with connected(fanout.port, "o1", "library_owner", since={"epoch": "k3", "position": 1}) as owner:
        await put_name(js, "s1", "Asha")
        async with asyncio.timeout(LIMIT):
            name = None
            while name != "Asha":
                await log.append(booked(booking=f"B{log.head}"))
                name = (await owner.receive_until("event"))["event"]["data"]["studentName"]


async def test_no_user_id_is_in_any_public_or_summary_frame(fanout: Fanout, log: Log) -> None:
    people = ("person-student", "person-owner", "person-actor")
    async with (
        connected(fanout.port, "s2", rooms=["library:L1"]) as watcher,
        connected(fanout.port, "o2", "library_owner") as other_owner,
        connected(fanout.port, "person-student") as student,
    ):
        everything = one_of_each()
        await log.append(*everything, library_created("L2", "person-owner"), booked("L2", "person-student"))
        last_event = len(everything) + 2
        for client, last in ((watcher, last_event - 1), (other_owner, last_event), (student, last_event)):
            await client.receive_until("event", position=last)

        for client in (watcher, other_owner):
            for frame in client.frames[1:]:
                assert not any(person in str(frame) for person in (*people, "'o1'", "'s1'", "actor-1"))
                assert frame["event"].keys() == {"id", "type", "time", "sequence", "data"}
        assert "person-student" in str(student.frames[-1])


async def test_a_page_of_an_allowed_origin_and_a_program_without_one_come_in(fanout: Fanout) -> None:
    async with wire(fanout.port, origin=ORIGIN), wire(fanout.port):
        assert len(fanout.hub.peers) == 2


async def test_a_page_of_another_origin_is_refused_at_the_handshake(fanout: Fanout) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        async with wire(fanout.port, origin="https://elsewhere.example"):
            pass
    assert refusal.value.response.status_code == 403


@pytest.mark.parametrize(("path", "status"), [("/", 404), ("/ws/x", 404), ("/socket.io/x", 404)])
async def test_there_is_nothing_at_other_paths(fanout: Fanout, path: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        async with wire(fanout.port, path=path):
            pass
    assert refusal.value.response.status_code == status


async def test_without_the_subprotocol_there_is_no_socket(fanout: Fanout) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        async with connect(f"ws://127.0.0.1:{fanout.port}/ws"):
            pass
    assert refusal.value.response.status_code == 400


async def test_health_tells_what_the_node_has(fanout: Fanout, log: Log) -> None:
    await log.append(*one_of_each())
    head = len(one_of_each())
    async with connected(fanout.port, "s1") as client, httpx.AsyncClient() as http:
        await until(lambda: fanout.hub.head == head)
        answer = await http.get(f"http://127.0.0.1:{fanout.port}/health")
        assert client.frames

    health = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert (health["status"], health["ready"], health["head"], health["epoch"]) == ("alive", True, head, "k3")
    assert (health["sockets"], health["staleSince"]) == (1, None)


async def test_a_node_without_a_stream_lets_nobody_in_until_there_is_one(nats_url: str) -> None:
    config = FanoutConfig(nats_url=nats_url, verifier=VERIFIER, host="127.0.0.1", port=0)
    async with running(config) as fanout:
        with pytest.raises(InvalidStatus) as refusal:
            async with wire(fanout.port):
                pass
        assert refusal.value.response.status_code == 503
        assert refusal.value.response.headers["Retry-After"] in ("1", "2")
        async with log_at(nats_url):
            await until(lambda: fanout.is_ready)
            async with connected(fanout.port, "s1") as client:
                assert client.frames[0]["head"] == 0


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"type": "connect", "token": "nonsense"}, 4500),
        ({"type": "connect", "token": token("s1", key=SigningKey.generate())}, 4500),
        ({"type": "connect", "token": token("s1", lifetime=timedelta(seconds=-1))}, 4001),
        ({"type": "ping"}, 4502),
        ("hello", 4502),
        (b"\x00\x01", 4502),
        ({"type": "connect", "token": "x" * 9000}, 1009),
    ],
    ids=["bad token", "another key", "expired", "not connect", "not JSON", "binary", "too big"],
)
async def test_a_first_frame_that_is_not_good_closes_the_socket(fanout: Fanout, sent: Any, code: int) -> None:
    async with wire(fanout.port) as client:
        await client.send(sent)

        assert await client.closed() == code
    await until(lambda: not fanout.hub.peers)


async def test_without_a_connect_frame_in_time_the_socket_is_closed(nats_url: str, log: Log) -> None:
    limits = Limits(connect_within=timedelta(seconds=1))
    async with fanout_at(nats_url, limits=limits) as fanout, wire(fanout.port) as client:
        assert await client.closed() == 4501


async def test_a_socket_ends_with_its_token(fanout: Fanout) -> None:
    async with wire(fanout.port) as client:
        await client.send({"type": "connect", "token": token("s1", lifetime=timedelta(seconds=4))})

        assert await client.closed() == 4001
        assert client.frames[0]["type"] == "connected"


async def test_an_oversized_frame_closes_the_socket_and_others_go_on(fanout: Fanout, log: Log) -> None:
    async with connected(fanout.port, "s1") as client, connected(fanout.port, "s2") as other:
        await client.send('{"type":"join","rooms":["' + "x" * 9000 + '"]}')

        assert await client.closed() == 1009
        await log.append(library_created())
        assert (await other.receive())["position"] == 1


async def test_a_frame_in_fragments_is_a_frame(fanout: Fanout) -> None:
    async with connected(fanout.port, "s1") as client:
        await client.connection.send(['{"type":"pi', 'ng","id":', "5}"])

        assert (await client.receive())["id"] == 5


async def test_who_answers_no_ping_is_closed(nats_url: str, log: Log) -> None:
    limits = Limits(heartbeat_every=timedelta(seconds=0.2), pong_within=timedelta(seconds=2))
    async with (
        fanout_at(nats_url, limits=limits) as fanout,
        connected(fanout.port, "s1") as lively,
        connected(fanout.port, "s2", options={"create_connection": Mute}) as mute,
    ):
        assert await mute.closed() == 4003
        for _ in range(3):
            await lively.receive_until("heartbeat")


class Mute(ClientConnection):
    """A client that reads everything and answers no ping."""

    def send_data(self) -> None:
        self.protocol.writes = [data for data in self.protocol.writes if data[:1] != b"\x8a"]
        super().send_data()


async def test_a_person_with_too_many_sockets_is_sent_away(nats_url: str, log: Log) -> None:
    async with (
        fanout_at(nats_url, limits=Limits(sockets_per_user=1)) as fanout,
        connected(fanout.port, "s1"),
        wire(fanout.port) as second,
    ):
        await second.send({"type": "connect", "token": token("s1")})
        assert await second.closed() == 4504


async def test_too_many_frames_close_the_socket(nats_url: str, log: Log) -> None:
    # However long it takes to send them, hardly more of them come to be allowed.
    limits = Limits(frames_per_second=1)
    async with fanout_at(nats_url, limits=limits) as fanout, connected(fanout.port, "s1") as client:
        for number in range(150):
            await client.send({"type": "ping", "id": number})

        assert await client.closed() == 4013


async def test_drained_sockets_are_sent_elsewhere_and_no_new_ones_come_in(nats_url: str, log: Log) -> None:
    async with fanout_at(nats_url) as fanout:
        async with connected(fanout.port, "s1") as first, connected(fanout.port, "s2") as second:
            codes = asyncio.gather(first.closed(), second.closed())
            async with asyncio.timeout(LIMIT):
                await fanout.drain()

            assert list(await codes) == [4002, 4002]
        with pytest.raises(OSError):  # Refused or reset, as the system has it.
            async with wire(fanout.port):
                pass


async def test_a_reader_that_stalls_costs_a_bounded_number_of_bytes_and_gets_all_in_the_end(
    nats_url: str, log: Log
) -> None:
    large = replace(library_updated(), amenities=tuple("x" * 120 for _ in range(50)))
    async with (
        fanout_at(nats_url, limits=Limits(window_events=500)) as fanout,
        connected(fanout.port, "s1", options=small_buffer(fanout.port)) as stalled,
        connected(fanout.port, "s2") as other,
    ):
        peer = peer_of(fanout, "s1")
        stalled.connection.transport.pause_reading()
        reading = asyncio.create_task(other.receive_until("event", position=2000))
        most_unsent = 0
        for _ in range(20):
            await log.append(*[large] * 100)
            most_unsent = max(most_unsent, peer.outlet.unsent_bytes())
        await reading
        most_unsent = max(most_unsent, peer.outlet.unsent_bytes())
        assert not peer.session.lanes.main.live
        assert 64 * 1024 < most_unsent < Limits().unsent_bytes + 256 * 1024

        stalled.connection.transport.resume_reading()
        await stalled.receive_until("caught-up", position=2000)
        assert stalled.positions == list(range(1, 2001))
        assert "behind" in [frame["type"] for frame in stalled.frames]


def peer_of(fanout: Fanout, user: str) -> Peer:
    [peer] = [
        peer for peer in fanout.hub.peers if peer.session.identity and peer.session.identity.user_id == user
    ]
    return peer


def small_buffer(port: int) -> dict[str, Any]:
    """Options of a client whose system takes little before it reads."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    small.connect(("127.0.0.1", port))
    small.setblocking(False)
    return {"sock": small, "max_queue": None}
