"""Tokens: JWTs signed with Ed25519. Whoever verifies one holds public keys only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeGuard

import jwt
from jwt import PyJWK

from studyspot.domain.identifiers import is_identifier
from studyspot.domain.people import Actor, Role

ALGORITHM = "EdDSA"
CURVE = "Ed25519"
LONGEST_TOKEN = 8 * 1024
LONGEST_NAME = 120
_REMEMBERED = 10_000
_ROLES: tuple[Role, ...] = ("student", "library_owner", "staff", "admin")


class TokenRefused(Exception):
    """The token proves nothing; `reason` says why, without repeating it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TokenExpired(TokenRefused):
    """The token was good; a fresh one will do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token speaks for, from when until when (UTC)."""

    user_id: str
    role: Role
    name: str | None
    issued_at: datetime
    expires_at: datetime
    session_id: str | None = None

    @property
    def actor(self) -> Actor:
        return Actor(self.user_id, self.role)


class Verifier:
    """Checks tokens against the public keys of one installation."""

    def __init__(
        self,
        keys: Mapping[str, PyJWK],
        public: Sequence[Mapping[str, Any]],
        *,
        issuer: str,
        audience: str,
    ) -> None:
        self._keys = keys
        self._public = tuple(dict(member) for member in public)
        self._issuer = issuer
        self._audience = audience
        # Whether a signature is right does not change; whether it is the time for it is asked each time.
        self._claims = lru_cache(_REMEMBERED)(self._verified_claims)

    @classmethod
    def of(cls, key_sets: Sequence[Mapping[str, Any]], *, issuer: str, audience: str) -> "Verifier":
        """Return a verifier of the Ed25519 keys in these JWKS documents; others in them are left out.

        Raises:
            ValueError: no usable key, two of one id, or not a JWKS.
        """
        keys: dict[str, PyJWK] = {}
        public: dict[str, dict[str, Any]] = {}
        for member in (member for document in key_sets for member in _members(document)):
            if member.get("kty") != "OKP" or member.get("crv") != CURVE or not member.get("kid"):
                continue
            known = {name: member[name] for name in ("kty", "crv", "x", "kid") if name in member}
            if public.setdefault(known["kid"], known) != known:
                raise ValueError(f"two keys have the id {known['kid']}")
            try:
                keys[known["kid"]] = PyJWK(known, algorithm=ALGORITHM)
            except jwt.PyJWTError as error:
                raise ValueError(f"the key {known['kid']} cannot be used: {error}") from error
        if not keys:
            raise ValueError("no Ed25519 key among the public keys")
        return cls(keys, tuple(public.values()), issuer=issuer, audience=audience)

    def jwks(self) -> dict[str, Any]:
        """Return the accepted keys as a JWKS document: public members alone."""
        return {"keys": [member | {"alg": ALGORITHM, "use": "sig"} for member in self._public]}

    def verify(self, token: str, now: datetime) -> Identity:
        """Return who the token speaks for.

        Raises:
            TokenExpired: its time is over.
            TokenRefused: it is not ours, not whole, or not valid now.
        """
        if len(token) > LONGEST_TOKEN:
            raise TokenRefused("the token is too long")
        claims = self._claims(token)
        if claims["exp"] <= now.timestamp():
            raise TokenExpired("the token has expired")
        if max(claims.get("nbf", 0), claims["iat"]) > now.timestamp() + _CLOCK_SKEW_SECONDS:
            raise TokenRefused("the token is not valid yet")
        role, subject = claims.get("role"), claims["sub"]
        if role not in _ROLES:
            raise TokenRefused("the token has no known role")
        if not is_identifier(subject):
            raise TokenRefused("the token's subject is not an identifier")
        name, session = claims.get("name"), claims.get("sid")
        return Identity(
            user_id=subject,
            role=role,
            name=name.strip() if _is_name(name) else None,
            issued_at=datetime.fromtimestamp(claims["iat"], UTC),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            session_id=session if isinstance(session, str) else None,
        )

    def _verified_claims(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(str(header.get("kid")))
            if header.get("alg") != ALGORITHM or key is None:
                raise TokenRefused("the token is signed with another key")
            # Times are checked against our own clock above, whatever PyJWT's would say.
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                options={
                    "require": ["sub", "iss", "aud", "iat", "exp"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.PyJWTError as error:
            raise TokenRefused(f"the token is not valid: {type(error).__name__}") from error
        times = [claims["exp"], claims["iat"], claims.get("nbf", 0)]
        if not all(isinstance(time, int | float) and 0 <= time < _LAST_TIMESTAMP for time in times):
            raise TokenRefused("the token's times are not times")
        return claims


def _members(document: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    members = document.get("keys")
    if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
        raise ValueError("not a set of keys")
    return members


def _is_name(value: object) -> TypeGuard[str]:
    """Say whether this can be shown as a name: some text, not long, that every encoding can carry."""
    return isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_NAME and value.isprintable()


_CLOCK_SKEW_SECONDS = 30
_LAST_TIMESTAMP = 253_402_300_799
