"""`studyspot projections …`: read models, their workers and their lag."""

import typer

from studyspot.console.options import AS_JSON, ENVIRONMENT_ONLY

projections = typer.Typer(help="Read models: their workers and their lag.", no_args_is_help=True)
projections.rich_markup_mode = None

NAMES = typer.Argument(None, help="Which ones; all without a name.")
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
