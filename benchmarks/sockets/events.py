"""Bookings, as the relay publishes them and as everyone who looks at their library is shown them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import orjson

from benchmarks.sockets.dialects import EVENT_NAME
from studyspot.broker.stream import StreamMessage
from studyspot.catalogue.cloudevents import to_message
from studyspot.catalogue.codec import Metadata, encode
from studyspot.catalogue.types import type_of
from studyspot.domain.events import BookingCreated

_STARTS = datetime(2026, 12, 1, 9, tzinfo=UTC)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Happening:
    """An event: its message in the stream, and what sockets in the library's room are shown, in JSON."""

    message: StreamMessage
    room: str
    shown: bytes


def room_of(library: str) -> str:
    """Return the room of everyone who looks at the library."""
    return f"library:{library}"


def bookings(
    libraries: Sequence[str], *, after: int, count: int, epoch: str, seed: int
) -> Sequence[Happening]:
    """Return bookings at the positions after `after`, of one library after the other, the same for a seed."""
    random = Random(seed)
    return [
        _booking(libraries[number % len(libraries)], position, epoch, random)
        for number, position in enumerate(range(after + 1, after + count + 1))
    ]


def _booking(library: str, position: int, epoch: str, random: Random) -> Happening:
    booking_id, occupation, user_id = (str(UUID(int=random.getrandbits(128))) for _ in range(3))
    start = _STARTS + position % 24 * _HOUR
    event = BookingCreated(
        booking_id=booking_id,
        occupation=occupation,
        library_id=library,
        seat_id=f"S{position % 500}",
        user_id=user_id,
        start=start,
        end=start + _HOUR,
        occupied_until=start + _HOUR,
        amount_minor=5000,
        currency="INR",
        check_in_from=start - _HOUR / 4,
        check_in_until=start + _HOUR / 2,
        free_cancel_until=start - _HOUR,
    )
    metadata = Metadata(
        time=_STARTS - _HOUR, command_id=str(UUID(int=random.getrandbits(128))), actor=user_id
    )
    kind = type_of(BookingCreated)
    message = to_message(position, epoch, kind, encode(event, metadata))
    published = StreamMessage(position, message.subject, message.body)
    return Happening(published, room_of(library), _shown(event, message.body, position))


def _shown(event: BookingCreated, body: bytes, position: int) -> bytes:
    """Return what the contract says of the public seat view; of the envelope, what every reader may see."""
    envelope = orjson.loads(body)
    frame = {
        "type": "event",
        "name": EVENT_NAME,
        "position": position,
        "rooms": [room_of(event.library_id)],
        "event": {
            **{key: envelope[key] for key in ("id", "type", "time", "sequence")},
            "data": {
                "seatId": event.seat_id,
                "occupation": event.occupation,
                "state": "booked",
                "start": envelope["data"]["start"],
                "end": envelope["data"]["occupiedUntil"],
            },
        },
    }
    return orjson.dumps(frame)
