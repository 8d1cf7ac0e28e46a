import asyncio
import socket
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from studyspot.broker.connection import connect
from studyspot.broker.errors import BrokerUnavailable
from tests.broker.streams import until
from tests.engines import NatsServer


async def test_a_server_that_is_not_there_is_reported_within_the_limit_and_without_the_password() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(BrokerUnavailable) as failure:
            async with asyncio.timeout(30):
                await connect(
                    f"nats://relay:secret@127.0.0.1:{port}", name="test", limit=timedelta(seconds=0.7)
                )
    assert f"127.0.0.1:{port}" in str(failure.value)
    assert "secret" not in str(failure.value)


async def test_a_server_that_says_nothing_is_reported_as_that() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(BrokerUnavailable, match=r"no answer$"):
            await connect(f"nats://127.0.0.1:{port}", name="test", limit=timedelta(seconds=2.5))


async def test_a_wrong_password_is_named_as_the_reason(nats_server: NatsServer) -> None:
    address = nats_server.urls.admin.rpartition("@")[2]
    with pytest.raises(BrokerUnavailable, match=r"(?i)authorization"):
        await connect(f"nats://admin:wrong@{address}", name="test", limit=timedelta(seconds=2))


async def test_a_connection_comes_back_after_the_server_was_killed_and_says_so_once(
    nats_server: NatsServer, nats_url: str
) -> None:
    with capture_logs() as logs:
        connection = await connect(nats_url, name="test")
        nats_server.kill()
        await until(lambda: not connection.is_connected)
        nats_server.restart()
        await until(lambda: connection.is_connected)
        await connection.flush()
        await until(lambda: any(line["event"] == "nats connection regained" for line in logs))
        await connection.close()
    events = [line["event"] for line in logs if line["event"].startswith("nats connection")]
    assert events == ["nats connection lost", "nats connection regained"]


async def test_answers_come_to_inboxes_of_the_user(nats_server: NatsServer) -> None:
    connection = await connect(nats_server.urls.fanout, name="test")
    assert connection.new_inbox().startswith("_INBOX.fanout.")
    assert (await connection.jetstream().account_info()).streams == 0
    await connection.close()
