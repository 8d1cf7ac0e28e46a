"""Access tokens: what the API gives to who has signed in, for a quarter of an hour."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from studyspot.access.keys import SigningKey
from studyspot.domain.people import Role

LASTS = timedelta(minutes=15)
"""So long, at most, a token outlives the session it belongs to."""


@dataclass(frozen=True, slots=True)
class AccessTokens:
    """Signs tokens with this installation's key."""

    key: SigningKey
    issuer: str
    audience: str

    def token_for(self, user_id: str, role: Role, name: str, session_id: str, now: datetime) -> str:
        """Return a token of this person, in this role, that belongs to a session."""
        return self.key.sign(
            user_id=user_id,
            role=role,
            name=name,
            issuer=self.issuer,
            audience=self.audience,
            now=now,
            lifetime=LASTS,
            extra={"sid": session_id},
        )
