"""The contract's table of events on the wire, written out: each event, and what each of its rooms is told.

Everything expected here is written by hand. What comes of a socket that is in several of an event's rooms is
said by `told_natively` and `told_by_packets`, in the contract's words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

from studyspot.domain.events import Event
from tests.ws_fanout.socket_io.told import Packet


class View(IntEnum):
    """What a kind of room sees of an event; the richest is last."""

    SUMMARY = 1
    PUBLIC = 2
    FULL = 3
    STAFF = 4


_ENVELOPE = {"id", "type", "time", "sequence", "data"}
_WHO_AND_WHY = {"actor", "commandid", "traceparent"}


@dataclass(frozen=True, slots=True)
class Sight:
    """What one room is told of an event.

    `fields` are those of the native data, no more and no less; `facts` are some of them with their values.
    Each packet that a Socket.IO socket gets is a name and all of its payload.
    """

    name: str
    view: View
    fields: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    packets: Sequence[Packet] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """An event, what each room sees of it, and what has to be before it."""

    title: str
    event: Event
    sights: Mapping[str, Sight]
    before: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class NativeFrame:
    """What is compared of an event's frame: in `facts` only what was asked for."""

    name: str
    rooms: frozenset[str]
    envelope: frozenset[str]
    fields: frozenset[str]
    facts: Mapping[str, Any]


def told_natively(row: Row, rooms: frozenset[str]) -> NativeFrame | None:
    """One frame per position, in the richest view of the socket's rooms, naming all of them that see it."""
    seen = [(room, sight) for room, sight in row.sights.items() if room in rooms]
    if not seen:
        return None
    richest = max((sight for _, sight in seen), key=lambda sight: sight.view)
    public = richest.view in (View.SUMMARY, View.PUBLIC)
    return NativeFrame(
        richest.name,
        frozenset(room for room, _ in seen),
        frozenset(_ENVELOPE if public else _ENVELOPE | _WHO_AND_WHY),
        frozenset(richest.fields.split()),
        richest.facts,
    )


def told_by_packets(row: Row, rooms: frozenset[str]) -> list[Packet]:
    """Each packet of the rooms once, in the richest view that they have of its name; of seats first."""
    seen = sorted(
        (sight for room, sight in row.sights.items() if room in rooms), key=lambda sight: -sight.view
    )
    chosen: dict[str, list[Packet]] = {}
    for sight in seen:
        of_sight: dict[str, list[Packet]] = {}
        for packet in sight.packets:
            of_sight.setdefault(packet.name, []).append(packet)
        chosen = of_sight | chosen
    names = sorted(chosen, key=lambda name: name != "seat:availability")
    return [packet for name in names for packet in chosen[name]]


class AnyInstant:
    """Equals every instant as it is written on the wire: in UTC, with a `Z`."""

    def __eq__(self, other: object) -> bool:
        try:
            return isinstance(other, str) and other.endswith("Z") and bool(datetime.fromisoformat(other))
        except ValueError:
            return False

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "<an instant>"


AN_INSTANT = AnyInstant()
