"""Marks of browsers that have signed in: whoever has one is told apart from others at the same address.

A mark is `{random}.{proof}`, both base64url; the proof is an HMAC-SHA-256 over that and the account.
It lets nobody in: it only has failures counted by themselves.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode

from studyspot.access.server_secrets import ServerSecrets

_RANDOM_BYTES = 12
LONGEST_MARK = 100


class Devices:
    """Makes marks, and knows its own again."""

    def __init__(self, server_secrets: ServerSecrets) -> None:
        self._secret = server_secrets.secret_for("devices")

    def mark(self, user_id: str) -> str:
        """Return a new mark for a browser that this person uses."""
        name = secrets.token_urlsafe(_RANDOM_BYTES)
        return f"{name}.{self._proof(name, user_id)}"

    def is_of(self, mark: str | None, user_id: str) -> bool:
        """Say whether this was given to a browser that the person has signed in with."""
        if mark is None or len(mark) > LONGEST_MARK or not mark.isascii():
            return False
        name, _, proof = mark.partition(".")
        return hmac.compare_digest(proof, self._proof(name, user_id))

    def _proof(self, name: str, user_id: str) -> str:
        digest = hmac.digest(self._secret, f"{user_id}\n{name}".encode(), "sha256")
        return urlsafe_b64encode(digest).rstrip(b"=").decode()
