"""What a projection is: one description, from which its worker, tables and status follow.

`changes` is pure: an event at its place in the log → changes of rows. Nothing else decides what a table
holds, so a batch, a replay and a rebuild end with the same rows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, LiteralString

from studyspot.catalogue.codec import Recorded
from studyspot.catalogue.types import type_of
from studyspot.domain.events import Event

Values = Mapping[str, Any]
"""Values by column; datetimes, numbers, text, and what JSON can say."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a projection: its columns with their SQL types, its key, and what it is searched by.

    The first column of `key` is the key of the projection: that of every event that touches the row.
    """

    name: str
    columns: Mapping[str, LiteralString] = field(hash=False)
    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()

    def key_of(self, values: Values) -> tuple[Any, ...]:
        return tuple([values[column] for column in self.key])


@dataclass(frozen=True, slots=True)
class PutRow:
    """The row is as given, whatever it was.

    Raises:
        ValueError: it does not name exactly the columns of its table.
    """

    table: Table
    row: Values

    def __post_init__(self) -> None:
        if self.row.keys() != self.table.columns.keys():
            wrong = sorted(self.row.keys() ^ self.table.columns.keys())
            raise ValueError(f"a row of {self.table.name} does not fit its columns: {', '.join(wrong)}")


@dataclass(frozen=True, slots=True)
class SetColumns:
    """Columns of an existing row change; where there is no such row, nothing does."""

    table: Table
    key: Values
    values: Values


@dataclass(frozen=True, slots=True)
class RemoveRow:
    table: Table
    key: Values


RowChange = PutRow | SetColumns | RemoveRow


@dataclass(frozen=True, slots=True)
class Projection:
    """A read model: the events it takes, and what each does to its rows.

    A new `version` has tables of its own. `key` names fields of its events: the first that an event has is
    its key. Events whose keys differ touch different rows, so keys may be applied apart from one another.
    `passes_by` tells from the type and the stored data that an event changes nothing, so that it need not be
    decoded.
    """

    name: str
    version: int
    tables: tuple[Table, ...]
    event_classes: tuple[type[Event], ...]
    key: tuple[str, ...]
    changes: Callable[[Recorded], tuple[RowChange, ...]]
    passes_by: Callable[[str, bytes], bool] | None = None

    def key_of(self, event: Event) -> str:
        """Return the key of an event that it takes."""
        field = next(field for field in self.key if hasattr(event, field))
        return str(getattr(event, field))

    def event_types(self) -> frozenset[str]:
        """Return the stored types of the events that it takes."""
        return frozenset(type_of(event_class) for event_class in self.event_classes)
