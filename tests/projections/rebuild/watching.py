"""Waiting for what the tables say; they tell nobody."""

import asyncio
from contextlib import suppress
from typing import Any

from psycopg import AsyncConnection
from psycopg.errors import UndefinedTable

from studyspot.projections.models.registry import PROJECTIONS

_LIMIT_SECONDS = 60.0
_ALL_ARE_AT = """
SELECT FROM read.current JOIN read.builds USING (name, version, number)
WHERE position >= %s HAVING count(*) = %s
"""


async def row(
    watching: AsyncConnection, question: str, *parameters: Any, every_seconds: float = 0.01
) -> tuple[Any, ...]:
    """Wait until the question has an answer; return its first row. The connection is in autocommit."""
    async with asyncio.timeout(_LIMIT_SECONDS):
        while True:
            with suppress(UndefinedTable):  # Nobody has made it yet.
                found = await watching.execute(question.encode(), parameters)
                if (first := await found.fetchone()) is not None:
                    return first
            await asyncio.sleep(every_seconds)


async def all_are_at(database_url: str, position: int) -> None:
    """Wait until every projection has a build that is read and has reached the position."""
    async with await AsyncConnection.connect(database_url, autocommit=True) as watching:
        await row(watching, _ALL_ARE_AT, position, len(PROJECTIONS))
