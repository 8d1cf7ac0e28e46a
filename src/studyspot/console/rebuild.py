"""Rebuilding and verifying projections, with a progress bar."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import asdict
from time import monotonic
from typing import Any

from pydantic.alias_generators import to_camel
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from studyspot.catalogue.types import UnknownEvent
from studyspot.console.faults import Fault
from studyspot.console.installation import begin, migrated_database_url
from studyspot.console.output import camel_case, print_json, print_line, print_table
from studyspot.event_store.store import EventStore
from studyspot.projections.builds import Build
from studyspot.projections.errors import ProjectionStopped
from studyspot.projections.models.registry import PROJECTIONS, UnknownProjection, named
from studyspot.projections.projection import Projection
from studyspot.projections.rebuild.errors import RebuildError
from studyspot.projections.rebuild.progress import Progress as Told
from studyspot.projections.rebuild.run import Rebuilt, rebuild_all
from studyspot.projections.verification.comparison import Difference
from studyspot.projections.verification.run import Verified, verify

_WORTH_A_RATE = 10_000


def run_rebuild(name: str | None, every: bool, workers: int, as_json: bool) -> None:
    """Rebuild one projection, or all."""
    if (name is None) is not every:
        raise Fault("Name one projection, or ask for all with --all.", f"There are: {_names()}.")
    projections = PROJECTIONS if name is None else _chosen(name)
    asyncio.run(_rebuild(projections, migrated_database_url(begin()), workers, as_json))


def run_verify(name: str, sample: int | None, workers: int, as_json: bool) -> bool:
    """Compare what is read of one projection with the log; return whether it is the same."""
    (projection,) = _chosen(name)
    url, begun = migrated_database_url(begin()), monotonic()
    with _told(), _progress() as tell:
        verified = asyncio.run(
            verify(projection, database_url=url, workers=workers, sample=sample, tell=tell)
        )
    _show_verified(verified, monotonic() - begun, as_json)
    return verified.difference is None


async def _rebuild(projections: Sequence[Projection], url: str, workers: int, as_json: bool) -> None:
    begun = monotonic()
    with _told(), EventStore(url, read_connections=2) as store, _progress() as tell:
        rebuilding = rebuild_all(projections, database_url=url, store=store, workers=workers, tell=tell)
        async with aclosing(rebuilding):
            done = [(rebuilt, monotonic() - begun) async for rebuilt in rebuilding]
    for rebuilt, seconds in done:
        _show_rebuilt(rebuilt, seconds, as_json)


def _show_rebuilt(rebuilt: Rebuilt, seconds: float, as_json: bool) -> None:
    build, rate = rebuilt.build, round(rebuilt.events / seconds)
    if as_json:
        facts: dict[str, Any] = {
            "name": build.name,
            "version": build.version,
            "build": build.number,
            "position": rebuilt.position,
            "events": rebuilt.events,
            "parked": rebuilt.parked,
            "seconds": round(seconds, 1),
            "events_per_second": rate,
        }
        print_json(camel_case(facts))
        return
    speed = f", {rate:,} a second" if rebuilt.events >= _WORTH_A_RATE else ""
    print_line(
        f"{build.name} is read from build {build.number} now, at position {rebuilt.position}:"
        f" {_many(rebuilt.events, 'event')} in {seconds:.1f} s{speed}."
    )
    if rebuilt.parked:
        print_line(
            f"Parked: {_many(rebuilt.parked, 'event')}. See `studyspot projections parked {build.name}`."
        )


def _show_verified(verified: Verified, seconds: float, as_json: bool) -> None:
    build, difference = verified.build, verified.difference
    if as_json:
        facts: dict[str, Any] = {
            "name": build.name,
            "version": build.version,
            "build": build.number,
            "position": verified.position,
            "rows": verified.rows,
            "sampled_keys": verified.keys,
            "parked_keys": verified.parked,
            "seconds": round(seconds, 1),
            "same": difference is None,
            "difference": difference
            and {**asdict(difference), "columns": [to_camel(column) for column in difference.columns]},
        }
        print_json(camel_case(facts))
        return
    looked_at = _many(verified.rows, "row")
    if verified.keys is not None:
        looked_at += f" of {_many(verified.keys, 'key')}"
    if verified.parked:
        print_line(
            f"{verified.parked} parked keys are left out: `studyspot projections parked {build.name}`."
        )
    if difference is None:
        place = f"position {verified.position}"
        print_line(f"{build.name} is as the log says at {place}: {looked_at} in {seconds:.1f} s.")
        return
    _show_difference(build, difference)


def _show_difference(build: Build, difference: Difference) -> None:
    key = ", ".join(f"{column} {value}" for column, value in difference.key.items())
    if difference.found is None:
        print_line(f"{build.name} differs from the log: table {difference.table} lacks the row of {key}.")
    elif difference.expected is None:
        print_line(f"{build.name} differs from the log: table {difference.table} has a row too many: {key}.")
    else:
        print_line(f"{build.name} differs from the log: table {difference.table}, {key}:")
        expected, found = difference.expected, difference.found
        print_table(
            ("column", "by the log", "as read"),
            [(column, expected[column], found.get(column)) for column in difference.columns],
        )
    print_line(f"`studyspot projections rebuild {build.name}` makes it anew.")


@contextmanager
def _told() -> Iterator[None]:
    """Say what ends a rebuild in one line."""
    try:
        yield
    except RebuildError as error:
        raise Fault(_sentence(error.reason), _sentence(error.mend)) from error
    except ProjectionStopped as stopped:
        raise Fault(_sentence(stopped.reason), _sentence(stopped.mend)) from stopped
    except UnknownEvent as error:
        raise Fault(
            f"The log holds what a newer release wrote: {error}.", "Let that release rebuild and verify."
        ) from error


@contextmanager
def _progress() -> Iterator[Callable[[Told], None]]:
    """Show progress on a terminal, beside the output."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.fields[name]}: {task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    tasks: dict[str, TaskID] = {}

    def tell(told: Told) -> None:
        if told.name not in tasks:
            tasks[told.name] = bar.add_task(told.stage, name=told.name, rate="", total=None)
        task = tasks[told.name]
        speed = bar.tasks[task].speed
        bar.update(
            task,
            description=told.stage,
            rate=f"{speed:,.0f} events/s" if speed else "",
            completed=told.events,
            total=told.of_events or None,
        )

    with bar:
        yield tell


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _chosen(name: str) -> Sequence[Projection]:
    try:
        return named([name])
    except UnknownProjection as error:
        raise Fault(f"There is no projection {name!r}.", f"There are: {_names()}.") from error


def _names() -> str:
    return ", ".join(projection.name for projection in PROJECTIONS)
