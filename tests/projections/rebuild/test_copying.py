"""Rows that are copied come back as they were, whatever they say."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import psycopg
from psycopg import sql

from studyspot.projections.builds import Build, creation
from studyspot.projections.projection import PutRow, Table
from studyspot.projections.rebuild.copying import copy_table
from tests.engines import PostgresServer

THINGS = Table(
    "things",
    {
        "id": "text",
        "note": "text",
        "tags": "text[]",
        "numbers": "bigint[]",
        "facts": "jsonb",
        "count": "bigint",
        "true": "boolean",
        "at": "timestamptz",
    },
    key=("id",),
)
BUILD = Build("things", 1, 1)
NINE = datetime(2026, 12, 1, 9, 30, 15, 123456, UTC)
WORDS = (
    *("", "null", "NULL", "\\N", "\\.", "a,b", 'a "quoted" \\ {brace}', "tab\tline\nreturn\r", "\\n", '\\"'),
    *("ünïcode ☂", "\u2028", "\x01\x7f", " spaces ", "o'clock", '"', "\\"),
)


def test_rows_come_back_as_they_were(postgres_server: PostgresServer) -> None:
    rows = [_row(word, word=word) for word in WORDS]
    rows += [
        dict.fromkeys(THINGS.columns) | {"id": "nothing"},
        _row("empty", tags=[], numbers=[], facts={}),
        _row("elsewhere", at=NINE.astimezone(timezone(timedelta(hours=5, minutes=30)))),
    ]
    with postgres_server.empty_database() as url, psycopg.connect(url) as connection:
        connection.execute("CREATE SCHEMA read")
        connection.execute(creation(THINGS, BUILD))
        copy_table(connection, THINGS, BUILD, [PutRow(THINGS, row) for row in rows], lambda: None)
        found = connection.execute(sql.SQL("SELECT * FROM {}").format(BUILD.table(THINGS))).fetchall()
    assert [dict(zip(THINGS.columns, row, strict=True)) for row in found] == rows


def _row(identifier: str, word: str = "x", **given: Any) -> dict[str, Any]:
    row = {
        "id": identifier,
        "note": word,
        "tags": [word, "a"],
        "numbers": [1, -(2**63)],
        "facts": {"word": word, "list": [None, True, 1.5]},
        "count": 2**63 - 1,
        "true": False,
        "at": NINE,
    }
    return row | given
