"""How a node begins: rights from the bootstrap bucket and the stream after it; and when it does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyspot.broker.bootstrap import KEYS, BootstrapWriter, Reached
from studyspot.broker.buckets import BOOTSTRAP
from studyspot.broker.stream import StreamMessage, delete_stream, ensure_stream
from studyspot.catalogue.cloudevents import from_message
from studyspot.domain.events import AccountDisabled, AccountEnabled, AccountErased, Event
from studyspot.domain.people import Role
from studyspot.ws_fanout.app import Fanout, FanoutConfig, running
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.rights import Rights
from tests.ws_fanout.bootstrap_bucket import compacted, keep_bootstrap
from tests.ws_fanout.events import (
    EPOCH,
    booked,
    library_created,
    message,
    role_changed,
    staff_added,
    staff_removed,
)
from tests.ws_fanout.live import Log, connected, fanout_at, log_at, until, wire
from tests.ws_fanout.people import VERIFIER, token

NOW = datetime.now(UTC)
PEOPLE = ("o1", "t1", "t2")
LIBRARIES = ("L1", "L2")

people = st.sampled_from(PEOPLE)
libraries = st.sampled_from(LIBRARIES)
changes = st.one_of(
    st.builds(staff_added, libraries, people),
    st.builds(staff_removed, libraries, people),
    st.builds(AccountDisabled, user_id=people),
    st.builds(AccountEnabled, user_id=people),
    st.builds(AccountErased, user_id=people),
    st.builds(role_changed, people, st.sampled_from(get_args(Role)), st.just("student")),
    st.builds(booked),
)


@asynccontextmanager
async def beginning(nats_url: str, limits: Limits | None = None) -> AsyncIterator[Fanout]:
    """A node that may not be ready yet."""
    config = FanoutConfig(
        nats_url=nats_url, verifier=VERIFIER, host="127.0.0.1", port=0, limits=limits or Limits()
    )
    async with running(config) as fanout:
        yield fanout


async def waits_for(fanout: Fanout, reason: str) -> None:
    """The node says that it is not ready, and why."""
    await until(lambda: reason in str(fanout.readiness().details["waitsFor"]))
    assert not fanout.readiness().ready


async def staff_rooms(fanout: Fanout, user: str) -> list[str]:
    """Return the staff rooms that this person comes into as staff."""
    async with connected(fanout.port, user, "staff") as client:
        return [room["room"] for room in client.frames[0]["rooms"] if room["room"].endswith(":staff")]


def rights_of(rights: Rights) -> object:
    roles: tuple[Role, ...] = get_args(Role)
    rooms = {(person, role): set(rights.staff_rooms_of(person, role)) for person in PEOPLE for role in roles}
    tokens = [VERIFIER.verify(token(person, role, now=NOW), NOW) for person in PEOPLE for role in roles]
    return rooms, [rights.standing_of(identity) for identity in tokens]


@given(st.lists(changes, max_size=40))
def test_the_newest_of_each_key_gives_the_same_rights_as_the_whole_log(events: list[Event]) -> None:
    events = [library_created("L1", "o1"), library_created("L2", "o1"), *events]
    whole, newest = Rights(), Rights()
    for position, event in enumerate(events, start=1):
        whole.apply(from_message(message(position, event).body))
    kept = (from_message(body) for body in compacted(events).values())
    for recorded in sorted(kept, key=lambda one: one.position):
        newest.apply(recorded)

    assert rights_of(newest) == rights_of(whole)


async def test_rights_come_from_the_bucket_and_from_the_stream_after_it(nats_url: str, log: Log) -> None:
    await log.append(library_created("L1", "o1"), staff_added("L1", "t1"), staff_added("L1", "t2"))
    # The bucket tells of somebody whom the stream does not know: so it is seen to be used.
    await keep_bootstrap(log.nc, [library_created("L1", "o1"), staff_added("L1", "t3"), booked()])
    await log.append(staff_removed("L1", "t3"), staff_added("L1", "t4"))
    async with fanout_at(nats_url, limits=Limits(window_events=1)) as fanout:
        assert [await staff_rooms(fanout, user) for user in ("t1", "t3", "t4")] == [
            [],
            [],
            ["library:L1:staff"],
        ]


async def test_what_the_bucket_has_beyond_where_it_is_complete_comes_from_the_stream_in_order(
    nats_url: str, log: Log
) -> None:
    events: list[Event] = [
        *(library_created("L1", "o1"), staff_added("L1", "t1"), booked(), staff_removed("L1", "t1"))
    ]
    await log.append(*events)
    writer = BootstrapWriter(log.nc, log.nc.jetstream())
    await writer.look()
    await writer.put(compacted(events), Reached(EPOCH, 2, KEYS))
    await writer.close()
    async with fanout_at(nats_url) as fanout:
        assert await staff_rooms(fanout, "t1") == []
        await log.append(staff_added("L1", "t1"))
        await until(lambda: fanout.hub.head == 5)
        assert await staff_rooms(fanout, "t1") == ["library:L1:staff"]


@pytest.mark.parametrize("of", ["another epoch", "a release with other keys", "nobody knows when"])
async def test_a_bucket_that_does_not_serve_is_left_alone_and_the_whole_stream_is_read(
    nats_url: str, log: Log, of: str
) -> None:
    await log.append(library_created("L1", "o1"), staff_added("L1", "t1"), booked())
    here = Reached(EPOCH, 3, KEYS)
    writer = BootstrapWriter(log.nc, log.nc.jetstream())
    await writer.look()
    await writer.put(
        compacted([staff_added("L1", "t9")]),
        {
            "another epoch": replace(here, epoch="k0"),
            "a release with other keys": replace(here, keys={"library.created": "library.{library}"}),
            "nobody knows when": None,
        }[of],
    )
    await writer.close()
    async with fanout_at(nats_url) as fanout:
        assert await staff_rooms(fanout, "t1") == ["library:L1:staff"]
        assert await staff_rooms(fanout, "t9") == []


async def test_a_stream_that_begins_later_suffices_with_a_bucket_that_reaches_it(nats_url: str) -> None:
    async with log_at(nats_url, first_position=101) as log:
        log.events[:2] = [library_created("L1", "o1"), staff_added("L1", "t1")]
        await keep_bootstrap(log.nc, log.events)
        await log.append(booked())
        async with fanout_at(nats_url) as fanout:
            assert await staff_rooms(fanout, "t1") == ["library:L1:staff"]


@pytest.mark.parametrize("reach", [0, 50])
async def test_where_the_bucket_does_not_reach_the_stream_a_node_waits_until_it_does(
    nats_url: str, reach: int
) -> None:
    async with log_at(nats_url, first_position=101) as log:
        log.events[:2] = [library_created("L1", "o1"), staff_added("L1", "t1")]
        await log.append(booked())
        writer = BootstrapWriter(log.nc, log.nc.jetstream())
        await writer.look()
        await writer.put({}, Reached(EPOCH, reach, KEYS))
        await writer.close()
        async with beginning(nats_url) as fanout:
            await waits_for(fanout, "the stream begins at 101; the bootstrap bucket")

            await keep_bootstrap(log.nc, log.events)
            await until(lambda: fanout.is_ready)
            assert fanout.readiness().details["waitsFor"] is None
            assert await staff_rooms(fanout, "t1") == ["library:L1:staff"]


async def test_a_stream_that_has_yet_to_be_published_again_is_waited_for(nats_url: str, log: Log) -> None:
    await log.append(library_created("L1", "o1"), *[booked()] * 5)
    await keep_bootstrap(log.nc, log.events)
    js = log.nc.jetstream()
    await delete_stream(js)
    await ensure_stream(js, epoch=EPOCH)
    async with beginning(nats_url) as fanout:
        await waits_for(fanout, "the relay had published 6")

        await log.append()
        await until(lambda: fanout.is_ready)
        assert fanout.hub.head == 6


async def test_a_bucket_that_holds_what_is_no_event_is_said_to_be_so(nats_url: str, log: Log) -> None:
    await log.append(library_created("L1", "o1"))
    await keep_bootstrap(log.nc, log.events)
    js = log.nc.jetstream()
    await js.publish("$KV.bootstrap.role.u1", b"foreign")
    async with beginning(nats_url) as fanout:
        await waits_for(fanout, "the bootstrap bucket holds no event, delete it")

        await js.delete_key_value(BOOTSTRAP)
        await until(lambda: fanout.is_ready)


def of_newer_release(position: int, event: Event) -> StreamMessage:
    """The message of an event in a version that this release does not know."""
    made = message(position, event)
    envelope = orjson.loads(made.body)
    envelope["type"] = envelope["type"].replace(".v1", ".v9")
    return replace(made, body=orjson.dumps(envelope))


async def publish_raw(log: Log, made: StreamMessage) -> None:
    await log.nc.jetstream().publish(made.subject, made.body)


async def test_an_event_of_a_newer_release_is_never_passed_over(nats_url: str, log: Log) -> None:
    await log.append(library_created("L1", "o1"))
    async with fanout_at(nats_url) as fanout, connected(fanout.port, "s1", rooms=["library:L1"]) as client:
        await log.append(booked())
        await client.receive_until("event", position=2)
        await publish_raw(log, of_newer_release(3, staff_removed("L1", "t1")))
        await publish_raw(log, message(4, booked(booking="B8")))

        assert await client.closed() == 4002
        assert client.positions == [2]
        await waits_for(fanout, "only a newer release can read")
        assert "staff.removed in version 9" in str(fanout.readiness().details["waitsFor"])
        assert fanout.hub.head == 2

    # One that begins where such an event is among the newest waits as well.
    async with beginning(nats_url) as fanout:
        await waits_for(fanout, "only a newer release can read")


async def test_a_change_of_rights_by_a_newer_release_is_not_begun_without(nats_url: str, log: Log) -> None:
    await publish_raw(log, of_newer_release(1, staff_removed("L1", "t1")))
    for position in range(2, 6):
        await publish_raw(log, message(position, booked()))
    async with beginning(nats_url, Limits(window_events=2)) as fanout:
        await waits_for(fanout, "only a newer release can read")


async def test_a_replay_does_not_pass_over_an_event_of_a_newer_release(nats_url: str, log: Log) -> None:
    await publish_raw(log, message(1, library_created("L1", "o1")))
    await publish_raw(log, of_newer_release(2, booked()))
    for position in range(3, 7):
        await publish_raw(log, message(position, booked()))
    async with (
        fanout_at(nats_url, limits=Limits(window_events=2)) as fanout,
        wire(fanout.port) as client,
    ):
        since = {"epoch": EPOCH, "position": 0}
        connect = {"type": "connect", "token": token("s1"), "rooms": ["library:L1"], "since": since}
        async with asyncio.timeout(30):
            await client.send(connect)
            assert await client.closed() == 4002
        assert 3 not in client.positions
