"""`studyspot accounts …`: the commands; what they do is next door."""

import typer

from studyspot.console.options import AS_JSON

accounts = typer.Typer(help="People: make, list, bar and erase accounts; change roles.", no_args_is_help=True)

WHO = typer.Argument(..., help="The address or the id of the person.")


@accounts.command("create")
def create(
    email: str = typer.Option(..., help="Their address."),
    name: str = typer.Option(..., help="What others see them as."),
    role: str = typer.Option("student", help="student, library_owner, staff or admin."),
    password_stdin: bool = typer.Option(
        False, "--password-stdin", help="Read the password from standard input, not from a prompt."
    ),
    as_json: bool = AS_JSON,
) -> None:
    """Make an account, of any role: administrators are made here alone."""
    from studyspot.console.people import make

    make(email, name, role, password_stdin, as_json)


@accounts.command("list")
def list_accounts(as_json: bool = AS_JSON) -> None:
    """Show everybody who has an account, or is barred without one."""
    from studyspot.console.people import show_all

    show_all(as_json)


@accounts.command("disable")
def disable(who: str = WHO, as_json: bool = AS_JSON) -> None:
    """Let somebody do nothing more, until they are enabled."""
    from studyspot.console.people import change

    change(who, "disabled", as_json)


@accounts.command("enable")
def enable(who: str = WHO, as_json: bool = AS_JSON) -> None:
    """Let somebody who is disabled act again."""
    from studyspot.console.people import change

    change(who, "active", as_json)


@accounts.command("erase")
def erase(
    who: str = WHO,
    yes: bool = typer.Option(False, "--yes", help="Ask nothing."),
    as_json: bool = AS_JSON,
) -> None:
    """Delete all that is known of somebody, for ever; what happened stays, under an id."""
    from studyspot.console.people import change

    if not yes:
        typer.confirm(f"Erase {who} for ever?", abort=True, err=True)
    change(who, "erased", as_json)


@accounts.command("role")
def role(
    who: str = WHO,
    role: str = typer.Argument(..., help="student, library_owner, staff or admin."),
    as_json: bool = AS_JSON,
) -> None:
    """Change the role of somebody; their next token has it."""
    from studyspot.console.people import change_role

    change_role(who, role, as_json)
