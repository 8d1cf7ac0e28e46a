"""`studyspot projections parked`, `retry`, `drop` and `doctor`: what they show, and their exit status."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studyspot.projections.models import bookings
from tests.engines import PostgresServer
from tests.forked.command import run
from tests.projections.happenings import HOUR, NINE, booked, checked_in, opened
from tests.projections.poison import append_raw, failing_at
from tests.projections.system import Log, a_log, until, working

B1, B2 = booked("B1"), booked("B2", start=NINE + HOUR)


@pytest.fixture
async def log(postgres_server: PostgresServer) -> AsyncIterator[Log]:
    """A log with two keys parked: B1, with a follower, and B2, whose event is damaged for good."""
    damaged = b'{"v":1,"data":{"bookingId":"B2","libraryId":"L1","userId":"student"}}'
    with postgres_server.migrated_database() as url:
        async with a_log(url) as log:
            await log.append(opened(), B1, checked_in(B1))
            await append_raw(log, "booking.created", damaged)
            async with working(log, failing_at(bookings.PROJECTION, 2)):
                await until(lambda: log.position("bookings") == 4)
            yield log


async def studyspot(log: Log, home: Path, *arguments: str, columns: int = 200) -> tuple[int, str, str]:
    """Run a command; return its exit status, output and errors."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("STUDYSPOT_")}
    own = {"STUDYSPOT_HOME": str(home), "STUDYSPOT_DATABASE_URL": log.database_url, "COLUMNS": str(columns)}
    ended = await run(*arguments, environment=clean | own)
    return ended.status, ended.output, ended.errors


async def test_what_is_parked_is_listed_shown_retried_and_dropped(log: Log, tmp_path: Path) -> None:
    async def projections(*arguments: str) -> tuple[int, str, str]:
        return await studyspot(log, tmp_path, "projections", *arguments)

    status, out, _ = await projections("parked", "bookings")
    assert status == 0
    assert [line.split()[:3] for line in out.splitlines()] == [
        ["position", "type", "key"],
        ["2", "booking.created", "B1"],
        ["4", "booking.created", "B2"],
    ]
    status, out, _ = await projections("parked", "bookings", "--json")
    first, second = json.loads(out)
    assert status == 0
    assert first.keys() == {
        *("position", "type", "key", "libraryId", "userId", "reason", "parkedAt", "followers")
    }
    assert (first["key"], first["followers"], second["followers"]) == ("B1", 1, 0)

    status, out, _ = await projections("parked", "bookings", "2")
    assert status == 0
    for told in (
        *("booking.created at 2", "ZeroDivisionError('planted at 2')", '"bookingId":"B1"'),
        *("booking.checked-in at 3", "studyspot projections retry bookings 2"),
        'studyspot projections drop bookings 2 --reason "…"',
    ):
        assert told in out
    status, out, _ = await projections("parked", "bookings", "3", "--json")
    shown = json.loads(out)
    assert (shown["event"]["position"], shown["position"]) == (3, 2)
    assert shown["event"]["stored"]["data"]["bookingId"] == "B1"
    assert shown["followedBy"] == [{"position": 3, "type": "booking.checked-in"}]

    status, out, _ = await projections("retry", "bookings", "2", "--json")
    assert (status, json.loads(out)) == (
        0,
        {"name": "bookings", "key": "B1", "applied": 2, "position": None, "reason": None, "free": True},
    )
    status, out, _ = await projections("retry", "bookings", "4")
    assert status == 1
    assert out.startswith("B2 is still parked: 0 of its events were applied, the one at 4 was not: ")
    status, out, _ = await projections("drop", "bookings", "4", "--reason", "damaged for good")
    assert (status, out) == (0, "B2 is free: 0 of its events were applied\n")
    assert log.rows("SELECT position, reason FROM read.dropped") == [(4, "damaged for good")]
    assert (await projections("parked", "bookings"))[:2] == (0, "nothing of bookings is parked\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["parked", "wonders"], "there is no projection 'wonders'"),
        (["parked", "bookings", "1"], "No event of bookings is parked at 1."),
        (["retry", "bookings", "9"], "No event of bookings is parked at 9."),
        (["retry", "bookings", "3"], "Retry or drop the one at 2 first."),
        (["drop", "bookings", "2", "--reason", " "], "A reason is needed."),
        (["drop", "bookings", "2", "--reason", "caf\udcff"], "The reason is not text."),
        (["retry", "wonders", "1"], "there is no projection 'wonders'"),
    ],
)
async def test_what_cannot_be_done_is_told_in_one_line(
    log: Log, tmp_path: Path, arguments: list[str], said: str
) -> None:
    status, out, err = await studyspot(log, tmp_path, "projections", *arguments)
    assert (status, out) == (1, "")
    assert said in err
    assert len(err.splitlines()) == 1


async def test_since_when_a_key_is_parked_is_one_word_of_the_line_on_a_narrow_terminal(
    log: Log, tmp_path: Path
) -> None:
    status, out, _ = await studyspot(log, tmp_path, "projections", "parked", "bookings", columns=80)
    assert status == 0
    since = log.rows("SELECT to_char(parked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM read.parked")
    assert out.splitlines()[1].startswith("2 ")
    assert since[0][0] in out.splitlines()[1]


async def test_a_drop_without_a_reason_is_no_command(log: Log, tmp_path: Path) -> None:
    status, _, err = await studyspot(log, tmp_path, "projections", "drop", "bookings", "2")
    assert status == 2
    assert "--reason" in err
    assert log.rows("SELECT * FROM read.dropped") == []


async def test_the_doctor_warns_of_parked_events_with_the_mend(log: Log, tmp_path: Path) -> None:
    status, out, _ = await studyspot(log, tmp_path, "doctor", "--json")
    (finding,) = [finding for finding in json.loads(out) if finding["check"] == "parked bookings"]
    assert status == 1
    assert (finding["well"], finding["found"]) == (False, "3 events could not be applied")
    assert "studyspot projections parked bookings" in finding["mend"]
