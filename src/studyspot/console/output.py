"""Read-outs: a table for people, JSON for programs."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from pydantic.alias_generators import to_camel

if TYPE_CHECKING:
    from rich.table import Table


def print_json(value: Any) -> None:
    """Print one JSON value on one line, flushed."""
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_UTC_Z) + b"\n")
    sys.stdout.buffer.flush()


def camel_case(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts under the names that JSON has for them."""
    return {to_camel(name): fact for name, fact in facts.items()}


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> "Table":
    """Return rows under their columns, with a dash for what is not known."""
    from rich.table import Table

    made = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        made.add_row(*("–" if cell is None else str(cell) for cell in row))
    return made


def print_line(text: str) -> None:
    """Print one line for people, however long."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows under their columns."""
    print_rich(table(columns, rows))


def print_rich(made: "Table") -> None:
    """Print a table for people."""
    from rich.console import Console

    Console().print(made)
