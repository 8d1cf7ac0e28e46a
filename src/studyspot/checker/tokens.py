"""What a token says of itself; whether it is proved is not asked here."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Claims:
    """Whom a token speaks for, in which role, and when it was issued: seconds since 1970."""

    user: str
    role: str
    issued_at: int


def claims_of(token: Any) -> Claims | None:
    """Return what a JWT claims; none where it is no token of that form."""
    try:
        _, payload, _ = str(token).split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return Claims(str(claims["sub"]), str(claims["role"]), int(claims["iat"]))
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None
