"""JSON Schemas of every event on the wire, and the AsyncAPI document that lists them."""

from typing import Any

from pydantic.json_schema import JsonSchemaMode

from studyspot.catalogue.cloudevents import SCHEMAS, SOURCE, versioned
from studyspot.catalogue.codec import VERSION, adapter_of
from studyspot.catalogue.subjects import ROOT
from studyspot.catalogue.types import EVENT_CLASSES, type_of
from studyspot.domain.events import Event

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MODE: JsonSchemaMode = "serialization"


def schema_of(event_class: type[Event]) -> dict[str, Any]:
    """Return the JSON Schema of the whole message: its envelope and its data."""
    name = versioned(type_of(event_class), VERSION)
    data = adapter_of(event_class).json_schema(mode=_MODE, by_alias=True)
    definitions = data.pop("$defs", {})
    text = {"type": "string"}
    properties: dict[str, Any] = {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "pattern": "^[A-Za-z0-9]+-[0-9]+$", "description": "epoch-position"},
        "source": {"const": SOURCE},
        "type": {"const": name},
        "subject": text,
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "dataschema": text,
        "sequence": {"type": "string", "pattern": "^[0-9]+$", "description": "the position"},
        "commandid": text,
        "actor": text,
        "traceparent": text,
        "data": data,
    }
    schema = {
        "$schema": _DIALECT,
        "$id": f"{SCHEMAS}/{name}.json",
        "title": name,
        "type": "object",
        "properties": properties,
        "required": [key for key in properties if key not in ("actor", "traceparent")],
        "additionalProperties": False,
    }
    return schema | ({"$defs": definitions} if definitions else {})


def schemas() -> dict[str, dict[str, Any]]:
    """Return every schema by its name on the wire."""
    return {versioned(type_of(known), VERSION): schema_of(known) for known in EVENT_CLASSES}


def asyncapi(release: str) -> dict[str, Any]:
    """Return the AsyncAPI 3 document of the stream's subjects."""
    messages = {name: {"$ref": f"schemas/{name}.json"} for name in schemas()}
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for known in EVENT_CLASSES:
        event_type, name = type_of(known), versioned(type_of(known), VERSION)
        channels[event_type] = {
            "address": f"{ROOT}.{event_type}.{{libraryId}}.{{userId}}",
            "description": (known.__doc__ or "").strip(),
            "parameters": {
                "libraryId": {"description": "the library's id, or _"},
                "userId": {"description": "the id of the student, or person concerned, or _"},
            },
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        }
        operations[f"receive {event_type}"] = {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{event_type}"},
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "StudySpot events",
            "version": release,
            "description": "One JetStream stream, STUDYSPOT; its sequence is each event's position.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": {
                name: {"name": name, "contentType": "application/cloudevents+json", "payload": reference}
                for name, reference in messages.items()
            }
        },
    }
