"""Whether a release may follow another: shipped versions of events are compared with those of today.

Stored events must be readable for ever, and whoever was written against a shipped schema must be able to read
new ones. What narrows a schema fails the first, what widens it the second: so a shipped version says the same
for ever, and a change of what it says is its next version. Free are words for people, order and spelling, new
events and versions, and an optional field of an object that was open, such as the envelope.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any

from studyspot.catalogue.spelling import NOTHING, as_text, plain

Schema = Mapping[str, Any]


@unique
class Rule(StrEnum):
    """What must not happen to a shipped version."""

    VERSION_REMOVED = "version-removed"
    FIELD_REMOVED = "field-removed"
    FIELD_ADDED = "field-added"
    REQUIRED_FIELD_ADDED = "required-field-added"
    NOW_REQUIRED = "now-required"
    NO_LONGER_REQUIRED = "no-longer-required"
    TYPE_CHANGED = "type-changed"
    TYPE_NARROWED = "type-narrowed"
    TYPE_WIDENED = "type-widened"
    VALUE_REMOVED = "value-removed"
    VALUE_ADDED = "value-added"
    DEFAULT_CHANGED = "default-changed"
    FORMAT_CHANGED = "format-changed"
    LIMIT_CHANGED = "limit-changed"


HARM: Mapping[Rule, str] = {
    Rule.VERSION_REMOVED: "logs and streams still hold such events",
    Rule.FIELD_REMOVED: "consumers look for it",
    Rule.FIELD_ADDED: "consumers and processes of the last release refuse what they do not know",
    Rule.REQUIRED_FIELD_ADDED: "events were stored without it",
    Rule.NOW_REQUIRED: "events were stored without it",
    Rule.NO_LONGER_REQUIRED: "consumers rely on it",
    Rule.TYPE_CHANGED: "stored events and consumers keep to the old one",
    Rule.TYPE_NARROWED: "events were stored with it",
    Rule.TYPE_WIDENED: "consumers do not expect it",
    Rule.VALUE_REMOVED: "events were stored with it",
    Rule.VALUE_ADDED: "consumers do not know it",
    Rule.DEFAULT_CHANGED: "events that were stored without the field would come to mean something else",
    Rule.FORMAT_CHANGED: "stored events and consumers keep to the old one",
    Rule.LIMIT_CHANGED: "a closer limit fails stored events, a wider one fails consumers",
}
"""Whom it would break, and why."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A shipped version that no longer says what it said; as text, a sentence with the mend.

    `field` is its path in the message, such as `data.plans[].unit`; empty for the whole message.
    """

    version: str
    field: str
    rule: Rule
    change: str

    def __str__(self) -> str:
        where = f"{self.version}: {self.field} " if self.field else f"{self.version} "
        _, _, number = self.version.rpartition(".v")
        mend = f"Leave v{number} as it was shipped, and make the change in v{int(number) + 1}."
        return f"{where}{self.change} ({self.rule}): {HARM[self.rule]}. {mend}"


def breaches(shipped: Mapping[str, Schema], today: Mapping[str, Schema]) -> tuple[Breach, ...]:
    """Return every way in which today's schemas break with those that were shipped; both by their names."""
    found: list[Breach] = []
    for name, schema in shipped.items():
        if name in today:
            differences = _of_any(plain(schema), plain(today[name]), "")
            found += (Breach(name, field, rule, change) for field, rule, change in differences)
        else:
            found.append(Breach(name, "", Rule.VERSION_REMOVED, "is gone"))
    return tuple(found)


_Difference = tuple[str, Rule, str]
_HANDLED = frozenset({"additionalProperties", "default", "enum", "items", "properties", "required", "type"})


