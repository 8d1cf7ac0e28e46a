"""Tokens: JWTs that an issuer's private key has signed. Whoever verifies one holds public keys only."""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeGuard

import jwt
from jwt.utils import base64url_decode

from studyspot.access.issuers import EXTERNAL_ALGORITHMS, OUR_ALGORITHMS, ExternalIssuer, Issuer
from studyspot.access.key_ring import KeyRing, Pace
from studyspot.access.public_keys import PublicKeys
from studyspot.domain.people import Actor, Role

LONGEST_TOKEN = 8 * 1024
CLOCK_SKEW = timedelta(seconds=30)
"""How far our processes' clocks may be apart, and how long one may take to say what it has decided."""
LONGEST_NAME = 120
_REMEMBERED = 10_000
_LONGEST_SESSION_ID = 64
# Decoders leave out what is no base64url, so that one signature would fit many texts.
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class TokenRefused(Exception):
    """The token proves nothing; `reason` says why, without repeating it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TokenExpired(TokenRefused):
    """The token was good; a fresh one will do."""


class KeysUnsettled(TokenExpired):
    """The issuer's keys are being read, or cannot be: whether the token is good is known a little later."""


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
    """Checks tokens: each issuer's against the keys of that issuer."""

    def __init__(self, ours: Issuer, external: Issuer | None = None) -> None:
        """Trust these issuers.

        Raises:
            ValueError: both have one name.
        """
        if external is not None and external.name == ours.name:
            raise ValueError(f"{ours.name} is the issuer of our own tokens")
        self._ours = ours
        self._issuers = (ours,) if external is None else (ours, external)
        # Whether a signature is right does not change while the keys are the same; whether it is the time
        # for it is asked each time.
        self._signed = lru_cache(_REMEMBERED)(self._verified)

    @classmethod
    def of(
        cls,
        key_sets: Sequence[Mapping[str, Any]],
        *,
        issuer: str,
        audience: str,
        sources: Sequence[str] = (),
        kept: Sequence[Mapping[str, Any]] = (),
        external: ExternalIssuer | None = None,
        pace: Pace | None = None,
    ) -> "Verifier":
        """Return a verifier of our tokens by the Ed25519 keys in these JWKS documents; others are left out.

        `sources` are the files and URLs that documents came from: while followed, they are read again, and
        the documents in `kept` hold whatever they say then.
        An identity provider's keys are read for the first time when they are followed.

        Raises:
            ValueError: no usable key, two of one id, or not a JWKS; an external issuer of our own name.
        """
        keys = PublicKeys.of(key_sets, OUR_ALGORITHMS)
        ring = KeyRing(keys, issuer=issuer, sources=sources, kept=kept, algorithms=OUR_ALGORITHMS, pace=pace)
        ours = Issuer(issuer, audience, ring)
        if external is None:
            return cls(ours)
        their_ring = KeyRing(
            PublicKeys.none(),
            issuer=external.issuer,
            sources=external.key_sets,
            algorithms=EXTERNAL_ALGORITHMS,
            pace=pace,
        )
        return cls(ours, Issuer(external.issuer, external.audience, their_ring, external.role_claim))

    async def follow(self) -> None:
        """Keep the keys as their sources have them, until cancelled; end at once where they have none."""
        async with asyncio.TaskGroup() as tasks:
            for issuer in self._issuers:
                tasks.create_task(issuer.ring.follow(), name=f"keys of {issuer.name}")

    async def settled(self, within: timedelta) -> None:
        """Wait until keys that are being read now have been read, or the time is over."""
        for issuer in self._issuers:
            await issuer.ring.settled(within)

    def jwks(self) -> dict[str, Any]:
        """Return our own accepted keys as a JWKS document: public members alone."""
        return self._ours.ring.keys.published()

    def verify(self, token: str, now: datetime) -> Identity:
        """Return who the token speaks for.

        Raises:
            TokenExpired: its time is over.
            KeysUnsettled: its key may become known in a moment.
            TokenRefused: it is not of an issuer that we trust, not whole, or not valid now.
        """
        if len(token) > LONGEST_TOKEN:
            raise TokenRefused("the token is too long")
        try:
            proof = self._signed(token, *[issuer.ring.keys for issuer in self._issuers])
        except _KeyUnknown as unknown:
            if unknown.issuer.ring.miss():
                raise KeysUnsettled("the key that signed the token is not known yet") from None
            raise TokenRefused("the token is signed with another key") from None
        if proof.until <= now.timestamp():
            raise TokenExpired("the token has expired")
        if proof.since > (now + CLOCK_SKEW).timestamp():
            raise TokenRefused("the token is not valid yet")
        return proof.identity

    def _verified(self, token: str, *keys: PublicKeys) -> "_Proof":
        """Return what a token proves that its issuer's key has signed."""
        if _FORM.fullmatch(token) is None:
            raise TokenRefused("the token is no signed JWT")
        try:
            header, payload = _stated(token)
            for issuer, known in zip(self._issuers, keys, strict=True):
                if issuer.name == payload.get("iss"):
                    return _proof(issuer, _claims(token, header, issuer, known))
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise TokenRefused(f"the token is not valid: {type(error).__name__}") from error
        raise TokenRefused("the token is of an issuer that is not trusted here")


