"""The installation's own keys: the private one signs, the public ones are published as JWKS."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from studyspot.access.public_keys import OURS
from studyspot.domain.people import Role


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 private key; `key_id` is the thumbprint of its public half."""

    private: Ed25519PrivateKey
    key_id: str

    @classmethod
    def load(cls, path: Path) -> "SigningKey":
        """Read a PEM file.

        Raises:
            OSError: it cannot be read.
            ValueError: it is not an Ed25519 private key.
        """
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"{path} is not an Ed25519 private key")
        return cls(key, _thumbprint(key))

    @classmethod
    def generate(cls) -> "SigningKey":
        key = Ed25519PrivateKey.generate()
        return cls(key, _thumbprint(key))

    def save(self, path: Path) -> None:
        """Write the key as PEM, for its owner alone."""
        pem = self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)

    def jwks(self) -> dict[str, Any]:
        """Return the public half as a JWKS document."""
        public: dict[str, Any] = json.loads(OKPAlgorithm.to_jwk(self.private.public_key()))
        return {"keys": [public | {"kid": self.key_id, "alg": OURS, "use": "sig"}]}

    def sign(
        self,
        *,
        user_id: str,
        role: Role,
        issuer: str,
        audience: str,
        now: datetime,
        lifetime: timedelta,
        name: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> str:
        """Return a token for this person, valid for `lifetime` from `now`."""
        claims: dict[str, Any] = {
            "sub": user_id,
            "role": role,
            "iss": issuer,
            "aud": audience,
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
            **({"name": name} if name else {}),
            **(extra or {}),
        }
        return jwt.encode(claims, self.private, algorithm=OURS, headers={"kid": self.key_id})


def _thumbprint(key: Ed25519PrivateKey) -> str:
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(raw)
    return digest.finalize().hex()[:16]
