"""Who may issue tokens here: this installation, and at most one identity provider beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studyspot.access.external_identity import LONGEST_SUBJECT, role_in, user_id_of
from studyspot.access.key_ring import KeyRing
from studyspot.access.public_keys import ALGORITHMS, OURS
from studyspot.domain.identifiers import is_identifier
from studyspot.domain.people import Role

OUR_ALGORITHMS = (OURS,)
EXTERNAL_ALGORITHMS = ALGORITHMS


@dataclass(frozen=True, slots=True, eq=False)
class Issuer:
    """An issuer with its own keys, which verify nobody else's tokens.

    `role_claim` is none for ourselves: our tokens say `role` and carry our ids.
    """

    name: str
    audience: str
    ring: KeyRing
    role_claim: str | None = None

    @property
    def is_external(self) -> bool:
        return self.role_claim is not None

    def role(self, claims: Mapping[str, Any]) -> Role | None:
        """Return the role of the token, and none where it has none of ours."""
        if self.role_claim is not None:
            return role_in(claims, self.role_claim)
        # Of ourselves, a list is no role.
        return role_in(claims, "role") if isinstance(claims.get("role"), str) else None

    def user_id(self, subject: object) -> str | None:
        """Return our id for the token's subject, and none where it is no subject."""
        if not self.is_external:
            return subject if isinstance(subject, str) and is_identifier(subject) else None
        if isinstance(subject, str) and 0 < len(subject) <= LONGEST_SUBJECT and subject.isprintable():
            return user_id_of(self.name, subject)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalIssuer:
    """What is to be known of an identity provider: where its keys are, and which claim has the role."""

    issuer: str
    audience: str
    key_sets: Sequence[str]
    role_claim: str