@dataclass(frozen=True, slots=True)
class _Proof:
    """What a token proves from `since` until `until`, in seconds since 1970."""

    identity: Identity
    since: float
    until: float


class _KeyUnknown(Exception):
    """The token is of the issuer, as it says, and names a key that is none of theirs so far."""

    def __init__(self, issuer: Issuer) -> None:
        super().__init__(issuer)
        self.issuer = issuer


def _stated(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims as they stand there: they say which key to verify the token with, and no more.

    Read as PyJWT reads them, which goes through all of it once more, and strictly, when it verifies.
    """
    header, payload = [json.loads(base64url_decode(part)) for part in token.split(".")[:2]]
    if not isinstance(header, dict) or not isinstance(payload, dict):
        raise TokenRefused("the token is no signed JWT")
    return header, payload


def _claims(token: str, header: Mapping[str, Any], issuer: Issuer, keys: PublicKeys) -> dict[str, Any]:
    """Return the claims of a token that this issuer has signed, with times that are times."""
    kid = header.get("kid")
    if header.get("alg") not in issuer.ring.algorithms or not isinstance(kid, str):
        raise TokenRefused("the token is signed with another key")
    known = keys.by_id.get(kid)
    if known is None:
        raise _KeyUnknown(issuer)
    # Times are checked against our own clock elsewhere, whatever PyJWT's would say.
    claims: dict[str, Any] = jwt.decode(
        token,
        known.key,
        algorithms=[known.algorithm],
        issuer=issuer.name,
        audience=issuer.audience,
        options={
            "require": ["sub", "iss", "aud", "iat", "exp"],
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
            # Identity providers name several audiences; we name one.
            "strict_aud": not issuer.is_external,
        },
    )
    if not all(_is_time(time) for time in (claims["exp"], claims["iat"], claims.get("nbf", 0))):
        raise TokenRefused("the token's times are not times")
    return claims


def _proof(issuer: Issuer, claims: Mapping[str, Any]) -> _Proof:
    user_id, role = issuer.user_id(claims["sub"]), issuer.role(claims)
    if user_id is None:
        raise TokenRefused("the token's subject is not an identifier")
    if role is None:
        raise TokenRefused(f"the token's claim {issuer.role_claim or 'role'} names no role of ours")
    name, session = claims.get("name"), claims.get("sid")
    identity = Identity(
        user_id=user_id,
        role=role,
        name=name.strip() if _is_name(name) else None,
        issued_at=datetime.fromtimestamp(claims["iat"], UTC),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        session_id=session if isinstance(session, str) and len(session) <= _LONGEST_SESSION_ID else None,
    )
    return _Proof(identity, since=max(claims.get("nbf", 0), claims["iat"]), until=claims["exp"])


def _is_time(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value < _LAST_TIMESTAMP


def _is_name(value: object) -> TypeGuard[str]:
    """Say whether this can be shown as a name: some text, not long, that every encoding can carry."""
    return isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_NAME and value.isprintable()


_LAST_TIMESTAMP = 253_402_300_799
