"""Codes of invitations that were sent to an address: who brings one was told it by the library.

Anybody can register any address; the code is what the library gives to the person whom it means.
"""

import hmac
from base64 import b32encode

from studyspot.access.server_secrets import ServerSecrets

_PROOF_BYTES = 10


class InvitationCodes:
    """Each invitation's code follows from its id: nothing is stored, or could be read in a log."""

    def __init__(self, secrets: ServerSecrets) -> None:
        self._secret = secrets.secret_for("invitations")

    def code(self, invitation_id: str) -> str:
        """Return 16 letters and digits, in groups of four."""
        digest = hmac.digest(self._secret, invitation_id.encode(), "sha256")
        letters = b32encode(digest[:_PROOF_BYTES]).decode()
        return "-".join(letters[place : place + 4] for place in range(0, len(letters), 4))

    def is_right(self, invitation_id: str, code: str) -> bool:
        """Say whether this is the invitation's code, however people write it: small letters, spaces."""
        written = code.replace(" ", "").replace("-", "").upper()
        expected = self.code(invitation_id).replace("-", "")
        return hmac.compare_digest(written.encode(), expected.encode())
