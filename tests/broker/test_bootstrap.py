import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext

from studyspot.broker.bootstrap import KEYS, BootstrapWriter, Reached, key_of, read_bootstrap
from studyspot.broker.buckets import BOOTSTRAP
from studyspot.broker.errors import PublishRejected
from studyspot.catalogue.subjects import subject
from studyspot.catalogue.types import EVENT_CLASSES, type_of
from studyspot.ws_fanout.rights import CHANGE_RIGHTS

HERE = Reached("k1", 40, KEYS)


@pytest.fixture
async def writer(nc: Client, js: JetStreamContext) -> AsyncIterator[BootstrapWriter]:
    writer = BootstrapWriter(nc, js)
    assert await writer.look() is None
    yield writer
    await writer.close()


async def held(nc: Client, js: JetStreamContext) -> tuple[Reached, set[bytes]]:
    bootstrap = await read_bootstrap(nc, js)
    assert bootstrap is not None
    return bootstrap.reached, set(bootstrap.messages)


def test_every_event_that_changes_rights_is_kept() -> None:
    assert {type_of(event_class) for event_class in CHANGE_RIGHTS} <= set(KEYS)


def test_an_event_is_kept_under_the_ids_of_whom_and_what_it_is_about() -> None:
    body = b'{"data":{"seatId":"S1"}}'
    keys = {
        event_type: key_of(subject(event_type, "L1", "u1"), body)
        for event_type in map(type_of, EVENT_CLASSES)
    }
    assert {event_type: key for event_type, key in keys.items() if key} == {
        "library.created": "library.L1",
        "library.updated": "details.L1",
        "pricing.updated": "pricing.L1",
        "staff.added": "staff.L1.u1",
        "staff.removed": "staff.L1.u1",
        "account.disabled": "standing.u1",
        "account.enabled": "standing.u1",
        "account.erased": "erased.u1",
        "account.role-changed": "role.u1",
        "seat.availability-changed": "service.L1.S1",
        "seat.removed": "service.L1.S1",
    }


async def test_there_is_nothing_to_read_before_the_bucket_is_complete(
    nc: Client, js: JetStreamContext
) -> None:
    assert await read_bootstrap(nc, js) is None
    writer = BootstrapWriter(nc, js)
    await writer.look()
    assert await read_bootstrap(nc, js) is None
    await writer.put({"library.L1": b"one"})
    assert await read_bootstrap(nc, js) is None
    await writer.put({"library.L2": b"two"}, HERE)
    assert await held(nc, js) == (HERE, {b"one", b"two"})
    await writer.invalidate()
    assert await read_bootstrap(nc, js) is None
    await writer.close()


async def test_the_newest_of_each_key_is_read_and_nothing_of_one_that_is_no_more(
    nc: Client, js: JetStreamContext, writer: BootstrapWriter
) -> None:
    await writer.put({f"role.u{number}": b"old" for number in range(2000)}, HERE)
    await writer.put({"role.u3": b"new", "role.u4": b""}, replace(HERE, position=50))
    reached, messages = await held(nc, js)
    assert (reached.position, messages) == (50, {b"old", b"new"})
    assert await writer.keys() == {f"role.u{number}" for number in range(2000)} - {"role.u4"}


async def test_what_is_read_while_it_is_written_lacks_no_key(
    nc: Client, js: JetStreamContext, writer: BootstrapWriter
) -> None:
    keys = {f"role.u{number}" for number in range(3000)}
    await writer.put(dict.fromkeys(keys, b"0"), HERE)
    stop = asyncio.Event()

    async def keep_writing() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            await writer.put(dict.fromkeys(sorted(keys)[:: turn % 5 + 1], b"%d" % turn), HERE)

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(keep_writing())
        for _ in range(5):
            bootstrap = await read_bootstrap(nc, js)
            assert bootstrap is not None
            assert len(bootstrap.messages) == len(keys)
        stop.set()


async def test_a_writer_that_was_held_up_puts_nothing_over_what_a_rival_wrote(
    nc: Client, js: JetStreamContext, writer: BootstrapWriter
) -> None:
    rival = BootstrapWriter(nc, js)
    await rival.look()
    await rival.put({"role.u1": b"new"}, HERE)
    with pytest.raises(PublishRejected):
        await writer.put({"role.u1": b"old"}, HERE)
    assert await held(nc, js) == (HERE, {b"new"})
    assert await writer.look() == HERE
    await writer.put({"role.u1": b"newer"}, HERE)
    assert await held(nc, js) == (HERE, {b"newer"})
    await rival.close()


async def test_a_bucket_that_was_lost_is_made_again(js: JetStreamContext, writer: BootstrapWriter) -> None:
    await writer.put({"role.u1": b"one"}, HERE)
    await js.delete_key_value(BOOTSTRAP)
    with pytest.raises(PublishRejected):
        await writer.put({"role.u1": b"two"}, HERE)
    assert await writer.look() is None
    await writer.put({"role.u1": b"two"}, HERE)


async def test_what_says_nothing_we_know_counts_as_incomplete(
    nc: Client, js: JetStreamContext, writer: BootstrapWriter
) -> None:
    await js.publish("$KV.bootstrap.position", b'{"epoch": 3}')
    assert await read_bootstrap(nc, js) is None
    assert await writer.look() is None


def test_a_bucket_of_another_history_or_of_a_release_with_fewer_keys_does_not_serve() -> None:
    assert HERE.serves("k1")
    assert replace(HERE, keys={**KEYS, "staff.suspended": "staff.{library}.{user}"}).serves("k1")
    assert not HERE.serves("k2")
    assert not replace(HERE, keys={**KEYS, "staff.added": "worker.{user}"}).serves("k1")
    assert not replace(HERE, keys={}).serves("k1")
