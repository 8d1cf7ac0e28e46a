"""JSON Schemas in one spelling, so that those which say the same are equal."""

import json
from collections.abc import Mapping
from typing import Any

ANNOTATIONS = frozenset(
    {
        "$comment",
        "$defs",
        "deprecated",
        "description",
        "discriminator",
        "examples",
        "readOnly",
        "title",
        "writeOnly",
    }
)
"""What tells people or generators something, and validates nothing."""

NOTHING: Mapping[str, Any] = {"not": {}}
"""The schema `false`: no value is allowed."""

_ONE = frozenset(
    {
        "additionalProperties",
        "contains",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_LISTED = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"dependentSchemas", "patternProperties", "properties"})
_UNORDERED = frozenset({"allOf", "anyOf", "enum", "oneOf", "required"})
_DEFINITIONS = "#/$defs/"


def plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema in the one spelling.

    References stand resolved, unless they lead into themselves; annotations are left out; a constant is an
    enumeration of one; what has no order is sorted; alternatives of alternatives are alternatives.
    """
    return _plain(schema, schema.get("$defs", {}), ())


def _plain(schema: Any, definitions: Mapping[str, Any], within: tuple[str, ...]) -> dict[str, Any]:
    if isinstance(schema, bool):
        return {} if schema else dict(NOTHING)
    reference = schema.get("$ref", "")
    name = reference.removeprefix(_DEFINITIONS)
    if reference.startswith(_DEFINITIONS) and name not in within:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return _plain(definitions[name] | beside, definitions, (*within, name))
    spelled: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ANNOTATIONS:
            continue
        if key in _ONE:
            spelled[key] = _plain(value, definitions, within)
        elif key in _LISTED:
            spelled[key] = [_plain(part, definitions, within) for part in value]
        elif key in _NAMED:
            spelled[key] = {field: _plain(part, definitions, within) for field, part in value.items()}
        else:
            spelled[key] = value
    if "const" in spelled:
        spelled["enum"] = [spelled.pop("const")]
    if "anyOf" in spelled:
        spelled["anyOf"] = _flat(spelled["anyOf"])
    for key in _UNORDERED & spelled.keys():
        spelled[key] = sorted(spelled[key], key=as_text)
    return spelled


def as_text(value: Any) -> str:
    """Return JSON of a value, the same for equal ones."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _flat(alternatives: list[dict[str, Any]]) -> list[dict[str, Any]]:
    flat: list[dict[str, Any]] = []
    for alternative in alternatives:
        flat += alternative["anyOf"] if alternative.keys() == {"anyOf"} else [alternative]
    return flat
