"""Desk codes: what a library shows at its desk, so that a student who checks in proves to be there."""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from studyspot.access.server_secrets import ServerSecrets

TURNS_EVERY = timedelta(seconds=60)
STILL_ACCEPTED_FOR = timedelta(seconds=10)
"""Who reads a code just before it turns has so long to type it."""

_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""None is easily taken for another; each stands for five bits."""
_LENGTH = 6
_BITS_PER_LETTER = 5


@dataclass(frozen=True, slots=True)
class DeskCode:
    """A code, and when the next takes its place."""

    code: str
    valid_until: datetime


class DeskCodes:
    """Each library's code follows from its id and the time: nothing is stored, or could be read in a log."""

    def __init__(self, secrets: ServerSecrets) -> None:
        self._secret = secrets.secret_for("desk-codes")

    def current(self, library_id: str, at: datetime) -> DeskCode:
        """Return the code that the desk shows at that moment."""
        turn = _turn(at)
        turns_at = datetime.fromtimestamp((turn + 1) * TURNS_EVERY.total_seconds(), UTC)
        return DeskCode(self._code(library_id, turn), turns_at)

    def is_right(self, library_id: str, code: str, at: datetime) -> bool:
        """Say whether this is the library's code now, or was it until a moment ago.

        Spaces, hyphens and small letters are how people write it.
        """
        written = code.replace(" ", "").replace("-", "").upper().encode()
        right = False
        for turn in {_turn(at), _turn(at - STILL_ACCEPTED_FOR)}:
            right |= hmac.compare_digest(written, self._code(library_id, turn).encode())
        return right

    def _code(self, library_id: str, turn: int) -> str:
        digest = hmac.digest(self._secret, f"{library_id}\n{turn}".encode(), "sha256")
        number = int.from_bytes(digest[:8], "big")
        return "".join(
            _LETTERS[number >> place * _BITS_PER_LETTER & (len(_LETTERS) - 1)] for place in range(_LENGTH)
        )


def _turn(at: datetime) -> int:
    return int(at.timestamp() // TURNS_EVERY.total_seconds())
