"""`studyspot projections …`: read models, their workers and their lag."""

import typer

from studyspot.console.options import AS_JSON, ENVIRONMENT_ONLY

projections = typer.Typer(help="Read models: their workers and their lag.", no_args_is_help=True)
projections.rich_markup_mode = None

WORKERS = typer.Option(2, min=1, max=64, help="How many processes read the log.")
NAMES = typer.Argument(None, help="Which ones; all without a name.")
NAME = typer.Argument(..., help="Which one.")
PARKED_AT = typer.Argument(None, min=1, max=2**63 - 1, help="Show this one in full.")
POSITION = typer.Argument(..., min=1, max=2**63 - 1, help="Of the first parked event of its key.")
WATCHED = typer.Option(
    False,
    "--watch",
    help="Show it each second until Ctrl-C; with --json, or not on a terminal, as one line of JSON a second.",
)


@projections.command("run")
def run(names: list[str] = NAMES, environment_only: bool = ENVIRONMENT_ONLY) -> None:
    """Keep read models up to date."""
    from studyspot.console.services import run_projections

    run_projections(names or [], environment_only)


@projections.command("status")
def status(as_json: bool = AS_JSON, watched: bool = WATCHED) -> None:
    """Show position, head and lag of each projection.

    Lag is in events, and in seconds that the oldest of them has waited; p50 and p99 are how long the events
    of the last minute took from their command's decision until they could be read.
    """
    from studyspot.console.status import show_projections

    show_projections(as_json, watched)


@projections.command("rebuild")
def rebuild(
    name: str = typer.Argument(None, help="Which one."),
    every: bool = typer.Option(False, "--all", help="Every projection."),
    workers: int = WORKERS,
    as_json: bool = AS_JSON,
) -> None:
    """Build read models anew from the log, while the old ones are read and kept up.

    One that was stopped is gone on with. Readers move to the new build at once, never to an older
    position.
    """
    from studyspot.console.rebuild import run_rebuild

    run_rebuild(name, every, workers, as_json)


@projections.command("verify")
def verify(
    name: str = typer.Argument(..., help="Which one; `store` compares log, tags and stream instead."),
    sample: int = typer.Option(None, min=1, help="Look at about so many keys only, chosen by chance."),
    workers: int = WORKERS,
    as_json: bool = AS_JSON,
) -> None:
    """Compare what is read with what the log says, and name the first difference; exit 1 if there is one."""
    if name == "store":
        from studyspot.console.verify_store import verify_store

        verify_store(as_json)
        return
    from studyspot.console.rebuild import run_verify

    if not run_verify(name, sample, workers, as_json):
        raise typer.Exit(1)


@projections.command("parked")
def parked(name: str = NAME, position: int = PARKED_AT, as_json: bool = AS_JSON) -> None:
    """Show the events that could not be applied, by key; or one of them, with what follows it."""
    from studyspot.console.parked import show_event, show_keys

    if position is None:
        show_keys(name, as_json)
    else:
        show_event(name, position, as_json)


@projections.command("retry")
def retry(name: str = NAME, position: int = POSITION, as_json: bool = AS_JSON) -> None:
    """Apply the parked events of one key again, from its first; exit 1 if one still fails."""
    from studyspot.console.parked import run_retry

    if not run_retry(name, position, as_json):
        raise typer.Exit(1)


@projections.command("drop")
def drop(
    name: str = NAME,
    position: int = POSITION,
    reason: str = typer.Option(..., help="Why; it is kept."),
    as_json: bool = AS_JSON,
) -> None:
    """Leave a parked event out for ever, and apply what follows it; exit 1 if that still fails."""
    from studyspot.console.parked import run_drop

    if not run_drop(name, position, reason, as_json):
        raise typer.Exit(1)
