"""Who is calling, by the bearer token of the request."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from studyspot.access.tokens import Identity, KeysUnsettled, TokenExpired, TokenRefused, Verifier
from studyspot.decisions.barred import Barred
from studyspot.wire.problems import (
    ACCOUNT_BARRED,
    TOKEN_EXPIRED,
    TOKEN_REFUSED,
    UNAUTHENTICATED,
    UNAVAILABLE,
    Problem,
)

# The scheme is declared for the document; the header is read below, with our own errors.
_scheme = HTTPBearer(bearerFormat="JWT", auto_error=False, description="EdDSA, as the JWKS proves")

_KNOWN_WITHIN = timedelta(seconds=2)
"""How long a request waits for keys that are being read, and for the log to tell who is barred."""
_RETRY = timedelta(seconds=2)


async def identity_of(request: Request) -> Identity:
    """Return who the token speaks for; a request is asked once.

    Raises:
        Problem: 401, no token, an expired one, one that is not valid, or its person is barred;
            503, whether it is good cannot be said now.
    """
    known: Identity | None = getattr(request.state, "identity", None)
    if known is None:
        known = request.state.identity = await _identified(request)
    return known


async def identify(request: Request, _: Annotated[object, Depends(_scheme)]) -> Identity:
    """Return `identity_of` the request."""
    return await identity_of(request)


def token_in(authorization: str) -> str | None:
    """Return the token of an `Authorization` header, if it holds one."""
    scheme, _, token = authorization.partition(" ")
    return token.strip(" ") or None if scheme.lower() == "bearer" else None


async def _identified(request: Request) -> Identity:
    sent = request.headers.getlist("Authorization")
    # Of two, a proxy before us may have judged the other one.
    token = token_in(sent[0]) if len(sent) == 1 else None
    if token is None:
        raise Problem(UNAUTHENTICATED, "Send one token as `Authorization: Bearer …`.")
    state = request.app.state
    try:
        identity = await _verified(state.verifier, token, state.clock())
    except KeysUnsettled as unsettled:
        raise Problem(UNAVAILABLE, f"{_sentence(unsettled)} Try again.", _RETRY) from None
    except TokenExpired as expired:
        raise Problem(TOKEN_EXPIRED, f"{_sentence(expired)} Get a fresh one.") from None
    except TokenRefused as refused:
        raise Problem(TOKEN_REFUSED, _sentence(refused)) from None
    await _require_not_barred(identity, state.barred)
    return identity


async def _verified(verifier: Verifier, token: str, now: datetime) -> Identity:
    """Verify the token, a second time where its issuer's keys are being read just now."""
    try:
        return verifier.verify(token, now)
    except KeysUnsettled:
        await verifier.settled(_KNOWN_WITHIN)
        return verifier.verify(token, now)


async def _require_not_barred(identity: Identity, barred: Barred) -> None:
    if not await barred.is_known(_KNOWN_WITHIN):
        raise Problem(UNAVAILABLE, "Whether you may act is not known yet. Try again.", _RETRY)
    if barred.is_shut_out(identity.user_id):
        raise Problem(ACCOUNT_BARRED, "This account may not be used any more.")
    if barred.is_outdated(identity.user_id, identity.role, identity.issued_at):
        raise Problem(TOKEN_EXPIRED, "The token is of an earlier role. Get a fresh one.")


def _sentence(refused: TokenRefused) -> str:
    return f"{refused.reason[0].upper()}{refused.reason[1:]}."


Caller = Annotated[Identity, Depends(identify)]
