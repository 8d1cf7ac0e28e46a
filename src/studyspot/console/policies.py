"""The commands of policies. Everything heavy is imported by the command that needs it."""

import typer

from studyspot.console.options import AS_JSON, ENVIRONMENT_ONLY

policies = typer.Typer(help="Deadlines and notices.", no_args_is_help=True)


@policies.command("run")
def run(environment_only: bool = ENVIRONMENT_ONLY) -> None:
    """Keep deadlines, and send notices."""
    from studyspot.console.services import run_policies

    run_policies(environment_only)


@policies.command("status")
def status(as_json: bool = AS_JSON) -> None:
    """Show position, head and lag, what is to be done, and what failed for no passing reason."""
    from studyspot.console.status import show_policies

    show_policies(as_json)
