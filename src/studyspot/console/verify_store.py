"""`studyspot projections verify store`: the log itself, rather than what was made of it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import typer

from studyspot.console.faults import Fault
from studyspot.console.installation import begin, migrated_database_url, nats_url
from studyspot.console.output import camel_case, print_json, print_table
from studyspot.log_audit.audit import LogAudit, audit_log
from studyspot.log_audit.findings import Progress, Stage
from studyspot.log_audit.slices import AuditBroken


def verify_store(as_json: bool) -> None:
    """Compare positions, tags, tag index and stream with what they have to be; exit 1 if any differs."""
    settings = begin()
    try:
        with _progress() as progress:
            audit = audit_log(migrated_database_url(settings), nats_url(settings), progress)
    except AuditBroken as broken:
        raise Fault(f"The log was not verified: {broken}.", "Begin again.") from broken
    if as_json:
        print_json(_facts(audit))
    else:
        _print(audit)
    if audit.differences:
        raise typer.Exit(1)


def _facts(audit: LogAudit) -> dict[str, Any]:
    return {
        "head": audit.head,
        "epoch": audit.epoch,
        "events": audit.events,
        "tagRows": audit.tag_rows,
        "stream": camel_case(asdict(audit.stream)) if audit.stream else None,
        "differences": [camel_case(asdict(difference)) for difference in audit.differences],
        "storeSeconds": round(audit.store_took.total_seconds(), 3),
        "seconds": round(audit.took.total_seconds(), 3),
    }


def _print(audit: LogAudit) -> None:
    stream = audit.stream
    compared = f"{stream.first_position} to {stream.last_position}" if stream else None
    print_table(
        ("head", "epoch", "events", "tag rows", "stream", "lag", "seconds"),
        [
            (
                audit.head,
                audit.epoch,
                audit.events,
                audit.tag_rows,
                compared,
                stream.lag if stream else None,
                f"{audit.took.total_seconds():.1f}",
            )
        ],
    )
    if not audit.differences:
        typer.echo("Nothing differs.")
        return
    print_table(
        ("difference", "how many", "the first"),
        [(difference.kind, difference.count, difference.first) for difference in audit.differences],
    )


def _ignore(_stage: Stage, _done: int, _total: int) -> None:
    """Nobody watches."""


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show a bar for each stage on a terminal, on standard error; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield _ignore
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bars: dict[Stage, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:

        def show(stage: Stage, done: int, total: int) -> None:
            if stage not in bars:
                bars[stage] = shown.add_task(stage)
            shown.update(bars[stage], completed=done, total=total)

        yield show
