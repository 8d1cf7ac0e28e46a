"""`studyspot projections verify store`: what it shows, and its exit status."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import psycopg
import pytest
from benchmarks.history import write_history

from studyspot.broker.connection import connect
from studyspot.broker.stream import stream_state
from studyspot.event_store.notifications import HeadSignal
from studyspot.event_store.store import EventStore
from studyspot.relay.relay import Relay
from studyspot.ws_fanout.ending import end_tasks
from tests.console.terminal import on_a_terminal
from tests.engines import PostgresServer
from tests.forked.command import run

VERIFY = ("projections", "verify", "store")
EVENTS = 500
SILENT_NATS = "nats://127.0.0.1:9"

Environment = Mapping[str, str]


@pytest.fixture
async def environment(
    postgres_server: PostgresServer, nats_url: str, tmp_path: Path
) -> AsyncIterator[Environment]:
    """A store with events, and a stream that the relay has filled from it."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("STUDYSPOT_")}
    with postgres_server.migrated_database() as url:
        await asyncio.to_thread(write_history, url, EVENTS)
        await relay_all(url, nats_url)
        yield clean | {
            "STUDYSPOT_HOME": str(tmp_path),
            "STUDYSPOT_DATABASE_URL": url,
            "STUDYSPOT_NATS_URL": nats_url,
        }


async def relay_all(url: str, nats_url: str) -> None:
    """Run the relay until the stream has every event."""
    nc = await connect(nats_url, name="relay")
    js = nc.jetstream(timeout=10)
    with EventStore(url) as store:
        async with HeadSignal(url) as signal, asyncio.timeout(60):
            relay = asyncio.create_task(Relay(store, nc, signal).run())
            while (state := await stream_state(js)) is None or state.last_position < EVENTS:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            await end_tasks([relay])
            if not relay.cancelled():
                relay.result()
    await nc.close()


def plant(environment: Environment, statement: str) -> None:
    with psycopg.connect(environment["STUDYSPOT_DATABASE_URL"], autocommit=True) as connection:
        connection.execute(statement.encode())


async def verified(environment: Environment, *options: str) -> tuple[int, str, str]:
    """Return exit status, output and errors."""
    ended = await run(*VERIFY, *options, environment=environment)
    return ended.status, ended.output, ended.errors


async def test_a_log_that_agrees_is_told_in_numbers_with_exit_0(environment: Environment) -> None:
    status, output, errors = await verified(environment, "--json")
    assert (status, errors) == (0, "")
    told = json.loads(output)
    assert told["differences"] == []
    assert told["head"] == told["events"] == EVENTS
    assert told["tagRows"] > EVENTS
    assert told["stream"] == {
        "epoch": told["epoch"],
        "firstPosition": 1,
        "lastPosition": EVENTS,
        "lag": 0,
        "respelled": 0,
    }
    assert 0 < told["storeSeconds"] < told["seconds"]


async def test_differences_are_named_and_counted_with_exit_1(environment: Environment) -> None:
    plant(environment, "UPDATE store.events SET epoch = 'k-0' WHERE position IN (5, 6)")
    plant(environment, "DELETE FROM store.event_tags WHERE position = 7")
    status, output, _ = await verified(environment, "--json")
    assert status == 1
    told = {known["kind"]: known for known in json.loads(output)["differences"]}
    assert set(told) == {"epoch-wrong", "tag-row-missing", "message-id"}
    assert (told["epoch-wrong"]["count"], told["epoch-wrong"]["position"]) == (2, 5)
    assert (told["message-id"]["count"], told["message-id"]["position"]) == (2, 5)
    assert "position 7" in told["tag-row-missing"]["first"]
    status, output, _ = await verified(environment)
    assert status == 1
    assert "epoch-wrong" in output
    assert "tag-row-missing" in output


async def test_a_broker_that_is_away_is_told_and_the_store_is_verified_still(
    environment: Environment,
) -> None:
    away = {**environment, "STUDYSPOT_NATS_URL": SILENT_NATS}
    status, output, _ = await verified(away, "--json")
    told = json.loads(output)
    assert (status, told["stream"], told["events"]) == (1, None, EVENTS)
    assert [known["kind"] for known in told["differences"]] == ["stream-away"]


async def test_a_database_that_is_away_is_told_in_a_line(environment: Environment) -> None:
    status, output, errors = await verified(
        {**environment, "STUDYSPOT_DATABASE_URL": "postgresql://127.0.0.1:9/nothing"}
    )
    assert (status, output) == (1, "")
    assert errors.startswith("studyspot: The database does not answer")
    assert errors.count("\n") == 1


async def test_bars_are_shown_on_a_terminal(environment: Environment) -> None:
    with on_a_terminal([sys.executable, "-m", "studyspot", *VERIFY], environment) as terminal:
        await terminal.shows("events")
        await terminal.shows("tag index")
        await terminal.shows("stream")
        await terminal.shows("Nothing differs.")
        assert await terminal.ends() == 0
