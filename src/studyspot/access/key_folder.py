"""The keys that an installation keeps for itself: the private one that signs, and the public ones it accepts.

`signing.pem` is the private key. `jwks.json` has its public half, and those of its predecessors, each with
`acceptedUntil` (RFC 3339): whoever verifies takes no notice of that, and forgets a key that is left out here.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from studyspot.access.keys import SigningKey

LONGEST_TOKEN_LIFE = timedelta(days=30)
"""No token of ours lives longer, so that a key which signs no more can be forgotten after that."""

_UNTIL = "acceptedUntil"


@dataclass(frozen=True, slots=True)
class AcceptedKey:
    """A public key; `until` is none for the one that signs."""

    key_id: str
    until: datetime | None


class KeyFolder:
    """The files, each replaced as a whole; the public ones first, so that a key is known before it signs."""

    def __init__(self, folder: Path) -> None:
        self.private = folder / "signing.pem"
        self.public = folder / "jwks.json"
        self._folder = folder

    def open(self, now: datetime) -> SigningKey:
        """Return the key that signs, made at the first time; forget those whose time is over.

        Raises:
            OSError, ValueError: the files cannot be read or written, or are damaged.
        """
        with self._alone():
            if not self.private.exists():
                self._sign_with(SigningKey.generate())
            key = SigningKey.load(self.private)
            self._publish(key, self._older(key, now))
        return key

    def rotate(self, now: datetime, accept_for: timedelta) -> SigningKey:
        """Make a new key that signs from now on, and accept the old one for so long.

        Raises:
            OSError, ValueError: the files cannot be read or written, or are damaged.
        """
        with self._alone():
            old, new = SigningKey.load(self.private), SigningKey.generate()
            older = self._older(old, now)
            if accept_for > timedelta():
                [member] = old.jwks()["keys"]
                older.insert(0, member | {_UNTIL: (now + accept_for).astimezone(UTC).isoformat()})
            self._publish(new, older)
            self._sign_with(new)
        return new

    def accepted(self, now: datetime) -> list[AcceptedKey]:
        """Return the keys that are accepted, the one that signs first.

        Raises:
            OSError, ValueError: the files cannot be read, or are damaged.
        """
        key = SigningKey.load(self.private)
        older = [AcceptedKey(member["kid"], _until(member)) for member in self._older(key, now)]
        return [AcceptedKey(key.key_id, None), *older]

    def _older(self, signing: SigningKey, now: datetime) -> list[dict[str, Any]]:
        """Return the members for predecessors whose time is not over."""
        if not self.public.exists():
            return []
        members = json.loads(self.public.read_text(encoding="utf-8"))["keys"]
        return [
            member
            for member in members
            if member["kid"] != signing.key_id and _UNTIL in member and _until(member) > now
        ]

    def _publish(self, signing: SigningKey, older: list[dict[str, Any]]) -> None:
        document = {"keys": [*signing.jwks()["keys"], *older]}
        new = self._new_file(self.public)
        new.write_text(json.dumps(document), encoding="utf-8")
        new.replace(self.public)

    def _sign_with(self, key: SigningKey) -> None:
        new = self._new_file(self.private)
        key.save(new)
        new.replace(self.private)

    def _new_file(self, path: Path) -> Path:
        """Return where the new content is written; what a killed process left there is removed."""
        new = path.with_name(f"{path.name}.new")
        new.unlink(missing_ok=True)
        return new

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder for this process, made at the first time."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def _until(member: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(member[_UNTIL])
