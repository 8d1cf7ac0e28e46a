"""ETags: which version of something an answer shows, and conditions on it.

All are weak: the answer's own position, which may move while nothing else does, is no part of the version.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from operator import itemgetter
from typing import Annotated, Any

import orjson
from fastapi import Header, Response
from pydantic import BaseModel

from studyspot.wire.parked import PARKED_HEADER
from studyspot.wire.positions import POSITION

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "It is as the ETag says."}}
"""How the document describes the answer to a read whose ETag the client has."""

IfMatch = Annotated[
    str | None,
    Header(
        max_length=4000,
        description="The ETag of what you read; 412 where it has changed since."
        ' Of a seat, `W/"{epoch}-{position}"` of the seat map.',
    ),
]
IfNoneMatch = Annotated[str | None, Header(max_length=4000)]

_VERSION = re.compile(r'"([A-Za-z0-9]+)-([0-9]{1,18})(?:-parked)?"')
_ANSWERS_OWN = {"position", "server_now"}


def of_position(epoch: str, position: int, *, parked: bool = False) -> str:
    """Return the tag of what the event at `position` was the newest to change."""
    return f'W/"{epoch}-{position}{"-parked" if parked else ""}"'


def of_content(body: BaseModel) -> str:
    """Return the tag of a body by what it says, but for its position and the time."""
    said = body.model_dump(mode="json", by_alias=True, exclude=_ANSWERS_OWN)
    return f'W/"{sha256(orjson.dumps(said)).hexdigest()[:32]}"'


def version_of(if_match: str) -> tuple[str, int] | None:
    """Return epoch and position of the newest version that an If-Match names; none where it names none.

    Tags are compared weakly: what they leave out, nobody changes.
    """
    known = ((epoch, int(position)) for epoch, position in _VERSION.findall(if_match))
    return max(known, key=itemgetter(1), default=None)


def unchanged(
    response: Response, etag: str, if_none_match: str | None, *, position: int, parked: bool
) -> Response | None:
    """Put the tag into the answer's headers; return the answer instead where the client has that version."""
    headers: Mapping[str, str] = {
        "ETag": etag,
        "Cache-Control": "no-cache",
        POSITION: str(position),
        **({PARKED_HEADER: "true"} if parked else {}),
    }
    response.headers.update(headers)
    if if_none_match is None or not _matches(if_none_match, etag):
        return None
    return Response(status_code=304, headers=dict(headers))


def _matches(tags: str, etag: str) -> bool:
    """Compare weakly, as RFC 9110 has it for reads."""
    known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
    return "*" in known or etag.removeprefix("W/") in known
