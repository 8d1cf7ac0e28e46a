"""Parking: what a projection cannot apply is set aside with every later event of its key; all others go on.

Pure, so that a worker, a retry and a rebuild set the same events aside. An outage is never taken for poison:
what passes by itself is tried again by whoever met it.
"""

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any

import orjson
import psycopg
from psycopg import errors
from pydantic import ValidationError

from studyspot.catalogue.codec import Recorded, UnreadableEvent, decode
from studyspot.catalogue.types import class_of
from studyspot.domain.identifiers import is_identifier
from studyspot.domain.shape import camel_case
from studyspot.event_store.errors import StoreError
from studyspot.projections.errors import PoisonEvent
from studyspot.projections.projection import Projection, RowChange

MOST_CHARACTERS = 2000
"""Of a reason; what follows is cut off."""

LONGEST_ID_BYTES = 1000
"""Of an id as it is parked: two of them fit an entry of an index."""

_SHOWN_CHARACTERS = 100

# The value at fault, as PostgreSQL puts it at the end.
_QUOTED = re.compile(r':? ".*$', re.DOTALL)

# What PostgreSQL finds wrong with a row; all else that it says is about its own state.
WRONG_ROWS = (psycopg.DataError, psycopg.IntegrityError, errors.ProgramLimitExceeded)
_OUTAGES = (psycopg.Error, StoreError, OSError, MemoryError)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A stored event that is not what its type promises; ids as far as its JSON tells them."""

    position: int
    key: str
    library_id: str | None
    user_id: str | None
    reason: str


Happened = Recorded | Unreadable
"""What the log holds for a projection at one position."""


@dataclass(frozen=True, slots=True)
class Parked:
    """An event set aside; `reason` is none where it only follows one of its key.

    `user_id` is the student, or the owner of the library concerned.
    """

    position: int
    key: str
    library_id: str | None
    user_id: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Sorted:
    """What events come to: changes in their order, and what is parked."""

    changes: tuple[RowChange, ...]
    parked: tuple[Parked, ...] = ()

    def keys(self) -> frozenset[str]:
        """Return the keys that begin to be parked here."""
        return frozenset(parked.key for parked in self.parked if parked.reason is not None)


def passes_by(projection: Projection, event_type: str, data: bytes) -> bool:
    """Say whether the stored event, of a type that the projection takes, changes nothing, unread."""
    return projection.passes_by is not None and projection.passes_by(event_type, data)


def read(projection: Projection, position: int, epoch: str, event_type: str, data: bytes) -> Happened:
    """Return the stored event, which is of a type that the projection takes.

    Raises:
        UnknownEvent: a newer release wrote it. It is not poison: one that knows it applies it.
        PoisonEvent: it cannot be read, and not even its key can: parking it would let its followers pass.
    """
    try:
        return recorded(position, epoch, event_type, data)
    except UnreadableEvent as error:
        return unreadable(projection, position, event_type, data, error)


def recorded(position: int, epoch: str, event_type: str, data: bytes) -> Recorded:
    """Return the stored event.

    Raises:
        UnknownEvent: as `read`.
        UnreadableEvent: it is not what its type promises.
    """
    event, metadata = decode(event_type, data)
    return Recorded(position=position, epoch=epoch, event=event, metadata=metadata)


def unreadable(
    projection: Projection, position: int, event_type: str, data: bytes, error: UnreadableEvent
) -> Unreadable:
    """Return what a projection is told of a stored event that cannot be read.

    Raises:
        PoisonEvent: as `read`.
    """
    names = {known.name for known in fields(class_of(event_type))}
    facts = _facts(data)
    key = _identifier(facts, next(field for field in projection.key if field in names))
    if key is None:
        raise PoisonEvent(
            projection.name, position, f"its key cannot be read: {_what_is_wrong(error)}"
        ) from error
    return Unreadable(
        position,
        key,
        _identifier(facts, "library_id"),
        _identifier(facts, "user_id") or _identifier(facts, "owner_id"),
        _what_is_wrong(error),
    )


def sort(projection: Projection, events: Iterable[Happened], keys: Set[str], dropped: Set[int]) -> Sorted:
    """Say what the events, oldest first, do to the rows, and which of them are parked.

    `keys` are those that are parked already, `dropped` the positions that are left out for ever.

    Raises:
        MemoryError, OSError: not the event's fault.
    """
    changes: list[RowChange] = []
    parked: list[Parked] = []
    begun: set[str] = set()
    for happened in events:
        if happened.position in dropped:
            continue
        # Where nothing is parked, no key is looked at.
        if (keys or begun) and ((key := parked_key(projection, happened)) in keys or key in begun):
            parked.append(entry(projection, happened, None))
            continue
        if isinstance(happened, Unreadable):
            reason: str | None = happened.reason
        else:
            reason = None
            try:
                changes += projection.changes(happened)
            except Exception as error:
                if not is_poison(error):
                    raise
                reason = said(error)
        if reason is not None:
            parked.append(entry(projection, happened, reason))
            begun.add(parked_key(projection, happened))
    return Sorted(tuple(changes), tuple(parked))


def key_of(projection: Projection, happened: Happened) -> str:
    """Return the key as the rows have it."""
    return happened.key if isinstance(happened, Unreadable) else projection.key_of(happened.event)


def parked_key(projection: Projection, happened: Happened) -> str:
    """Return the key as it is parked."""
    return storable(key_of(projection, happened))


def storable(identifier: str) -> str:
    """Return an id as it is parked: itself, or what tells it from all others where PostgreSQL refuses it."""
    stored = identifier.encode(errors="surrogatepass")
    sayable = _sayable(identifier)
    if sayable == identifier and len(stored) <= LONGEST_ID_BYTES:
        return identifier
    return f"{sayable[:_SHOWN_CHARACTERS]}… sha256:{sha256(stored).hexdigest()}"


def entry(projection: Projection, happened: Happened, reason: str | None) -> Parked:
    """Return how an event is parked, in words that PostgreSQL can keep."""
    if isinstance(happened, Unreadable):
        library_id, user_id = happened.library_id, happened.user_id
    else:
        event = happened.event
        library_id = getattr(event, "library_id", None)
        user_id = getattr(event, "user_id", None) or getattr(event, "owner_id", None)
    return Parked(
        happened.position,
        parked_key(projection, happened),
        None if library_id is None else storable(library_id),
        None if user_id is None else storable(user_id),
        None if reason is None else _sayable(reason),
    )


def is_poison(error: BaseException) -> bool:
    """Say whether the same event would meet the same error again, whatever the state of the system."""
    if isinstance(error, WRONG_ROWS):
        return True
    return isinstance(error, Exception) and not isinstance(error, _OUTAGES)


def said(error: BaseException) -> str:
    """Return what is wrong in one line, without what was stored, as logs and read-outs are for more eyes."""
    if isinstance(error, ValidationError):
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        text = "; ".join(_of_field(one["loc"], one["msg"]) for one in wrong)
    elif isinstance(error, psycopg.Error):
        text = error.diag.message_primary or next(iter(str(error).strip().splitlines()), repr(error))
        if isinstance(error, psycopg.DataError):
            text = _QUOTED.sub("", text)
    else:
        text = repr(error)
    return " ".join(text.split())


def _what_is_wrong(error: UnreadableEvent) -> str:
    cause = error.__cause__
    if isinstance(cause, ValidationError):
        return _sayable(said(cause))
    return _sayable(" ".join(str(error).split()))


def _of_field(place: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, place))}: {message}" if place else message


def _facts(data: bytes) -> dict[str, Any]:
    try:
        stored = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    facts = stored.get("data") if isinstance(stored, dict) else None
    return facts if isinstance(facts, dict) else {}


def _identifier(facts: dict[str, Any], field: str) -> str | None:
    value = facts.get(camel_case(field))
    return str(value) if is_identifier(value) else None


def _sayable(reason: str) -> str:
    """Return the reason as PostgreSQL's text can hold it."""
    text = reason.replace("\0", "\\0").encode(errors="backslashreplace").decode()
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]} …"
