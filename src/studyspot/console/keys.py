"""`studyspot keys …`: the keys of this installation's own tokens."""

from datetime import UTC, datetime

import typer

from studyspot.console.options import AS_JSON

keys = typer.Typer(help="The keys of this installation's tokens.", no_args_is_help=True)


@keys.command("show")
def show(as_json: bool = AS_JSON) -> None:
    """Show which key signs, and which older ones are accepted until when."""
    from studyspot.console.key_rotation import show_keys

    show_keys(as_json, datetime.now(UTC))


@keys.command("rotate")
def rotate(
    accept_for: str = typer.Option(
        "30d", help="How long the old key is accepted: 0s at once no more, as when it has leaked."
    ),
    as_json: bool = AS_JSON,
) -> None:
    """Make a new key; it signs once the API has been started again."""
    from studyspot.console.key_rotation import rotate_keys

    rotate_keys(accept_for, as_json, datetime.now(UTC))
