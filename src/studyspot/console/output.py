"""Read-outs: a table for people, JSON for programs."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from pydantic.alias_generators import to_camel

if TYPE_CHECKING:
    from rich.table import Table


_LEVELS = 3
"""Of names: what is told, a fact within it, the columns of a row in that."""


def print_json(value: Any) -> None:
    """Print one JSON value on one line, flushed."""
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_UTC_Z) + b"\n")
    sys.stdout.buffer.flush()


def camel_case(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts under the names that JSON has for them, those within them too.

    A fact may have a row of a table within it; what a column of that holds is left as it is.
    """
    return _renamed(facts, _LEVELS)


def _renamed(facts: Mapping[str, Any], levels: int) -> dict[str, Any]:
    return {
        to_camel(name): _renamed(fact, levels - 1) if levels > 1 and isinstance(fact, Mapping) else fact
        for name, fact in facts.items()
    }


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, whole: Sequence[str] = ()) -> "Table":
    """Return rows under their columns, with a dash for what is not known.

    The columns in `whole` are not broken into lines.
    """
    from rich.table import Column, Table
    from rich.text import Text

    named = (Column(column, no_wrap=column in whole) for column in columns)
    made = Table(*named, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        # As it is: what stands in brackets is no markup.
        made.add_row(*(Text("–" if cell is None else str(cell)) for cell in row))
    return made


def print_line(text: str) -> None:
    """Print one line for people, however long."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, whole: Sequence[str] = ()) -> None:
    """Print rows under their columns; those in `whole` are not broken into lines."""
    print_rich(table(columns, rows, whole=whole))


def print_rich(made: "Table") -> None:
    """Print a table for people."""
    from rich.console import Console

    Console().print(made)
