"""`studyspot accounts`, as it is typed."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from studyspot.access.keys import SigningKey
from tests.console.terminal import on_a_terminal
from tests.forked.command import run

ACCOUNTS = (sys.executable, "-m", "studyspot", "accounts")
PASSWORD = "correct horse"


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> Mapping[str, str]:
    """An installation whose commands need nothing but its database and its key."""
    SigningKey.generate().save(tmp_path / "key.pem")
    clean = {key: value for key, value in os.environ.items() if not key.startswith("STUDYSPOT_")}
    return clean | {
        "STUDYSPOT_HOME": str(tmp_path),
        "STUDYSPOT_DATABASE_URL": database_url,
        "STUDYSPOT_SIGNING_KEY": str(tmp_path / "key.pem"),
    }


async def ran(environment: Mapping[str, str], *arguments: str, typed: str = "") -> tuple[int, str, str]:
    """Run a command with this on its standard input; its status, output and errors."""
    ended = await run("accounts", *arguments, environment=environment, typed=typed)
    return ended.status, ended.output, ended.errors


async def told(environment: Mapping[str, str], *arguments: str, typed: str = "") -> Any:
    status, out, errors = await ran(environment, *arguments, "--json", typed=typed)
    assert status == 0, errors
    return json.loads(out)


def creating(email: str, role: str) -> tuple[str, ...]:
    return "create", "--email", email, "--name", "Meera", "--role", role, "--password-stdin"


async def test_an_administrator_is_made_listed_changed_and_erased(environment: Mapping[str, str]) -> None:
    made = await told(environment, *creating("Meera@Example.org", "admin"), typed=f"{PASSWORD}\n")
    assert (made["email"], made["role"]) == ("meera@example.org", "admin")
    row = {"id": made["id"], "email": "meera@example.org", "name": "Meera", "role": "admin"}
    assert await told(environment, "list") == [row | {"status": "active"}]
    by_address, by_id = "MEERA@example.org", made["id"]
    assert (await told(environment, "disable", by_address))["status"] == "disabled"
    assert (await told(environment, "role", by_id, "library_owner"))["role"] == "library_owner"
    assert (await told(environment, "erase", by_address, "--yes"))["status"] == "erased"
    gone = {"id": made["id"], "email": None, "name": None, "role": "library_owner", "status": "erased"}
    assert await told(environment, "list") == [gone]
    with psycopg.connect(environment["STUDYSPOT_DATABASE_URL"]) as connection:
        actors = connection.execute("SELECT convert_from(data, 'UTF8')::json->>'actor' FROM store.events")
        assert {actor for (actor,) in actors.fetchall()} == {"console"}


async def test_what_cannot_be_done_is_said_in_one_line_with_its_mend(environment: Mapping[str, str]) -> None:
    for arguments, typed, said in (
        (creating("no address", "admin"), PASSWORD, "The address cannot be used"),
        (creating("a@example.org", "king"), PASSWORD, "'king' is no role. Use one of student"),
        (creating("a@example.org", "admin"), "short", "The password cannot be used"),
        (("disable", "nobody@example.org"), "", "nobody@example.org has no account."),
        (("role", "from-elsewhere", "admin"), "", "from-elsewhere has no account here."),
        (creating("a@example.org", "admin")[:-1], "", "There is no terminal to ask for the password."),
    ):
        status, out, errors = await ran(environment, *arguments, typed=typed)
        assert (status, out, len(errors.splitlines())) == (1, "", 1), errors
        assert said in errors
        assert PASSWORD not in errors


async def test_on_a_terminal_the_password_is_asked_for_twice_and_shown_never(
    environment: Mapping[str, str],
) -> None:
    asked = creating("ravi@example.org", "student")[:-1]
    with on_a_terminal([*ACCOUNTS, *asked], environment) as terminal:
        await terminal.shows("Password: ")
        terminal.press(f"{PASSWORD}\n".encode())
        await terminal.shows("Again: ")
        terminal.press(f"{PASSWORD}\n".encode())
        await terminal.shows("ravi@example.org")
        assert await terminal.ends() == 0
        assert PASSWORD not in terminal.shown


async def test_no_password_is_taken_from_the_command_line(environment: Mapping[str, str]) -> None:
    status, _, errors = await ran(environment, *creating("a@example.org", "admin"), "--password", PASSWORD)
    assert status == 2
    assert "No such option" in errors
