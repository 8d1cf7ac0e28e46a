"""Changes of a schema, each with a message that tells the two schemas apart."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

from studyspot.catalogue.compatibility import Rule

NAME = "studyspot.seat.painted.v1"
SHIPPED: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": NAME,
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[a-z0-9-]+$"},
        "actor": {"type": "string"},
        "data": {
            "type": "object",
            "description": "A seat has another colour.",
            "properties": {
                "seatId": {"type": "string", "title": "Seatid"},
                "zone": {"enum": ["quiet", "general"], "type": "string"},
                "status": {"const": "painted", "type": "string", "default": "painted"},
                "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
                "day": {"type": "string", "format": "date"},
                "litres": {"type": "integer", "minimum": 0},
                "coats": {"type": "array", "items": {"$ref": "#/$defs/Coat"}},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "parent": {"anyOf": [{"$ref": "#/$defs/Coat"}, {"type": "null"}], "default": None},
            },
            "required": ["seatId", "zone", "day", "litres", "coats", "labels"],
            "additionalProperties": False,
        },
    },
    "required": ["id", "data"],
    "$defs": {
        "Coat": {
            "type": "object",
            "properties": {
                "colour": {"type": "string"},
                "dry": {"type": "boolean", "default": False},
                "under": {"anyOf": [{"$ref": "#/$defs/Coat"}, {"type": "null"}], "default": None},
            },
            "required": ["colour"],
            "additionalProperties": False,
        }
    },
}
MESSAGE: dict[str, Any] = {
    "id": "k3-1",
    "actor": "a-painter",
    "data": {
        "seatId": "S1",
        "zone": "quiet",
        "status": "painted",
        "note": None,
        "day": "2026-12-01",
        "litres": 2,
        "coats": [{"colour": "blue", "dry": True}],
        "labels": {"maker": "Asian"},
    },
}
GONE = object()

Edit = tuple[str, Any]
"""A path of keys, separated by slashes, and what is put there."""


def edited(document: dict[str, Any], *edits: Edit) -> dict[str, Any]:
    changed = deepcopy(document)
    for path, value in edits:
        *way, last = path.split("/")
        place = changed
        for key in way:
            place = place[int(key)] if isinstance(place, list) else place[key]
        if value is GONE:
            del place[last]
        elif isinstance(place, list):
            place[int(last)] = value
        else:
            place[last] = value
    return changed


@dataclass(frozen=True, slots=True)
class Change:
    """Edits of the shipped schema, and the field and the rule by which they must be told.

    The witness is `MESSAGE` with edits of its own: a "stored" one that today's schema refuses, or a "new" one
    that the shipped schema refuses.
    """

    edits: list[Edit]
    field: str
    rule: Rule
    witness: Literal["stored", "new"]
    of_witness: list[Edit] | tuple[()] = ()


FIELDS = "properties/data/properties"
TEXT = {"type": "string"}
REQUIRED = SHIPPED["properties"]["data"]["required"]

BREACHES: dict[str, Change] = {
    "a field removed": Change([(f"{FIELDS}/note", GONE)], "data.note", Rule.FIELD_REMOVED, "stored"),
    "an optional field added": Change(
        [(f"{FIELDS}/floor", TEXT)], "data.floor", Rule.FIELD_ADDED, "new", [("data/floor", "first")]
    ),
    "a required field added": Change(
        [(f"{FIELDS}/floor", TEXT), ("properties/data/required", [*REQUIRED, "floor"])],
        "data.floor",
        Rule.REQUIRED_FIELD_ADDED,
        "stored",
    ),
    "a field renamed": Change(
        [(f"{FIELDS}/seatId", GONE), (f"{FIELDS}/seat", TEXT), ("properties/data/required/0", "seat")],
        "data.seatId",
        Rule.FIELD_REMOVED,
        "stored",
    ),
    "an optional field that becomes required": Change(
        [("properties/data/required", [*REQUIRED, "note"])],
        "data.note",
        Rule.NOW_REQUIRED,
        "stored",
        [("data/note", GONE)],
    ),
    "a required field that becomes optional": Change(
        [("properties/data/required", REQUIRED[:-1])],
        "data.labels",
        Rule.NO_LONGER_REQUIRED,
        "new",
        [("data/labels", GONE)],
    ),
    "another type": Change([(f"{FIELDS}/litres/type", "string")], "data.litres", Rule.TYPE_CHANGED, "stored"),
    "a wider number": Change(
        [(f"{FIELDS}/litres/type", "number")], "data.litres", Rule.TYPE_CHANGED, "new", [("data/litres", 1.5)]
    ),
    "a field that may become null": Change(
        [(f"{FIELDS}/seatId", {"anyOf": [TEXT, {"type": "null"}]})],
        "data.seatId",
        Rule.TYPE_WIDENED,
        "new",
        [("data/seatId", None)],
    ),
    "a field that may no longer be null": Change(
        [(f"{FIELDS}/note", {"type": "string", "default": None})], "data.note", Rule.TYPE_NARROWED, "stored"
    ),
    "another choice for a field that may be null": Change(
        [(f"{FIELDS}/note/anyOf/0", {"type": "integer"})],
        "data.note",
        Rule.TYPE_CHANGED,
        "stored",
        [("data/note", "still wet")],
    ),
    "a value removed": Change(
        [(f"{FIELDS}/zone/enum", ["general"])], "data.zone", Rule.VALUE_REMOVED, "stored"
    ),
    "a value added": Change(
        [(f"{FIELDS}/zone/enum", ["quiet", "general", "ac"])],
        "data.zone",
        Rule.VALUE_ADDED,
        "new",
        [("data/zone", "ac")],
    ),
    "a constant that becomes a choice": Change(
        [(f"{FIELDS}/status", {"enum": ["painted", "bare"], "type": "string", "default": "painted"})],
        "data.status",
        Rule.VALUE_ADDED,
        "new",
        [("data/status", "bare")],
    ),
    "a choice that becomes free text": Change(
        [(f"{FIELDS}/zone", TEXT)], "data.zone", Rule.LIMIT_CHANGED, "new", [("data/zone", "roof")]
    ),
    "free text that becomes a choice": Change(
        [(f"{FIELDS}/seatId", {"type": "string", "enum": ["S2"]})],
        "data.seatId",
        Rule.LIMIT_CHANGED,
        "stored",
    ),
    "another format": Change([(f"{FIELDS}/day/format", "email")], "data.day", Rule.FORMAT_CHANGED, "stored"),
    "a format removed": Change(
        [(f"{FIELDS}/day/format", GONE)], "data.day", Rule.FORMAT_CHANGED, "new", [("data/day", "at noon")]
    ),
    "a format added": Change(
        [(f"{FIELDS}/seatId/format", "date")], "data.seatId", Rule.FORMAT_CHANGED, "stored"
    ),
    "a closer limit": Change([(f"{FIELDS}/litres/minimum", 3)], "data.litres", Rule.LIMIT_CHANGED, "stored"),
    "a wider limit": Change(
        [(f"{FIELDS}/litres/minimum", -1)], "data.litres", Rule.LIMIT_CHANGED, "new", [("data/litres", -1)]
    ),
    "a length limited": Change(
        [(f"{FIELDS}/seatId/maxLength", 1)], "data.seatId", Rule.LIMIT_CHANGED, "stored"
    ),
    "another pattern in the envelope": Change(
        [("properties/id/pattern", "^[0-9]+$")], "id", Rule.LIMIT_CHANGED, "stored"
    ),
    "a field of an item removed": Change(
        [("$defs/Coat/properties/dry", GONE)], "data.coats[].dry", Rule.FIELD_REMOVED, "stored"
    ),
    "a field of an item that becomes required": Change(
        [("$defs/Coat/required", ["colour", "dry"])],
        "data.coats[].dry",
        Rule.NOW_REQUIRED,
        "stored",
        [("data/coats/0", {"colour": "red"})],
    ),
    "another type of a mapping's values": Change(
        [(f"{FIELDS}/labels/additionalProperties", {"type": "integer"})],
        "data.labels.*",
        Rule.TYPE_CHANGED,
        "stored",
    ),
    "a mapping that takes anything": Change(
        [(f"{FIELDS}/labels/additionalProperties", True)],
        "data.labels",
        Rule.LIMIT_CHANGED,
        "new",
        [("data/labels/maker", 1)],
    ),
    "an object that is opened": Change(
        [("properties/data/additionalProperties", True)],
        "data",
        Rule.LIMIT_CHANGED,
        "new",
        [("data/floor", 1)],
    ),
    "an envelope that is closed": Change(
        [("additionalProperties", False)], "", Rule.LIMIT_CHANGED, "stored", [("partition", "a")]
    ),
    "an attribute of the envelope that is forbidden": Change(
        [("properties/actor", False)], "actor", Rule.TYPE_CHANGED, "stored"
    ),
    "a list of which only some may be repeated": Change(
        [(f"{FIELDS}/coats/uniqueItems", True)],
        "data.coats",
        Rule.LIMIT_CHANGED,
        "stored",
        [("data/coats", [{"colour": "red"}, {"colour": "red"}])],
    ),
    "a keyword that this comparison has never met": Change(
        [(f"{FIELDS}/labels/dependentRequired", {"maker": ["year"]})],
        "data.labels",
        Rule.LIMIT_CHANGED,
        "stored",
    ),
}

HARMLESS: dict[str, list[Edit]] = {
    "nothing": [],
    "a description": [("properties/data/description", "Painted."), (f"{FIELDS}/day/description", "When.")],
    "a title, as of a renamed class": [("properties/data/title", "SeatPaintedV1")],
    "examples and a warning": [(f"{FIELDS}/day/examples", ["x"]), (f"{FIELDS}/note/deprecated", True)],
    "the order of fields": [
        (FIELDS, dict(reversed(SHIPPED["properties"]["data"]["properties"].items()))),
        ("properties/data/required", [*reversed(REQUIRED)]),
    ],
    "the order of values and choices": [
        (f"{FIELDS}/zone/enum", ["general", "quiet"]),
        (f"{FIELDS}/note/anyOf", [{"type": "null"}, TEXT]),
    ],
    "an enumeration of one for a constant": [
        (f"{FIELDS}/status", {"enum": ["painted"], "type": "string", "default": "painted"})
    ],
    "a reference for what stood there": [
        ("$defs/Text", TEXT),
        (f"{FIELDS}/seatId", {"$ref": "#/$defs/Text"}),
    ],
    "choices of choices": [
        (f"{FIELDS}/note/anyOf", [{"anyOf": [TEXT, {"type": "null"}]}]),
    ],
    "an optional attribute of the envelope": [("properties/partition", TEXT)],
}
