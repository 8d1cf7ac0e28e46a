"""JSON Schemas of every event on the wire, in each version, and the AsyncAPI document that lists them."""

import inspect
from typing import Any

from pydantic.json_schema import JsonSchemaMode

from studyspot.catalogue.cloudevents import SOURCE, schema_address, versioned
from studyspot.catalogue.subjects import ROOT
from studyspot.catalogue.types import VOCABULARY, Vocabulary
from studyspot.catalogue.versions import Version

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MODE: JsonSchemaMode = "serialization"
_CONTENT_TYPE = "application/cloudevents+json"


def name_of(version: Version) -> str:
    """Return the type on the wire, which is also the schema's name: `studyspot.booking.created.v1`."""
    return versioned(version.event_type, version.number)


def schema_of(version: Version) -> dict[str, Any]:
    """Return the JSON Schema of the whole message: its envelope and its data.

    The data hold nothing else. The envelope may come to hold other attributes, as any CloudEvent may.
    """
    name = name_of(version)
    data = version.adapter.json_schema(mode=_MODE, by_alias=True)
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
        "$id": schema_address(name),
        "title": name,
        "type": "object",
        "properties": properties,
        "required": [key for key in properties if key not in ("actor", "traceparent")],
    }
    return schema | ({"$defs": definitions} if definitions else {})


def schemas(vocabulary: Vocabulary = VOCABULARY) -> dict[str, dict[str, Any]]:
    """Return the schema of every version that the stream may hold, by its name on the wire."""
    return {name_of(version): schema_of(version) for version in vocabulary.versions()}


def asyncapi(release: str, vocabulary: Vocabulary = VOCABULARY) -> dict[str, Any]:
    """Return the AsyncAPI 3 document of the stream's subjects, and of every message that may be there."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for version in vocabulary.versions():
        event_type, name = version.event_type, name_of(version)
        messages[name] = _message(version)
        described = channels.setdefault(event_type, _channel(event_type))
        described["messages"][name] = {"$ref": f"#/components/messages/{name}"}
        if version.is_newest:
            described["description"] = inspect.getdoc(version.shape) or ""
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
        "defaultContentType": _CONTENT_TYPE,
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }


def _channel(event_type: str) -> dict[str, Any]:
    return {
        "address": f"{ROOT}.{event_type}.{{libraryId}}.{{userId}}",
        "description": "",
        "parameters": {
            "libraryId": {"description": "the library's id, or _"},
            "userId": {"description": "the id of the student, or person concerned, or _"},
        },
        "messages": {},
    }


def _message(version: Version) -> dict[str, Any]:
    name = name_of(version)
    return {
        "name": name,
        "summary": "What this release writes."
        if version.is_newest
        else "What earlier releases wrote; the stream may still hold it.",
        "contentType": _CONTENT_TYPE,
        "payload": {"$ref": f"schemas/{name}.json"},
    }
