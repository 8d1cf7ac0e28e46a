"""Public keys of one issuer, as its JWKS documents tell them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK

OURS = "EdDSA"
SHORTEST_RSA_BITS = 2048
MOST_KEYS = 100


@dataclass(frozen=True, slots=True)
class _Family:
    """Which keys an algorithm takes: the members that say so, and those that are public."""

    algorithm: str
    kind: Mapping[str, str]
    members: tuple[str, ...]


_FAMILIES = (
    _Family(OURS, {"kty": "OKP", "crv": "Ed25519"}, ("kty", "crv", "x", "kid")),
    _Family("RS256", {"kty": "RSA"}, ("kty", "n", "e", "kid")),
    _Family("ES256", {"kty": "EC", "crv": "P-256"}, ("kty", "crv", "x", "y", "kid")),
)
ALGORITHMS = tuple(family.algorithm for family in _FAMILIES)
"""What may sign a token at all; a secret that two share never does."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key with the one algorithm that it verifies."""

    key: PyJWK
    algorithm: str
    published: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class PublicKeys:
    """Keys by their ids; a changed set is another object."""

    by_id: Mapping[str, PublicKey]

    @classmethod
    def none(cls) -> "PublicKeys":
        return cls({})

    @classmethod
    def of(cls, documents: Sequence[Mapping[str, Any]], algorithms: Sequence[str]) -> "PublicKeys":
        """Return the keys for these algorithms in JWKS documents; others in them are left out.

        Raises:
            ValueError: no usable key, two of one id, too many, or not a JWKS.
        """
        keys: dict[str, PublicKey] = {}
        for member in (member for document in documents for member in _members(document)):
            family = _family(member, algorithms)
            if family is None:
                continue
            key = _public_key(member, family)
            known = keys.setdefault(key.published["kid"], key)
            if known.published != key.published:
                raise ValueError(f"two keys have the id {key.published['kid']}")
        if not keys:
            raise ValueError(f"no key for {' or '.join(algorithms)} among the public keys")
        if len(keys) > MOST_KEYS:
            raise ValueError(f"more than {MOST_KEYS} keys")
        return cls(keys)

    def is_same_as(self, other: "PublicKeys") -> bool:
        """Say whether both hold the same keys."""
        return self.published() == other.published()

    def published(self) -> dict[str, Any]:
        """Return the keys as a JWKS document: public members alone."""
        return {
            "keys": [
                dict(key.published) | {"alg": key.algorithm, "use": "sig"} for key in self.by_id.values()
            ]
        }


def _family(member: Mapping[str, Any], algorithms: Sequence[str]) -> _Family | None:
    """Return the family of a key that signs by one of these algorithms; none where it does not."""
    kid = member.get("kid")
    if not isinstance(kid, str) or not kid or member.get("use", "sig") != "sig":
        return None
    for family in _FAMILIES:
        if all(member.get(name) == value for name, value in family.kind.items()):
            meant = member.get("alg", family.algorithm)
            return family if meant == family.algorithm and meant in algorithms else None
    return None


def _public_key(member: Mapping[str, Any], family: _Family) -> PublicKey:
    published = {name: str(member[name]) for name in family.members if name in member}
    try:
        key = PyJWK(published, algorithm=family.algorithm)
    except (jwt.PyJWTError, ValueError) as error:
        raise ValueError(f"the key {published['kid']} cannot be used: {error}") from error
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < SHORTEST_RSA_BITS:
        raise ValueError(f"the key {published['kid']} is shorter than {SHORTEST_RSA_BITS} bits")
    return PublicKey(key, family.algorithm, published)


def _members(document: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    members = document.get("keys")
    if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
        raise ValueError("not a set of keys")
    return members
