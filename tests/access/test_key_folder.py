"""An installation's own keys: the one that signs, and those that signed before it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from studyspot.access.key_folder import AcceptedKey, KeyFolder
from studyspot.access.keys import SigningKey
from studyspot.access.tokens import TokenRefused, Verifier

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def signed(key: SigningKey) -> str:
    return key.sign(
        user_id="s1", role="student", issuer="studyspot", audience="studyspot", now=NOW, lifetime=10 * DAY
    )


def verifier(folder: KeyFolder) -> Verifier:
    return Verifier.of([json.loads(folder.public.read_text())], issuer="studyspot", audience="studyspot")


def test_the_first_start_makes_a_key_that_its_owner_alone_can_read(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys")
    key = folder.open(NOW)
    assert folder.private.stat().st_mode & 0o777 == 0o600
    assert folder.private.parent.stat().st_mode & 0o777 == 0o700
    assert folder.open(NOW).key_id == key.key_id
    assert verifier(folder).verify(signed(key), NOW).user_id == "s1"


def test_the_old_key_is_accepted_for_a_while_beside_the_one_that_signs(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    old = folder.open(NOW)
    new = folder.rotate(NOW, 2 * DAY)
    assert folder.open(NOW).key_id == new.key_id != old.key_id
    assert folder.accepted(NOW) == [AcceptedKey(new.key_id, None), AcceptedKey(old.key_id, NOW + 2 * DAY)]
    both = verifier(folder)
    assert {both.verify(signed(key), NOW).user_id for key in (old, new)} == {"s1"}
    later = folder.rotate(NOW + DAY, 2 * DAY)
    assert [key.key_id for key in folder.accepted(NOW + DAY)] == [later.key_id, new.key_id, old.key_id]


def test_a_key_is_forgotten_at_the_first_start_after_its_time(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    old = folder.open(NOW)
    new = folder.rotate(NOW, DAY)
    folder.open(NOW + DAY - timedelta(seconds=1))
    verifier(folder).verify(signed(old), NOW)
    folder.open(NOW + DAY)
    with pytest.raises(TokenRefused):
        verifier(folder).verify(signed(old), NOW)
    verifier(folder).verify(signed(new), NOW)


def test_a_key_that_has_leaked_is_accepted_no_more(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    old = folder.open(NOW)
    folder.rotate(NOW, timedelta())
    with pytest.raises(TokenRefused):
        verifier(folder).verify(signed(old), NOW)


def test_a_rotation_that_was_killed_before_the_new_key_signed_leaves_the_old_one(tmp_path: Path) -> None:
    folder, other = KeyFolder(tmp_path / "killed"), KeyFolder(tmp_path / "other")
    old = folder.open(NOW)
    other.open(NOW)
    member = old.jwks()["keys"][0] | {"acceptedUntil": (NOW + DAY).isoformat()}
    folder.public.write_text(json.dumps({"keys": [*other.open(NOW).jwks()["keys"], member]}))
    (tmp_path / "killed/signing.pem.new").write_text("half a k")
    assert folder.open(NOW).key_id == old.key_id
    assert folder.accepted(NOW) == [AcceptedKey(old.key_id, None)]
    assert folder.rotate(NOW, DAY).key_id != old.key_id


async def test_who_follows_the_file_takes_the_new_key_before_it_signs(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    old = folder.open(NOW)
    [published] = json.loads(folder.public.read_text())["keys"]
    assert published["kid"] == old.key_id
    assert "d" not in published, "the private half stays where it is"
