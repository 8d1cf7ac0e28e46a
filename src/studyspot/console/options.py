"""Options that several commands share."""

import typer

ENVIRONMENT_ONLY = typer.Option(
    False, "--environment-only", hidden=True, help="Read no .env and no run.json."
)
AS_JSON = typer.Option(False, "--json", help="Print JSON.")
