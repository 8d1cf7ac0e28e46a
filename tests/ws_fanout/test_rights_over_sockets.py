"""Rights over real sockets and a real stream: by position, nothing comes after what ended the right to it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from studyspot.broker.buckets import ensure_buckets, erase_name, put_name
from studyspot.domain.events import AccountDisabled, AccountEnabled, AccountErased, Event
from studyspot.ws_fanout.app import Fanout
from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.events import (
    announced,
    booked,
    checked_in,
    library_created,
    role_changed,
    staff_added,
    staff_removed,
)
from tests.ws_fanout.live import LIMIT, Log, Wire, connected, fanout_at, wire
from tests.ws_fanout.people import token

STAFF_OF_L1 = "library:L1:staff"


def bookings(count: int) -> list[Event]:
    return [booked(booking=f"B{number}") for number in range(count)]


async def test_nothing_after_a_removal_reaches_who_was_removed(fanout: Fanout, log: Log) -> None:
    async with connected(fanout.port, "t1", "staff") as worker, connected(fanout.port, "o1") as owner:
        await log.append(library_created(), *bookings(20), staff_added(), *bookings(50), staff_removed())
        granted, removed = 22, log.head
        await log.append(*bookings(50), announced())

        await asyncio.gather(*(one.receive_until("event", position=log.head) for one in (worker, owner)))

        assert worker.positions == [*range(granted + 1, removed), log.head]
        assert owner.positions[-1] == log.head
        assert [frame["type"] for frame in worker.frames if frame["type"] != "event"] == [
            *("connected", "joined", "left")
        ]


@pytest.mark.parametrize("ending", [AccountDisabled(user_id="s1"), AccountErased(user_id="s1")])
async def test_nothing_after_it_reaches_who_is_shut_out(fanout: Fanout, log: Log, ending: Event) -> None:
    async with connected(fanout.port, "s1", rooms=["library:L1"]) as student:
        await log.append(library_created(), *bookings(30), ending, *bookings(30))

        assert await student.closed() == 4503
        assert student.positions == [*range(1, 32)]
    async with wire(fanout.port) as again:
        await again.send({"type": "connect", "token": token("s1")})
        assert await again.closed() == 4503
        assert again.frames == []


async def test_a_change_of_role_sends_older_tokens_for_a_fresh_one(fanout: Fanout, log: Log) -> None:
    async with connected(fanout.port, "t1", rooms=["library:L1"]) as student:
        log.time = datetime.now(UTC) + timedelta(seconds=1)
        await log.append(*bookings(30), role_changed("t1", "staff", "student"), *bookings(30))

        assert await student.closed() == 4001
        assert student.positions == [*range(1, 31)]
    async with wire(fanout.port) as again:
        await again.send({"type": "connect", "token": token("t1", "student")})
        assert await again.closed() == 4001
    async with connected(fanout.port, "t1", "staff") as worker:
        assert worker.frames[0]["role"] == "staff"


async def test_rights_are_read_from_the_stream_by_a_node_that_begins(nats_url: str, log: Log) -> None:
    await log.append(
        *(library_created(), staff_added("L1", "t1"), staff_added("L1", "t2"), staff_removed("L1", "t1")),
        *(AccountDisabled(user_id="s1"), AccountDisabled(user_id="s2"), AccountEnabled(user_id="s2")),
        *(role_changed("s3", "staff", "student"), booked()),
    )
    async with fanout_at(nats_url) as fanout:
        for user, code in (("s1", 4503), ("s3", 4001)):
            async with wire(fanout.port) as refused:
                await refused.send({"type": "connect", "token": token(user)})
                assert await refused.closed() == code
        async with (
            connected(fanout.port, "s2"),
            connected(fanout.port, "t1", "staff", since={"epoch": "k3", "position": 1}) as removed,
            connected(fanout.port, "t2", "staff", since={"epoch": "k3", "position": 1}) as worker,
        ):
            await asyncio.gather(*(one.receive_until("caught-up") for one in (removed, worker)))
            assert removed.positions == []
            assert worker.positions == [9]
            assert worker.frames[0]["rooms"] == [{"room": STAFF_OF_L1, "joined": True}]


async def test_a_name_is_shown_as_it_is_when_a_frame_is_made(fanout: Fanout, log: Log) -> None:
    js = log.nc.jetstream()
    await ensure_buckets(js)
    async with connected(fanout.port, "o1", "library_owner") as owner:
        await log.append(library_created())
        for name in ("Asha", "Asha Rao"):
            await put_name(js, "s1", name)
            await shown_as(owner, log, name)


async def test_a_name_that_is_deleted_is_in_no_frame_any_more(nats_url: str, log: Log) -> None:
    js = log.nc.jetstream()
    await ensure_buckets(js)
    await put_name(js, "s1", "Asha")
    async with (
        fanout_at(nats_url, limits=Limits(window_events=5)) as fanout,
        connected(fanout.port, "o1", "library_owner") as owner,
    ):
        await log.append(library_created())
        await shown_as(owner, log, "Asha")
        # Some of them are in the window, and their frames are kept; others come from the stream.
        await log.append(*[booked(booking=f"C{number}") for number in range(8)])
        assert "Asha" in await replayed(fanout)

        await erase_name(js, "s1")

        await shown_as(owner, log, "s1")
        # From here on the node has heard of it.
        assert "Asha" not in await replayed(fanout)
        await log.append(booked(booking="D1"), checked_in())
        await owner.receive_until("event", position=log.head)
        assert "Asha" not in str(owner.frames[-2:])


async def shown_as(owner: Wire, log: Log, name: str) -> None:
    """Append bookings until one is shown with this name of the student."""
    async with asyncio.timeout(LIMIT):
        while True:
            await log.append(booked(booking=f"B{log.head}"))
            frame = await owner.receive_until("event", position=log.head)
            if frame["event"]["data"]["studentName"] == name:
                return


async def replayed(fanout: Fanout) -> str:
    """Return all that the owner is told of what has happened."""
    since = {"epoch": "k3", "position": 1}
    async with connected(fanout.port, "o1", "library_owner", since=since) as owner:
        await owner.receive_until("caught-up")
        return str(owner.frames)
