"""What connections were to receive is found by their clients' next node, whatever befalls NATS meanwhile."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from studyspot.broker.buckets import SOCKETS, ensure_buckets, put_values, stream_of
from studyspot.broker.errors import BrokerClosed
from studyspot.ws_fanout.socket_io.recollection import Recollection
from studyspot.ws_fanout.socket_io.remembered import Remembered
from tests.engines import NatsServer
from tests.ws_fanout.socket_io.recollecting import (
    ASHA,
    LIMIT,
    admin,
    connected,
    in_bucket,
    node,
    recalled,
    recalled_at_last,
)

HARDLY_LONGER = 4
"""Seconds: whoever asks waits for one of them; without a limit of our own, the client's is five."""


async def test_another_node_finds_what_one_has_written(nats_server: NatsServer) -> None:
    async with node(nats_server) as one, node(nats_server) as other:
        one.remember("p-1", ASHA)
        await recalled_at_last(other, "p-1", ASHA)
        assert await recalled(other, "p-2") is None


async def test_what_a_node_has_yet_to_write_it_knows_itself(nats_server: NatsServer) -> None:
    async with node(nats_server) as one:
        one.remember("p-1", ASHA)
        assert await recalled(one, "p-1") == ASHA


async def test_who_asks_is_told_once_any_node_finds_it(nats_server: NatsServer) -> None:
    async with node(nats_server) as one, node(nats_server) as other:
        for number in range(3):
            written: asyncio.Future[Remembered | None] = asyncio.get_running_loop().create_future()
            one.remember("p-1", newest := Remembered("s1", "k3", {}, number), written.set_result)
            async with asyncio.timeout(LIMIT):
                assert await written == newest
            assert await recalled(other, "p-1") == newest


async def test_nobody_is_told_of_what_is_not_written(nats_server: NatsServer) -> None:
    """Also where everything else that is written with it is."""
    async with admin(nats_server) as nc:
        await ensure_buckets(nc.jetstream(timeout=LIMIT), (SOCKETS,))
        js = nc.jetstream(timeout=LIMIT)
        info = await js.stream_info(stream_of(SOCKETS))
        await js.update_stream(replace(info.config, max_msg_size=200))
    async with node(nats_server) as one:
        large = Remembered("s1", "k3", {f"library:L{number}": 1 for number in range(20)}, 1)
        told: list[Remembered | None] = []
        one.remember("p-large", large, told.append)
        one.remember("p-1", ASHA, told.append)
        await in_bucket(nats_server, "p-1")
        await one_more_write(one, nats_server)
        assert told == []


async def one_more_write(one: Recollection, server: NatsServer) -> None:
    one.remember("p-later", ASHA)
    await in_bucket(server, "p-later")


async def test_the_newest_of_a_connection_is_found(nats_server: NatsServer) -> None:
    async with node(nats_server) as one, node(nats_server) as other:
        for position in range(300):
            one.remember("p-1", Remembered("s1", "k3", {}, position))
            if position % 100 == 0:
                await in_bucket(nats_server, "p-1")
        await recalled_at_last(other, "p-1", Remembered("s1", "k3", {}, 299))


async def test_more_than_one_write_takes_are_all_written(nats_server: NatsServer) -> None:
    async with node(nats_server) as one, node(nats_server) as other:
        for number in range(700):
            one.remember(f"p-{number}", Remembered(f"s{number}", "k3", {}, number))
        for number in range(700):
            await recalled_at_last(other, f"p-{number}", Remembered(f"s{number}", "k3", {}, number))


async def test_without_nats_nothing_is_recalled_at_once_and_what_was_remembered_follows(
    nats_server: NatsServer,
) -> None:
    async with node(nats_server) as one:
        one.remember("p-1", ASHA)
        await in_bucket(nats_server, "p-1")
        nats_server.kill()
        begun = time.monotonic()
        assert await recalled(one, "p-1") is None
        assert time.monotonic() - begun < HARDLY_LONGER
        one.remember("p-2", ASHA)
        nats_server.restart()
        async with node(nats_server) as other:
            await recalled_at_last(other, "p-2", ASHA)
            assert await recalled(other, "p-1") == ASHA


