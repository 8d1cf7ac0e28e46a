"""`studyspot keys` and `studyspot token`: the keys of a home, looked at and rotated."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from studyspot.access.key_folder import KeyFolder
from studyspot.access.tokens import TokenRefused, Verifier
from tests.forked import command


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose keys have been made."""
    KeyFolder(tmp_path / "keys").open(datetime.now(UTC))
    return tmp_path


async def run(home: Path, *arguments: str, **variables: str) -> command.Ended:
    own = {name: value for name, value in os.environ.items() if not name.startswith("STUDYSPOT_")}
    environment = own | {"STUDYSPOT_HOME": str(home)} | variables
    return await command.run(*arguments, environment=environment, directory=home)


def accepted(home: Path, token: str) -> bool:
    published = json.loads((home / "keys/jwks.json").read_text())
    verifier = Verifier.of([published], issuer="studyspot", audience="studyspot")
    try:
        verifier.verify(token.strip(), datetime.now(UTC))
    except TokenRefused:
        return False
    return True


async def token(home: Path) -> str:
    made = await run(
        home,
        *("token", "--user", "s1", "--role", "student"),
        STUDYSPOT_SIGNING_KEY=str(home / "keys/signing.pem"),
    )
    assert made.status == 0, made.errors
    return made.output


async def test_tokens_of_before_a_rotation_are_accepted_after_it(home: Path) -> None:
    [before] = json.loads((await run(home, "keys", "show", "--json")).output)["keys"]
    assert before["acceptedUntil"] is None
    old = await token(home)
    rotated = json.loads((await run(home, "keys", "rotate", "--json")).output)["keys"]
    assert [key["id"] for key in rotated][1:] == [before["id"]]
    until = datetime.fromisoformat(rotated[1]["acceptedUntil"])
    assert until - datetime.now(UTC) > timedelta(days=29)
    assert accepted(home, old)
    assert accepted(home, await token(home))
    shown = (await run(home, "keys", "show")).output
    assert "signs" in shown
    assert "accepted until" in shown


async def test_a_leaked_key_is_accepted_no_more(home: Path) -> None:
    leaked = await token(home)
    assert (await run(home, "keys", "rotate", "--accept-for", "0s")).status == 0
    assert not accepted(home, leaked)


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (("keys", "rotate", "--accept-for", "long"), {}, "is no duration"),
        (("keys", "show"), {"STUDYSPOT_SIGNING_KEY": "/etc/else.pem"}, "is not this home's own"),
        (("keys", "show"), {"STUDYSPOT_HOME": "/nonexistent"}, "There is no key"),
        (("token", "--user", "s1", "--role", "student", "--ttl", "31d"), {}, "is no lifetime"),
    ],
)
async def test_what_cannot_be_done_is_one_line(
    home: Path, arguments: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    refused = await run(home, *arguments, **variables)
    assert refused.status == 1
    (line,) = refused.errors.splitlines()
    assert said in line
