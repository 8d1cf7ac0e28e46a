"""Cursors of paged lists: where the next page begins, opaque to clients."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated

import orjson
from fastapi import Query

from studyspot.wire.problems import INVALID, Problem

Limit = Annotated[int, Query(ge=1, le=100, description="How many a page holds at most.")]
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
