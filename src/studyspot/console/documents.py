"""Documents that follow from the code: written into the project, and compared with what is committed.

`python -m studyspot.console.documents` writes them; with `--check` it names those that are not up to date.
"""

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

import typer

from studyspot.access.access_tokens import AccessTokens
from studyspot.access.keys import SigningKey
from studyspot.access.server_secrets import ServerSecrets
from studyspot.access.tokens import Verifier
from studyspot.api import ApiConfig, create_app
from studyspot.catalogue.schemas import asyncapi, schemas
from studyspot.console.faults import Fault, told_plainly
from studyspot.settings import Settings
from studyspot.wire.problems import OTHERS, REFUSALS

COMMAND = "python -m studyspot.console.documents"
SCHEMA_FOLDER = "deploy/schemas"

_ROOT = typer.Option(Path(), "--root", help="Folder of the project.")
_CHECK = typer.Option(False, "--check", help="Write nothing; fail when a document is not up to date.")


@cache
def documents() -> Mapping[str, str]:
    """Return the text of every generated document by its path inside the project."""
    described = {
        "deploy/asyncapi.json": _json(asyncapi(version("studyspot"))),
        "deploy/openapi.json": _json(_openapi()),
        "docs/problems.md": _problems(),
        "docs/settings.md": _settings(),
    }
    for name, schema in schemas().items():
        described[f"{SCHEMA_FOLDER}/{name}.json"] = _json(schema)
    return MappingProxyType(described)


def stale_documents(root: Path) -> tuple[str, ...]:
    """Return a phrase for each document below `root` that is not what the code says."""
    stale = []
    for path, text in documents().items():
        target = root / path
        if not target.exists():
            stale.append(f"{path} is missing")
        elif target.read_text(encoding="utf-8") != text:
            stale.append(f"{path} is out of date")
    return (*stale, *(f"{path} describes no event" for path in _left_over(root)))


def write_documents(root: Path) -> None:
    """Write every document below `root`, and remove schemas of events that are no more."""
    for path, text in documents().items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    for path in _left_over(root):
        (root / path).unlink()


def run(root: Path = _ROOT, check: bool = _CHECK) -> None:
    """Write the generated documents, or compare them with those that are there.

    Raises:
        Fault: `root` is not the project; a document is not up to date.
    """
    if not (root / "pyproject.toml").is_file():
        raise Fault(f"{root.absolute()} is not the project's folder.", "Go there, or give it as --root.")
    if not check:
        write_documents(root)
        return
    stale = stale_documents(root)
    for phrase in stale:
        typer.echo(phrase, err=True)
    if stale:
        raise Fault(f"Documents that are not up to date: {len(stale)}.", f"Run `{COMMAND}`, and commit them.")


def main() -> None:
    """Run the command line."""
    with told_plainly():
        typer.run(run)


def _left_over(root: Path) -> Iterator[str]:
    known = {f"{name}.json" for name in schemas()}
    for found in sorted((root / SCHEMA_FOLDER).glob("*.json")):
        if found.name not in known:
            yield f"{SCHEMA_FOLDER}/{found.name}"


def _openapi() -> dict[str, Any]:
    # A description needs no engine and no real key: nothing of what the process is told stands in it.
    key = SigningKey.generate()
    config = ApiConfig(
        database_url="",
        nats_url="",
        verifier=Verifier.of([key.jwks()], issuer="", audience=""),
        secrets=ServerSecrets(key),
        access_tokens=AccessTokens(key, "", ""),
        fanout_url="",
    )
    return create_app(config).openapi()


def _settings() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        meaning = field.description or ""
        if get_origin(field.annotation) is Literal:
            meaning += f": {', '.join(f'`{choice}`' for choice in get_args(field.annotation))}"
        rows.append((f"`STUDYSPOT_{name.upper()}`", _default(field.default), meaning))
    return _page(
        "Settings",
        "Environment variables, or lines of a file `.env`. What neither names is looked up in the `run.json`"
        "\nthat `studyspot up` keeps in its home; what that does not name either has its default.",
        ("Variable", "Default", "Meaning"),
        rows,
    )


def _default(value: object) -> str:
    if value is None or value == ():
        return "–"
    return f"`{','.join(value) if isinstance(value, tuple) else value}`"


def _problems() -> str:
    kinds = [(kind, "–") for kind in OTHERS]
    kinds += [(kind, inspect.getdoc(refusal) or "") for refusal, kind in REFUSALS.items()]
    return _page(
        "Problems",
        "What goes wrong over HTTP is answered as `application/problem+json` (RFC 9457). Programs go by"
        "\n`type`, which is stable; `detail` is for people, and tells of the request where none stands here.",
        ("Type", "Title", "Status", "Detail"),
        [(f"`{kind.type}`", kind.title, str(kind.status), detail) for kind, detail in kinds],
    )


def _page(title: str, introduction: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    table = (columns, ["---"] * len(columns), *rows)
    lines = ("| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in table)
    note = f"<!-- Generated by `{COMMAND}`; what is written here by hand is lost. -->"
    return "\n".join((f"# {title}", "", note, "", introduction, "", *lines, ""))


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