async def test_a_silent_nats_holds_up_nobody_for_more_than_a_second(nats_server: NatsServer) -> None:
    async with node(nats_server) as one:
        one.remember("p-1", ASHA)
        await in_bucket(nats_server, "p-1")
        nats_server.freeze()
        begun = time.monotonic()
        answers = await asyncio.gather(*(recalled(one, f"p-{number}") for number in range(1, 201)))
        assert time.monotonic() - begun < HARDLY_LONGER
        assert answers == [None] * 200
        nats_server.thaw()
        await recalled_at_last(one, "p-1", ASHA)


async def test_a_lost_bucket_is_made_again_and_written_to(nats_server: NatsServer) -> None:
    async with node(nats_server) as one, node(nats_server) as other:
        one.remember("p-1", ASHA)
        await recalled_at_last(other, "p-1", ASHA)
        async with admin(nats_server) as nc:
            await nc.jetstream().delete_stream(stream_of(SOCKETS))
        assert await recalled(other, "p-1") is None
        one.remember("p-2", ASHA)
        await recalled_at_last(other, "p-2", ASHA)


async def test_where_too_much_waits_what_has_waited_longest_is_forgotten(nats_server: NatsServer) -> None:
    async with node(nats_server, most_unwritten=3) as one:
        nats_server.kill()
        for number in range(5):
            one.remember(f"p-{number}", ASHA)
        one.remember("p-2", Remembered("s2", "k3", {}, 7))
        nats_server.restart()
        async with node(nats_server) as other:
            for number in (3, 4):
                await recalled_at_last(other, f"p-{number}", ASHA)
            assert await recalled(other, "p-2") == Remembered("s2", "k3", {}, 7)
            assert [await recalled(other, f"p-{number}") for number in (0, 1)] == [None, None]


async def test_beyond_its_bound_a_question_is_answered_with_nothing(nats_server: NatsServer) -> None:
    async with connected(nats_server) as nc:
        recollection = Recollection(nc, most_questions=1)
        answers: list[Remembered | None] = []
        recollection.recall("p-1", answers.append)
        recollection.recall("p-2", answers.append)
        assert answers == []
        await asyncio.sleep(0)
        assert answers == [None]


@pytest.mark.parametrize("pid", ["", ">", "*", "a.b", "p 1", "p\r\nPUB x 0\r\n\r\n", "x" * 65, "ä", "p-1\n"])
async def test_what_is_no_id_of_a_connection_is_not_asked_for(nats_server: NatsServer, pid: str) -> None:
    async with node(nats_server) as one:
        one.remember("p-1", ASHA)
        await in_bucket(nats_server, "p-1")
        assert await recalled(one, pid) is None
        with pytest.raises(ValueError, match="letters"):
            one.remember(pid, ASHA)
        assert await recalled(one, "p-1") == ASHA


@pytest.mark.parametrize(
    "value", [b"no JSON", b'{"user_id":"s1"}', b'{"user_id":"s1","epoch":"k3","rooms":5}']
)
async def test_what_another_release_wrote_otherwise_is_not_remembered(
    nats_server: NatsServer, value: bytes
) -> None:
    async with node(nats_server) as one, connected(nats_server) as nc:
        js = nc.jetstream(timeout=LIMIT)
        await ensure_buckets(js, (SOCKETS,))
        await put_values(nc, SOCKETS, {"p-1": value}, limit=timedelta(seconds=LIMIT))
        assert await recalled(one, "p-1") is None


async def test_a_connection_that_is_gone_for_good_ends_it(nats_server: NatsServer) -> None:
    async with connected(nats_server) as nc:
        recollection = Recollection(nc)
        running = asyncio.create_task(recollection.run())
        await nc.close()
        recollection.remember("p-1", ASHA)
        async with asyncio.timeout(LIMIT):
            with pytest.raises(BaseExceptionGroup) as caught:
                await running
        assert caught.group_contains(BrokerClosed)
