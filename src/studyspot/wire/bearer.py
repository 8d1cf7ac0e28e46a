"""Who is calling, by the bearer token of the request."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from studyspot.access.tokens import Identity, TokenExpired, TokenRefused, Verifier
from studyspot.wire.problems import TOKEN_EXPIRED, TOKEN_REFUSED, UNAUTHENTICATED, Problem

# The scheme is declared for the document; the header is read below, with our own errors.
_scheme = HTTPBearer(bearerFormat="JWT", auto_error=False, description="EdDSA, as the JWKS proves")


def identify(request: Request, _: Annotated[object, Depends(_scheme)]) -> Identity:
    """Return who the token speaks for.

    Raises:
        Problem: 401, no token, an expired one, or one that is not valid.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(UNAUTHENTICATED, "Send a token as `Authorization: Bearer …`.")
    verifier: Verifier = request.app.state.verifier
    try:
        return verifier.verify(token.strip(), datetime.now(UTC))
    except TokenExpired as expired:
        raise Problem(TOKEN_EXPIRED, f"{_sentence(expired)} Get a fresh one.") from None
    except TokenRefused as refused:
        raise Problem(TOKEN_REFUSED, _sentence(refused)) from None


def _sentence(refused: TokenRefused) -> str:
    return f"{refused.reason[0].upper()}{refused.reason[1:]}."


Caller = Annotated[Identity, Depends(identify)]
