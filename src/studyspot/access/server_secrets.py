"""Secrets that the installation derives from its signing key: nothing more is to be made, kept or rotated."""

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from studyspot.access.keys import SigningKey

_LENGTH_BYTES = 32
_SALT = b"studyspot"


class ServerSecrets:
    """One secret a purpose; who knows one can tell neither the others nor the key."""

    def __init__(self, key: SigningKey) -> None:
        self._private = key.private.private_bytes(
            serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
        )

    def secret_for(self, purpose: str) -> bytes:
        """Return 32 bytes, the same for the same key and purpose (HKDF-SHA-256, RFC 5869)."""
        derivation = HKDF(hashes.SHA256(), _LENGTH_BYTES, salt=_SALT, info=purpose.encode())
        return derivation.derive(self._private)
