"""A batch of row changes: however often a row changed, it ends as if each change had been made alone."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studyspot.projections.builds import Build, creation, indexing
from studyspot.projections.projection import PutRow, RemoveRow, RowChange, SetColumns, Table
from studyspot.projections.row_changes import fold, parts

THINGS = Table(
    "things",
    {
        "id": "text",
        "part": "integer",
        "name": "text",
        "tags": "text[]",
        "facts": "jsonb",
        "at": "timestamptz",
    },
    key=("id", "part"),
    indexes=(("name",),),
)
PAIRS = Table("pairs", {"one": "text", "other": "text"}, key=("one", "other"))
BUILD = Build("things", 3, 2)

keys = st.fixed_dictionaries({"id": st.sampled_from(["a", "b"]), "part": st.integers(0, 1)})
columns: dict[str, st.SearchStrategy[Any]] = {
    "name": st.none() | st.sampled_from(["", "x", "o'clock", 'a "quoted" \\ {brace}', "ünïcode ☂"]),
    "tags": st.lists(st.sampled_from(["a,b", "{}", ""]), max_size=2),
    "facts": st.dictionaries(st.sampled_from(["k", "l"]), st.booleans() | st.integers(-5, 5), max_size=2),
}
rows = st.builds(lambda key, values: {**key, **values, "at": None}, keys, st.fixed_dictionaries(columns))
changes = st.lists(
    st.one_of(
        st.builds(lambda row: PutRow(THINGS, row), rows),
        st.builds(
            lambda key, values: SetColumns(THINGS, key, values),
            keys,
            st.fixed_dictionaries({}, optional=columns).filter(bool),
        ),
        st.builds(lambda key: RemoveRow(THINGS, key), keys),
        st.builds(lambda one: PutRow(PAIRS, {"one": one, "other": "o"}), st.sampled_from("ab")),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def connection(empty_database_url: str) -> Iterator[psycopg.Connection]:
    """A connection to a database with both tables."""
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA read")
        for table in (THINGS, PAIRS):
            for statement in (creation(table, BUILD), *indexing(table, BUILD)):
                connection.execute(statement)
        yield connection


def write(connection: psycopg.Connection, batch: list[RowChange], claimed: bool = True) -> None:
    written = list(parts(fold(batch), BUILD))
    named = [f"claimed AS (SELECT '{BUILD.name}' AS name WHERE {claimed})"]
    named += [f"p{number} AS ({part.text})" for number, part in enumerate(written)]
    connection.execute(f"WITH {', '.join(named)} SELECT".encode(), [part.rows for part in written])


def content(connection: psycopg.Connection) -> list[Any]:
    things = connection.execute("SELECT id, part, name, tags, facts, at FROM read.things_3_2 ORDER BY 1, 2")
    pairs = connection.execute("SELECT one, other FROM read.pairs_3_2 ORDER BY 1, 2")
    return [things.fetchall(), pairs.fetchall()]


def modelled(batch: list[RowChange]) -> list[Any]:
    """What the changes, one by one, leave."""
    kept: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {"things": {}, "pairs": {}}
    for change in batch:
        of_table = kept[change.table.name]
        match change:
            case PutRow(table=table, row=row):
                of_table[table.key_of(row)] = dict(row)
            case SetColumns(table=table, key=key, values=values):
                if table.key_of(key) in of_table:
                    of_table[table.key_of(key)].update(values)
            case RemoveRow(table=table, key=key):
                of_table.pop(table.key_of(key), None)
    return [
        [tuple(row[column] for column in table.columns) for _, row in sorted(kept[table.name].items())]
        for table in (THINGS, PAIRS)
    ]


@settings(max_examples=120, deadline=None)
@given(before=changes, batch=changes)
def test_a_batch_leaves_what_its_changes_leave_one_by_one(
    connection: psycopg.Connection, before: list[RowChange], batch: list[RowChange]
) -> None:
    with connection.transaction(force_rollback=True):
        write(connection, before)
        write(connection, batch)
        write(connection, before, claimed=False)
        assert content(connection) == modelled([*before, *batch])


def test_a_batch_is_one_part_for_each_table_and_kind() -> None:
    batch: list[RowChange] = [
        PutRow(THINGS, {"id": str(number), "part": 0, "name": None, "tags": [], "facts": {}, "at": None})
        for number in range(500)
    ]
    assert len(list(parts(fold(batch), BUILD))) == 1


def test_a_row_that_does_not_fit_its_table_is_refused() -> None:
    with pytest.raises(ValueError, match="pairs does not fit its columns: another, other"):
        PutRow(PAIRS, {"one": "a", "another": "b"})
