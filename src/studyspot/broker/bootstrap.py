"""The bootstrap bucket: of the events that a fan-out has to know from before its window, the newest by key.

It says nothing that the log does not say; the relay keeps it, and can make it again. A value is an event's
message as it is in the stream, an empty one means that there is none. The key `position` says up to which
position the bucket is complete; entries may be newer, and without it nothing in the bucket can be relied on.
"""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass

import orjson
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from pydantic import TypeAdapter, ValidationError

from studyspot.broker.buckets import BOOTSTRAP, ensure_buckets, stream_of, subject_of
from studyspot.broker.errors import BrokerUnavailable, reaching_broker
from studyspot.broker.publisher import FencedPublisher
from studyspot.broker.reading import read_newest
from studyspot.broker.stream import StreamMessage, stream_state
from studyspot.catalogue.types import type_of
from studyspot.domain.events import (
    AccountDisabled,
    AccountEnabled,
    AccountErased,
    AccountRoleChanged,
    Event,
    LibraryCreated,
    LibraryUpdated,
    PricingUpdated,
    SeatAvailabilityChanged,
    SeatRemoved,
    StaffAdded,
    StaffRemoved,
)

_POSITION = "position"
_MOST_READS = 20
_STREAM = stream_of(BOOTSTRAP)

_KEYS: Mapping[type[Event], str] = {
    LibraryCreated: "library.{library}",
    LibraryUpdated: "details.{library}",
    PricingUpdated: "pricing.{library}",
    StaffAdded: "staff.{library}.{user}",
    StaffRemoved: "staff.{library}.{user}",
    AccountDisabled: "standing.{user}",
    AccountEnabled: "standing.{user}",
    # Beside it: who is enabled again stays erased.
    AccountErased: "erased.{user}",
    AccountRoleChanged: "role.{user}",
    SeatAvailabilityChanged: "service.{library}.{seat}",
    SeatRemoved: "service.{library}.{seat}",
}
"""Under which key the newest event of a class is kept; the same key where one undoes the other."""

KEYS: Mapping[str, str] = {type_of(event_class): key for event_class, key in _KEYS.items()}
"""The same by the type that is stored."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reached:
    """Up to where the bucket is complete, and for which types under which keys: a release may have others."""

    epoch: str
    position: int
    keys: Mapping[str, str]

    def serves(self, epoch: str) -> bool:
        """Return whether this release finds in the bucket what it needs, for this history."""
        return self.epoch == epoch and KEYS.items() <= self.keys.items()


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What the bucket holds: messages of events, in no order."""

    reached: Reached
    messages: tuple[bytes, ...]


_reached = TypeAdapter(Reached)


def key_of(subject: str, body: bytes) -> str | None:
    """Return the key of the event with this subject and message; none where it is not kept.

    The event itself is not read, so that it is kept in whatever version it was written: subjects have no
    version, and which seat an event is about every version says in the same place.
    """
    _, entity, verb, library, user = subject.split(".")
    key = KEYS.get(f"{entity}.{verb}")
    if key is None:
        return None
    seat = orjson.loads(body)["data"]["seatId"] if "{seat}" in key else None
    return key.format(library=library, user=user, seat=seat)


async def read_bootstrap(nc: Client, js: JetStreamContext) -> Bootstrap | None:
    """Return what the bucket holds; none where there is none, or where it is being filled.

    Raises:
        BrokerUnavailable, BrokerClosed
    """
    if await stream_state(js, _STREAM) is None:
        return None
    entries = await _entries(nc, js)
    reached = _read_reached(entries.pop(_POSITION, b""))
    return Bootstrap(reached, tuple(entries.values())) if reached is not None else None


class BootstrapWriter:
    """Writes to the bucket on condition that nobody else has written since it was last looked at.

    So one that was held up does not put something old over what a rival wrote meanwhile. `look` first, and
    again after an error; `close` when done.
    """

    def __init__(self, nc: Client, js: JetStreamContext, *, replicas: int = 1) -> None:
        self._nc = nc
        self._js = js
        self._replicas = replicas
        self._publisher = FencedPublisher(nc, stream=_STREAM)
        self._last = 0

    async def look(self) -> Reached | None:
        """Return up to where the bucket is complete, none where it is not; make it where it is missing.

        Raises:
            BrokerUnavailable, BrokerClosed
        """
        await ensure_buckets(self._js, (BOOTSTRAP,), replicas=self._replicas)
        state = await stream_state(self._js, _STREAM)
        if state is None:
            raise BrokerUnavailable(f"the bucket {BOOTSTRAP} was deleted meanwhile")
        # Asked before the value: whatever is written after it makes the next write fail.
        self._last = state.last_position
        try:
            with reaching_broker():
                found = await self._js.get_last_msg(_STREAM, subject_of(BOOTSTRAP, _POSITION))
        except NotFoundError:
            return None
        return _read_reached(found.data or b"")

    async def keys(self) -> set[str]:
        """Return the keys of all events in the bucket.

        Raises:
            BrokerUnavailable, BrokerClosed
        """
        return set(await _entries(self._nc, self._js)) - {_POSITION}

    async def invalidate(self) -> None:
        """Let nobody rely on the bucket, until it is said again how far it is complete.

        Raises:
            PublishRejected: somebody else has written.
            BrokerUnavailable, BrokerClosed
        """
        await self._write({_POSITION: b""})

    async def put(self, entries: Mapping[str, bytes], reached: Reached | None = None) -> None:
        """Put messages of events, an empty one for a key that is no more; then, if given, how far it reaches.

        Raises:
            PublishRejected: somebody else has written.
            BrokerUnavailable, BrokerClosed
        """
        last = {_POSITION: _reached.dump_json(reached)} if reached is not None else {}
        await self._write({**entries, **last})

    async def close(self) -> None:
        await self._publisher.close()

    async def _write(self, values: Mapping[str, bytes]) -> None:
        if values:
            self._last = await self._publisher.publish(
                [
                    StreamMessage(number, subject_of(BOOTSTRAP, key), value)
                    for number, (key, value) in enumerate(values.items(), start=self._last + 1)
                ]
            )


async def _entries(nc: Client, js: JetStreamContext) -> dict[str, bytes]:
    """Return every key with its newest value.

    A read may end before keys that are written meanwhile: then it is made again, since who lacks a key lacks
    somebody's rights.
    """
    for _ in range(_MOST_READS):
        keys = await _key_count(js)
        entries = await _read_once(nc)
        if len(entries) >= keys:
            return {key: value for key, value in entries.items() if value}
    raise BrokerUnavailable(f"the bucket {BOOTSTRAP} is being written faster than it can be read")


async def _key_count(js: JetStreamContext) -> int:
    try:
        with reaching_broker():
            info = await js.stream_info(_STREAM)
    except NotFoundError as error:
        raise BrokerUnavailable(f"the bucket {BOOTSTRAP} is missing") from error
    # It keeps one message of each key.
    return info.state.messages


async def _read_once(nc: Client) -> dict[str, bytes]:
    entries: dict[str, bytes] = {}
    newest = read_newest(nc, stream=_STREAM, subjects=(subject_of(BOOTSTRAP, ">"),))
    async with aclosing(newest) as batches:
        async for batch in batches:
            for message in batch:
                entries[message.subject.removeprefix(subject_of(BOOTSTRAP, ""))] = message.body
    return entries


def _read_reached(value: bytes) -> Reached | None:
    if not value:
        return None
    try:
        return _reached.validate_json(value)
    except ValidationError as error:
        log.warning("bootstrap position not readable", reason=str(error))
        return None
