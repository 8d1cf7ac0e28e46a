"""`studyspot projections parked`, `retry` and `drop`: what is set aside, and the ways out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from textwrap import shorten
from typing import Any

import orjson

from studyspot.catalogue.types import UnknownEvent
from studyspot.console.faults import Fault
from studyspot.console.installation import begin, database_url
from studyspot.console.output import camel_case, print_json, print_line, print_table
from studyspot.projections import mending
from studyspot.projections.errors import ProjectionStopped
from studyspot.projections.mending import Mended, NotFirst, OtherVersionServed
from studyspot.projections.models.registry import UnknownProjection, named
from studyspot.projections.parked_events import (
    NotParked,
    ParkedEvent,
    StandingKey,
    parked_event,
    parked_keys,
)
from studyspot.projections.projection import Projection

_WIDEST_REASON = 80


def show_keys(name: str, as_json: bool) -> None:
    """Show each key that stands still, and why."""
    url, projection = database_url(begin()), _projection(name)
    found = parked_keys(url, projection)
    if as_json:
        print_json([_key(parked) for parked in found])
    elif not found:
        print_line(f"nothing of {name} is parked")
    else:
        print_table(
            ("position", "type", "key", "followers", "since", "reason"),
            [
                (
                    *(parked.position, parked.type, parked.key, parked.followers),
                    *(_text(parked.parked_at), shorten(parked.reason, _WIDEST_REASON)),
                )
                for parked in found
            ],
            whole=("position", "since"),
        )


def show_event(name: str, position: int, as_json: bool) -> None:
    """Show one parked event in full, what follows it, and how to mend it."""
    url, projection = database_url(begin()), _projection(name)
    with _told_plainly(name):
        found = parked_event(url, projection, position)
    if as_json:
        print_json(
            {
                **_key(found.first),
                "event": {
                    "position": position,
                    "type": found.event.type,
                    "stored": _stored(found),
                },
                "followedBy": [asdict(follower) for follower in found.followers],
                "mend": list(_mends(name, found.first)),
            }
        )
        return
    for line in _lines(name, found):
        print_line(line)


def run_retry(name: str, position: int, as_json: bool) -> bool:
    """Apply a key's parked events again; return whether all of it is applied."""
    return _mend(name, lambda url, projection: mending.retry(url, projection, position), as_json)


def run_drop(name: str, position: int, reason: str, as_json: bool) -> bool:
    """Leave an event out for ever, and apply what follows it; return whether all of that is applied."""
    if not reason.strip():
        raise Fault("A reason is needed.", "Say with --reason why the event is dropped for ever.")
    if not _is_text(reason):
        raise Fault("The reason is not text.", "Say it with --reason in UTF-8.")
    return _mend(name, lambda url, projection: mending.drop(url, projection, position, reason), as_json)


def _mend(name: str, work: Callable[[str, Projection], Mended], as_json: bool) -> bool:
    url, projection = database_url(begin()), _projection(name)
    with _told_plainly(name):
        mended = work(url, projection)
    if as_json:
        print_json(camel_case({"name": name, **asdict(mended), "free": mended.free}))
    elif mended.free:
        print_line(f"{mended.key} is free: {mended.applied} of its events were applied")
    else:
        print_line(
            f"{mended.key} is still parked: {mended.applied} of its events were applied,"
            f" the one at {mended.position} was not: {mended.reason}"
        )
    return mended.free


def _projection(name: str) -> Projection:
    try:
        (projection,) = named([name])
    except UnknownProjection as unknown:
        raise Fault(f"{unknown}.", "See `studyspot projections status`.") from unknown
    return projection


@contextmanager
def _told_plainly(name: str) -> Iterator[None]:
    """Raises: Fault, what was asked cannot be done."""
    try:
        yield
    except NotParked as error:
        raise Fault(f"{_sentence(error)}.", f"See `studyspot projections parked {name}`.") from error
    except NotFirst as error:
        raise Fault(f"{_sentence(error)}.", f"Retry or drop the one at {error.first} first.") from error
    except OtherVersionServed as error:
        raise Fault(f"{_sentence(error)}.", "Use the command of the release that is read.") from error
    except UnknownEvent as error:
        raise Fault(f"A newer release wrote {error}.", "Use the command of that release.") from error
    except ProjectionStopped as error:
        raise Fault(f"{_sentence(error)}.", f"Run {error.mend}.") from error


def _is_text(argument: str) -> bool:
    """Whether it holds no bytes that Python could not read as text."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _sentence(error: Exception) -> str:
    said = str(error)
    return said[:1].upper() + said[1:]


def _key(parked: StandingKey) -> dict[str, Any]:
    return camel_case(asdict(parked))


def _text(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}"


def _stored(found: ParkedEvent) -> Any:
    """Return the event's JSON as it is, or what stands in its place."""
    try:
        return orjson.loads(found.event.data)
    except orjson.JSONDecodeError:
        return found.event.data.decode(errors="backslashreplace")


def _lines(name: str, found: ParkedEvent) -> Iterator[str]:
    event, first = found.event, found.first
    yield f"{event.type} at {event.position}, parked under {first.key}"
    if event.position != first.position:
        yield f"It only follows the {first.type} at {first.position}:"
    yield f"reason     {first.reason}"
    yield f"since      {_text(first.parked_at)}"
    yield f"stored     {orjson.dumps(_stored(found)).decode()}"
    told = ", ".join(f"{follower.type} at {follower.position}" for follower in found.followers)
    more = first.followers - len(found.followers)
    yield f"followers  {told or 'none'}{f', and {more} more' if more > 0 else ''}"
    for mend in _mends(name, first):
        yield f"to mend    {mend}"


def _mends(name: str, first: StandingKey) -> tuple[str, str]:
    return (
        f"studyspot projections retry {name} {first.position}",
        f'studyspot projections drop {name} {first.position} --reason "…"',
    )
