"""What a frame may tell, field by field: the allow-lists of the views, restated."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from studyspot.checker.occupations import STATE_AFTER
from studyspot.checker.records import Record, same
from studyspot.checker.rooms import View

_ANONYMOUS = frozenset({"id", "type", "time", "sequence", "data"})
_NAMED = _ANONYMOUS | {
    "specversion",
    "source",
    "subject",
    "datacontenttype",
    "dataschema",
    "actor",
    "commandid",
    "traceparent",
}
_FRAME = frozenset({"type", "name", "position", "rooms", "event"})
_NAMES = {
    "booking.created": "booking:created",
    "booking.cancelled": "booking:cancelled",
    "booking.checked-in": "booking:checkin",
    "booking.checked-out": "booking:checkout",
    "library.created": "library:created",
    "library.deleted": "library:deleted",
    "pricing.updated": "pricing:updated",
    "seat.availability-changed": "seat:availability",
    "announcement.made": "global:notification",
}
_NAMES_BY_ENTITY = {
    "booking": "booking:updated",
    "payment": "booking:updated",
    "hold": "seat:availability",
    "library": "library:updated",
    "closure": "library:updated",
    "seat": "library:updated",
    "notification": "notification",
    "waitlist": "notification",
}
_SERVICE = {True: "free", False: "out-of-service"}
_PEOPLE = ("ownerId", "userId")
_OF_OFFERS = ("entryId", "holdId", "seatId", "start", "end", "until")


@dataclass(frozen=True, slots=True)
class Told:
    """What a frame tells: its name, and each field of its data; `optional` ones may be there as well."""

    name: str
    data: Mapping[str, Any]
    optional: frozenset[str] = frozenset()


def told(record: Record, view: View) -> Told:
    """Return what the record's frame tells in this view."""
    facts, entity = record.facts, record.type.partition(".")[0]
    name = _NAMES.get(record.type) or _NAMES_BY_ENTITY[entity]
    state = STATE_AFTER.get(record.type)
    if record.type == "waitlist.offered":
        return Told(name, _offer(facts))
    if view is View.SUMMARY:
        return Told(name, {field: facts[field] for field in ("libraryId", "start", "end")})
    service = _SERVICE.get(facts.get("inService", ""))
    if view in (View.FULL, View.STAFF):
        if service:
            data = {**facts, "occupation": None, "state": service}
            return Told(name, data, frozenset({"start", "end"}))
        data = {**facts, "state": state} if state else dict(facts)
        if entity == "notification":
            del data["cause"]
        return Told(name, data, frozenset({"studentName"} if view is View.STAFF else ()))
    if state:
        data = {field: facts[field] for field in ("seatId", "occupation", "start")}
        data["end"] = facts["occupiedUntil"]
        if "until" in facts:
            data["until"] = facts["until"]
        return Told("seat:availability", {**data, "state": state})
    if service:
        data = {"seatId": facts["seatId"], "occupation": None, "state": service}
        return Told(name, data, frozenset({"start", "end"}))
    return Told(name, {field: value for field, value in facts.items() if field not in _PEOPLE})


def _offer(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """An offer comes as a notice, called by its hold."""
    return {
        "notificationId": facts["holdId"],
        "userId": facts["userId"],
        "libraryId": facts["libraryId"],
        "kind": "waitlist-offered",
        "parameters": {field: facts[field] for field in _OF_OFFERS},
    }


def leaks(frame: Mapping[str, Any], view: View, told: Told, people: frozenset[str]) -> Iterator[str]:
    """Find what the frame tells beyond its view."""
    event = frame["event"]
    anonymous = view in (View.SUMMARY, View.PUBLIC)
    for field in sorted(event.keys() - (_ANONYMOUS if anonymous else _NAMED)):
        yield f"the {view.name.lower()} view has the field {field}"
    for field in sorted(event["data"].keys() - told.data.keys() - told.optional):
        yield f"the {view.name.lower()} view has the field data.{field}"
    if anonymous:
        for field in sorted(frame.keys() - _FRAME):
            yield f"the frame has the field {field}"
        for person in sorted(people & set(_texts(event))):
            yield f"the {view.name.lower()} view names {person}"


def alterations(frame: Mapping[str, Any], record: Record, told: Told) -> Iterator[str]:
    """Find what the frame tells otherwise than the log, or leaves out of its view."""
    event = frame["event"]
    envelope = {
        "id": record.id,
        "type": record.wire_type,
        "time": record.stored.get("time"),
        "sequence": str(record.position),
    }
    for field, value in envelope.items():
        if not same(event.get(field), value):
            yield f"{field} is {event.get(field)!r}, in the log {value!r}"
    for field in ("actor", "commandid", "traceparent"):
        if field in event and not same(event[field], record.stored.get(field)):
            yield f"{field} is {event[field]!r}, in the log {record.stored.get(field)!r}"
    if frame["name"] != told.name:
        yield f"the frame is named {frame['name']}, not {told.name}"
    for field, value in told.data.items():
        if not same(event["data"].get(field), value):
            yield f"data.{field} is {event['data'].get(field)!r}, in the log {value!r}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
