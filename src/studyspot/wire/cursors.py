"""Cursors of paged lists: where the next page begins, opaque to clients."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated

import orjson
from fastapi import Query

from studyspot.wire.problems import INVALID, Problem

Limit = Annotated[int, Query(ge=1, le=100, description="How many a page holds at most.")]
_MOST = 2**63 - 1
Cursor = Annotated[str | None, Query(max_length=1000, description="`next` of the page before.")]


def unreadable() -> Problem:
    return Problem(INVALID, "This cursor is not one of ours. Begin without one.")


def cursor_of(*values: str) -> str:
    """Return the cursor after a page whose last row has these values as its sort key."""
    return urlsafe_b64encode(orjson.dumps(values)).rstrip(b"=").decode()


def values_of(cursor: str, count: int) -> tuple[str, ...]:
    """Return the `count` values of a cursor.

    Raises:
        Problem: 422, it is none of ours.
    """
    try:
        values = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        raise unreadable() from None
    if not isinstance(values, list) or len(values) != count:
        raise unreadable()
    if not all(isinstance(value, str) and "\0" not in value for value in values):
        raise unreadable()
    return tuple(values)


def position_of(cursor: str) -> int:
    """Return the one position of a cursor.

    Raises:
        Problem: 422, it is none of ours.
    """
    (position,) = positions_of(cursor, 1)
    return position


def positions_of(cursor: str, count: int) -> tuple[int, ...]:
    """Return the `count` whole numbers of a cursor.

    Raises:
        Problem: 422, it is none of ours.
    """
    try:
        return tuple(map(position_in, values_of(cursor, count)))
    except ValueError:
        raise unreadable() from None


def position_in(value: str) -> int:
    """Return a whole number from 0 that a `bigint` holds.

    Raises:
        ValueError: the text is none.
    """
    if not (value.isascii() and value.isdecimal() and int(value) <= _MOST):
        raise ValueError
    return int(value)
