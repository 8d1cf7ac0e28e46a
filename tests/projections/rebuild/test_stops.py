"""What ends a rebuild before it is done: Ctrl-C, another one, a new epoch, a new release."""

from dataclasses import replace
from pathlib import Path

import psycopg
from psycopg import AsyncConnection

from studyspot.projections.builds import Build, make_current, prepare
from studyspot.projections.models import bookings
from tests.console.terminal import CTRL_C, on_a_terminal
from tests.projections.rebuild.command import STUDYSPOT, command, environment, members
from tests.projections.rebuild.holding import held
from tests.projections.rebuild.steps import current, rebuild
from tests.projections.system import Log, until

REBUILD_BOOKINGS = (*STUDYSPOT, "projections", "rebuild", "bookings")


def done_parts(log: Log) -> list[tuple[int]]:
    return log.rows("SELECT part FROM read.rebuilt_parts ORDER BY part")


def tables(log: Log, name: str) -> list[str]:
    found = log.rows(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'read' AND tablename ~ %s ORDER BY 1",
        rf"^{name}_[0-9]+_[0-9]+$",
    )
    return [table for (table,) in found]


async def test_ctrl_c_ends_a_rebuild_on_a_terminal_and_the_next_one_goes_on(
    history: Log, tmp_path: Path
) -> None:
    with on_a_terminal(REBUILD_BOOKINGS, environment(history.database_url, tmp_path)) as terminal:
        async with held(history.database_url, bookings.PROJECTION, "a part is done"):
            # It ends while it is kept from going on.
            terminal.press(CTRL_C)
            assert await terminal.ends() == 130
        await until(lambda: not members(terminal.process.pid))
        assert "Traceback" not in terminal.shown
    assert done_parts(history) == [(0,)]
    rebuilt = await rebuild(history, bookings.PROJECTION)
    first = Build("bookings", bookings.PROJECTION.version, 1)
    assert rebuilt.build == current(history, bookings.PROJECTION) == first


async def test_ctrl_c_while_its_processes_begin_ends_a_rebuild_as_quietly(
    history: Log, tmp_path: Path
) -> None:
    with on_a_terminal(REBUILD_BOOKINGS, environment(history.database_url, tmp_path)) as terminal:
        # They have been begun, and are far from ready.
        await until(lambda: len(members(terminal.process.pid)) >= 3, 60)
        terminal.press(CTRL_C)
        assert await terminal.ends() == 130
        await until(lambda: not members(terminal.process.pid))
        assert "Traceback" not in terminal.shown


async def test_of_two_rebuilds_of_one_projection_the_second_is_refused_in_one_line(history: Log) -> None:
    with (
        command(history.database_url, "projections", "rebuild", "bookings", cold=True) as first,
        command(history.database_url, "projections", "rebuild", "bookings", cold=True) as second,
    ):
        async with held(history.database_url, bookings.PROJECTION, "copying"):
            await until(lambda: not (first.running and second.running), 60)
            refused, other = (second, first) if first.running else (first, second)
            assert await refused.ends() == 1
        assert refused.complained.splitlines() == [
            "studyspot: The projection bookings is being rebuilt by another process. Wait until it has ended."
        ]
        await other.is_done()
    assert current(history, bookings.PROJECTION).number == 1


async def test_a_new_epoch_ends_a_rebuild_in_one_line_and_the_next_one_begins_anew(history: Log) -> None:
    with command(history.database_url, "projections", "rebuild", "bookings", cold=True) as overtaken:
        async with held(history.database_url, bookings.PROJECTION, "copying"):
            epoch = history.store.new_epoch()
        assert await overtaken.ends() == 1
        assert overtaken.complained.splitlines() == [
            "studyspot: The log began a new epoch while bookings was rebuilt. Begin the rebuild again."
        ]
    assert history.rows("SELECT FROM read.current WHERE name = 'bookings'") == []
    rebuilt = await rebuild(history, bookings.PROJECTION)
    assert history.rows("SELECT epoch FROM read.builds WHERE name = 'bookings'") == [(epoch,)]
    assert tables(history, "bookings") == [f"bookings_4_{rebuilt.build.number}"]


async def test_what_another_release_has_begun_is_abandoned_with_its_tables(history: Log) -> None:
    with command(history.database_url, "projections", "rebuild", "bookings", cold=True) as killed:
        async with held(history.database_url, bookings.PROJECTION, "a part is done"):
            killed.kill()
    assert tables(history, "bookings") == ["bookings_4_1"]
    [(rows,)] = history.rows("SELECT count(*) FROM read.bookings_4_1")
    assert rows > 0, "a part of it was done"
    # As the release before this one would have left it: its tables are not those of today.
    with psycopg.connect(history.database_url) as connection:
        connection.execute("ALTER TABLE read.bookings_4_1 DROP COLUMN amount_minor")
    history.rows("UPDATE read.rebuilds SET release = '0.0.1' RETURNING 1")
    rebuilt = await rebuild(history, bookings.PROJECTION)
    assert current(history, bookings.PROJECTION) == rebuilt.build
    assert tables(history, "bookings") == [f"bookings_4_{rebuilt.build.number}"]
    assert done_parts(history) == []


async def test_a_rebuild_that_another_build_has_overtaken_is_begun_anew(history: Log) -> None:
    next_version = replace(bookings.PROJECTION, version=bookings.PROJECTION.version + 1)
    await rebuild(history, bookings.PROJECTION)
    async with await AsyncConnection.connect(history.database_url, autocommit=True) as connection:
        kept_up = await prepare(connection, next_version, history.store.head().epoch)
        with command(history.database_url, "projections", "rebuild", "bookings", cold=True) as killed:
            async with held(history.database_url, bookings.PROJECTION, "moving the pointer"):
                killed.kill()
        # A worker of the next release has caught up meanwhile: readers read what it keeps up.
        assert await make_current(connection, kept_up)
    rebuilt = await rebuild(history, bookings.PROJECTION)
    assert current(history, bookings.PROJECTION) == rebuilt.build


async def test_a_database_without_tables_is_told_in_one_line(empty_database_url: str) -> None:
    for asked in (("rebuild", "bookings"), ("verify", "bookings"), ("verify", "store")):
        with command(empty_database_url, "projections", *asked) as told:
            assert await told.ends() == 1
            assert told.complained.splitlines() == [
                "studyspot: The database has not been migrated to this release. Run `studyspot migrate`."
            ]
