"""The schemas that the last release shipped: kept in one file, and compared with those of today.

`python -m studyspot.console.released_schemas` compares. With `--keep` it makes today's schemas those of the
project's version: a step of a release, taken by hand and never by another command.
"""

import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typer
from pydantic import TypeAdapter, ValidationError

from studyspot.catalogue.compatibility import breaches
from studyspot.catalogue.schemas import schemas
from studyspot.console.faults import Fault, told_plainly

COMMAND = "python -m studyspot.console.released_schemas"
KEPT = "deploy/released-schemas.json"

_ROOT = typer.Option(Path(), "--root", help="Folder of the project.")
_KEEP = typer.Option(False, "--keep", help="Make today's schemas those of the project's version.")


@dataclass(frozen=True, slots=True)
class ReleasedSchemas:
    """What a release shipped: JSON Schemas by their names on the wire; before the first release, nothing."""

    release: str | None
    schemas: dict[str, dict[str, Any]]


_released = TypeAdapter(ReleasedSchemas)


def read_released(root: Path) -> ReleasedSchemas:
    """Return what the last release shipped.

    Raises:
        Fault: nothing is kept of it, or something else.
    """
    try:
        return _released.validate_json((root / KEPT).read_bytes())
    except FileNotFoundError:
        raise Fault(f"{KEPT} is missing.", "Take it from version control.") from None
    except ValidationError as error:
        raise Fault(f"{KEPT} does not hold schemas: {error}.", "Take it from version control.") from error


def check(root: Path, today: dict[str, dict[str, Any]]) -> None:
    """Compare today's schemas with those of the last release, and tell each difference that breaks a reader.

    Raises:
        Fault: there is one.
    """
    released = read_released(root)
    found = breaches(released.schemas, today)
    for breach in found:
        typer.echo(str(breach), err=True)
    if found:
        raise Fault(
            f"Shipped events that are not what {released.release} shipped: {len(found)}.",
            "docs/evolving-events.md tells how an event gets a next version.",
        )


def keep(root: Path, release: str, today: dict[str, dict[str, Any]]) -> None:
    """Make today's schemas those of `release`.

    Raises:
        Fault: they break with the last release's, or that of this name is kept already.
    """
    if (root / KEPT).exists():
        if read_released(root).release == release:
            raise Fault(f"{KEPT} is that of {release}.", "Give the project its next version first.")
        check(root, today)
    shipped = {"release": release, "schemas": today}
    (root / KEPT).write_text(json.dumps(shipped, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def run(root: Path = _ROOT, kept: bool = _KEEP) -> None:
    """Compare today's schemas with the last release's, or keep them as a new release's.

    Raises:
        Fault: `root` is not the project; a shipped event was changed; the release is kept already.
    """
    if not (root / "pyproject.toml").is_file():
        raise Fault(f"{root.absolute()} is not the project's folder.", "Go there, or give it as --root.")
    if kept:
        keep(root, version("studyspot"), schemas())
    else:
        check(root, schemas())


def main() -> None:
    """Run the command line."""
    with told_plainly():
        typer.run(run)


if __name__ == "__main__":
    main()
