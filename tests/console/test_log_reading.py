"""`studyspot events show` and `history`: one event, and all of one thing, from the store itself."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
from benchmarks.history import write_history

from studyspot.console.faults import Fault
from studyspot.console.log_reading import history, show
from tests.engines import PostgresServer
from tests.forked.command import run

Environment = Mapping[str, str]


@pytest.fixture(scope="module")
def environment(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    home: Path = tmp_path_factory.mktemp("home")
    clean = {key: value for key, value in os.environ.items() if not key.startswith("STUDYSPOT_")}
    with postgres_server.migrated_database() as url:
        write_history(url, 200)
        yield clean | {"STUDYSPOT_HOME": str(home), "STUDYSPOT_DATABASE_URL": url, "COLUMNS": "200"}


async def events(environment: Environment, *arguments: str) -> tuple[int, str, str]:
    """Return exit status, output and errors."""
    ended = await run("events", *arguments, environment=environment)
    return ended.status, ended.output, ended.errors


def a_booking(environment: Environment) -> tuple[str, list[int]]:
    """Return the tag of the booking with the most events, and where they are."""
    with psycopg.connect(environment["STUDYSPOT_DATABASE_URL"]) as connection:
        row = connection.execute(
            "SELECT tag, array_agg(position ORDER BY position) FROM store.event_tags"
            " WHERE tag LIKE 'booking:%' GROUP BY tag ORDER BY count(*) DESC, tag LIMIT 1"
        ).fetchone()
    assert row is not None
    return row


async def test_an_event_is_shown_as_its_message_with_its_tags(environment: Environment) -> None:
    tag, (first, *_) = a_booking(environment)
    status, shown, _ = await events(environment, "show", str(first))
    assert status == 0
    told = json.loads(shown)
    assert told["sequence"] == str(first)
    assert told["type"] == "studyspot.booking.created.v1"
    assert f"booking:{told['data']['bookingId']}" == tag
    assert tag in told["tags"]
    _, line, _ = await events(environment, "show", str(first), "--json")
    assert json.loads(line) == told
    assert line.count("\n") == 1


@pytest.mark.parametrize("position", [0, 201, 10**20])
def test_there_is_no_event_beyond_the_log(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, position: int
) -> None:
    monkeypatch.setenv("STUDYSPOT_DATABASE_URL", environment["STUDYSPOT_DATABASE_URL"])
    with pytest.raises(Fault, match=f"no event at position {position}. The log ends at position 200"):
        show(position, as_json=False)


async def test_the_history_of_a_booking_is_its_events_in_order(environment: Environment) -> None:
    tag, positions = a_booking(environment)
    status, lines, _ = await events(environment, "history", tag, "--json")
    assert status == 0
    assert [int(json.loads(line)["sequence"]) for line in lines.splitlines()] == positions
    _, by_id, _ = await events(environment, "history", tag.removeprefix("booking:"), "--json")
    assert by_id == lines
    _, table, _ = await events(environment, "history", tag)
    assert "booking.created" in table
    assert str(positions[0]) in table


@pytest.mark.parametrize("entity", ["nobody", "booking:nobody"])
def test_what_is_not_in_the_log_is_said_not_to_be(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, entity: str
) -> None:
    monkeypatch.setenv("STUDYSPOT_DATABASE_URL", environment["STUDYSPOT_DATABASE_URL"])
    with pytest.raises(Fault, match=f"Nothing in the log is called {entity}"):
        history(entity, as_json=False)


@pytest.mark.parametrize("entity", ["", "planet:B7", "booking:", "a b", "cause:1:x"])
def test_what_is_no_id_is_refused(entity: str) -> None:
    with pytest.raises(Fault, match="is nothing in the log"):
        history(entity, as_json=False)
