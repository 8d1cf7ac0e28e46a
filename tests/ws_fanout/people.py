"""Tokens of people, and who verifies them."""

from datetime import UTC, datetime, timedelta

from studyspot.access.keys import SigningKey
from studyspot.access.tokens import Verifier
from studyspot.domain.people import Role

KEY = SigningKey.generate()
ISSUER = AUDIENCE = "studyspot"
VERIFIER = Verifier.of([KEY.jwks()], issuer=ISSUER, audience=AUDIENCE)


def token(
    user: str,
    role: Role = "student",
    *,
    now: datetime | None = None,
    lifetime: timedelta = timedelta(hours=1),
    key: SigningKey = KEY,
    audience: str = AUDIENCE,
) -> str:
    return key.sign(
        user_id=user,
        role=role,
        issuer=ISSUER,
        audience=audience,
        now=now or datetime.now(UTC),
        lifetime=lifetime,
    )
