"""Criteria as SQL: grouped by the index that serves them, looked up many at a time.

A group is all criteria of the same shape; their tags travel as one array, their types as another. So a batch
of hundreds of conditions is an index loop or two, and the statement's text depends on the shapes alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from studyspot.event_store.arrays import (
    BigintArray,
    PackedArray,
    SmallintArray,
    TextArray,
    text_array_literal,
)
from studyspot.event_store.types import Criterion


@dataclass(frozen=True, slots=True)
class Shape:
    """What a group's criteria name, and so which index serves them."""

    typed: bool
    tagged: bool
    several_tags: bool
    newest: bool = False


@dataclass(slots=True)
class Group:
    """Criteria that differ only in their types and tags, and in the condition they belong to."""

    shape: Shape
    commands: SmallintArray = field(default_factory=SmallintArray)
    types: TextArray = field(default_factory=TextArray)
    tags: TextArray = field(default_factory=TextArray)
    other_tags: TextArray = field(default_factory=TextArray)
    afters: BigintArray = field(default_factory=BigintArray)

    def parameters(self, number: int) -> dict[str, PackedArray[Any]]:
        """Return this group's parameters, named as the SQL of group `number` names them."""
        return {
            f"types_{number}": self.types,
            f"tags_{number}": self.tags,
            f"other_tags_{number}": self.other_tags,
            f"commands_{number}": self.commands,
            f"afters_{number}": self.afters,
        }


class Groups:
    """The criteria of one query, or of every condition in a batch."""

    def __init__(self) -> None:
        self._groups: dict[tuple[bool, bool, bool, bool], Group] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def add(self, criteria: Iterable[Criterion], *, command: int = 0, after: int = 0) -> None:
        """Add criteria that must match after position `after`; without any, every event matches."""
        for criterion in tuple(criteria) or (Criterion(),):
            types, tags = criterion.types, criterion.tags
            shape = (bool(types), bool(tags), len(tags) > 1, criterion.newest)
            group = self._groups.get(shape)
            if group is None:
                group = self._groups[shape] = Group(Shape(*shape))
            group.commands.append(command)
            group.afters.append(after)
            if types:
                group.types.append(_types_literal(types))
            if tags:
                group.tags.append(tags[0])
            if len(tags) > 1:
                group.other_tags.append(text_array_literal(tags[1:]))

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shape of each group, in the order of their parameters."""
        return tuple(group.shape for group in self._groups.values())

    def parameters(self) -> dict[str, PackedArray[Any]]:
        """Return the parameters of all groups."""
        merged: dict[str, PackedArray[Any]] = {}
        for number, group in enumerate(self._groups.values()):
            merged.update(group.parameters(number))
        return merged


@lru_cache(maxsize=512)
def _types_literal(types: tuple[str, ...]) -> str:
    return text_array_literal(types)


# LATERAL … LIMIT 1 keeps one index probe per criterion, whatever the planner believed about table sizes.
_LOST = """
        SELECT c.command FROM ({criteria}) c CROSS JOIN LATERAL (
            SELECT FROM {table} t WHERE t.position > c.after {own_type} {own_tags} LIMIT 1
        ) hit"""

_MATCHING = """
        SELECT m.position FROM ({criteria}) c {each_type} CROSS JOIN LATERAL (
            SELECT t.position FROM {table} t
            WHERE t.position > c.after AND t.position <= %(until)b {own_type} {own_tags} {first}
        ) m"""

# Planned while the log is short, the two were joined the other way about: every event of the types was read,
# to look for the tags among them, and that plan stayed while the log grew.
_APART = "OFFSET 0"

_OTHER_TAGS = """AND NOT EXISTS (
                SELECT FROM unnest(c.other_tags::text[]) o(tag) WHERE NOT EXISTS (
                    SELECT FROM store.event_tags x
                    WHERE x.tag = o.tag AND x.type = t.type AND x.position = t.position))"""

_UNNEST = "SELECT * FROM unnest({values}) u({names})"


def lost_commands(shapes: tuple[Shape, ...]) -> str:
    """Return SQL for the commands (a `smallint` each) of whose criteria one matches a stored event."""
    return "\nUNION\n".join(_lost(number, shape) for number, shape in enumerate(shapes))


def matching_positions(shapes: tuple[Shape, ...], *, limited: bool) -> str:
    """Return SQL for the positions up to `until` that match, repeated where several criteria do.

    With `limited`, no tag and type yields more than its first `limit`, so that one page of a long history
    costs a page.
    """
    return "\nUNION ALL\n".join(_matching(number, shape, limited) for number, shape in enumerate(shapes))


def _lost(number: int, shape: Shape) -> str:
    return _LOST.format(
        criteria=_unnested(number, shape, per_command=True),
        table=_table(shape),
        own_type=_own_type(shape),
        own_tags=_own_tags(shape),
    )


def _matching(number: int, shape: Shape, limited: bool) -> str:
    each_type, own_type = "", _own_type(shape)
    if (limited or shape.newest) and shape.typed:
        each_type = "CROSS JOIN LATERAL unnest(c.types::text[]) y(type)"
        own_type = "AND t.type = y.type"
    first = "ORDER BY t.position LIMIT %(limit)b" if limited else _APART
    if shape.newest:
        first = "ORDER BY t.position DESC LIMIT 1"
    return _MATCHING.format(
        criteria=_unnested(number, shape, per_command=False),
        each_type=each_type,
        table=_table(shape),
        own_type=own_type,
        own_tags=_own_tags(shape),
        first=first,
    )


def _table(shape: Shape) -> str:
    return "store.event_tags" if shape.tagged else "store.events"


def _unnested(number: int, shape: Shape, *, per_command: bool) -> str:
    columns = {"after": f"%(afters_{number})b::bigint[]"}
    if per_command:
        columns["command"] = f"%(commands_{number})b::smallint[]"
    if shape.typed:
        columns["types"] = f"%(types_{number})b::text[]"
    if shape.tagged:
        columns["tag"] = f"%(tags_{number})b::text[]"
    if shape.several_tags:
        columns["other_tags"] = f"%(other_tags_{number})b::text[]"
    return _UNNEST.format(values=", ".join(columns.values()), names=", ".join(columns))


def _own_type(shape: Shape) -> str:
    return "AND t.type = ANY(c.types::text[])" if shape.typed else ""


def _own_tags(shape: Shape) -> str:
    return ("AND t.tag = c.tag" if shape.tagged else "") + (f" {_OTHER_TAGS}" if shape.several_tags else "")