def _of_any(old: Schema, new: Schema, field: str) -> Iterator[_Difference]:
    """Compare two schemas, each of which may be a choice of several."""
    if as_text(old) == as_text(new):
        return
    if (before := _text(old, "default")) != (now := _text(new, "default")):
        yield field, Rule.DEFAULT_CHANGED, f"has the default {now}, and had {before}"
    # By their text: to Python, 1 is True.
    choices, choices_now = ({as_text(choice): choice for choice in _choices(schema)} for schema in (old, new))
    gone = [choice for text, choice in choices.items() if text not in choices_now]
    come = [choice for text, choice in choices_now.items() if text not in choices]
    if len(gone) == len(come) == 1:
        yield from _of_one(gone[0], come[0], field)
        return
    for choice in gone:
        yield field, Rule.TYPE_NARROWED, f"may no longer be {_named(choice)}"
    for choice in come:
        yield field, Rule.TYPE_WIDENED, f"may now be {_named(choice)}"


def _of_one(old: Schema, new: Schema, field: str) -> Iterator[_Difference]:
    """Compare two schemas without choices."""
    if old.get("type") != new.get("type"):
        yield field, Rule.TYPE_CHANGED, f"is {_named(new)}, and was {_named(old)}"
        return
    yield from _of_values(old, new, field)
    yield from _of_fields(old, new, field)
    yield from _of_any(old.get("items", {}), new.get("items", {}), f"{field}[]")
    for keyword in sorted((old.keys() | new.keys()) - _HANDLED):
        if old.get(keyword) != new.get(keyword):
            rule = Rule.FORMAT_CHANGED if keyword == "format" else Rule.LIMIT_CHANGED
            yield field, rule, f"has {keyword} {_text(new, keyword)}, and had {_text(old, keyword)}"


def _of_values(old: Schema, new: Schema, field: str) -> Iterator[_Difference]:
    if ("enum" in old) != ("enum" in new):
        yield field, Rule.LIMIT_CHANGED, f"has the values {_text(new, 'enum')}, and had {_text(old, 'enum')}"
        return
    before, now = ({as_text(value) for value in schema.get("enum", ())} for schema in (old, new))
    for value in sorted(before - now):
        yield field, Rule.VALUE_REMOVED, f"may no longer be {value}"
    for value in sorted(now - before):
        yield field, Rule.VALUE_ADDED, f"may now be {value}"


def _of_fields(old: Schema, new: Schema, field: str) -> Iterator[_Difference]:
    before, now = (schema.get("properties", {}) for schema in (old, new))
    was_required, is_required = (frozenset(schema.get("required", ())) for schema in (old, new))
    others, others_now = (schema.get("additionalProperties", {}) for schema in (old, new))
    for name, schema in before.items():
        path = f"{field}.{name}".lstrip(".")
        if name not in now:
            yield path, Rule.FIELD_REMOVED, "is gone"
            continue
        yield from _of_any(schema, now[name], path)
        if name in is_required - was_required:
            yield path, Rule.NOW_REQUIRED, "is required"
        if name in was_required - is_required:
            yield path, Rule.NO_LONGER_REQUIRED, "is no longer required"
    for name in sorted(now.keys() - before.keys()):
        path = f"{field}.{name}".lstrip(".")
        if name in is_required:
            yield path, Rule.REQUIRED_FIELD_ADDED, "is new, and required"
        elif others != {}:
            yield path, Rule.FIELD_ADDED, "is new"
    if NOTHING in (others, others_now) or {} in (others, others_now):
        if others != others_now:
            yield field, Rule.LIMIT_CHANGED, f"has {_openness(others_now)}, and had {_openness(others)}"
    else:
        yield from _of_any(others, others_now, f"{field}.*".lstrip("."))


def _choices(schema: Schema) -> list[Schema]:
    apart_from_default = {key: value for key, value in schema.items() if key != "default"}
    if apart_from_default.keys() == {"anyOf"}:
        choices: list[Schema] = schema["anyOf"]
        return choices
    return [apart_from_default]


def _named(schema: Schema) -> str:
    """Return what a schema allows, in a word if there is one."""
    return str(schema.get("type")) if "type" in schema else as_text(schema)


def _openness(others: Schema) -> str:
    return {"{}": "any other field", as_text(NOTHING): "no other field"}.get(
        as_text(others), f"other fields {as_text(others)}"
    )


def _text(schema: Schema, keyword: str) -> str:
    return as_text(schema[keyword]) if keyword in schema else "none"
