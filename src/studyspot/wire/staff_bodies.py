"""The bodies of inviting somebody to work for a library, and what they are answered with."""

from typing import Self

from pydantic import model_validator

from studyspot.domain.people import Role
from studyspot.wire.auth_bodies import Email
from studyspot.wire.bodies import Positioned
from studyspot.wire.shape import ClosedModel, Identifier, Instant, ShortText


class InviteBody(ClosedModel):
    """Whom to invite: a person by their id, or whoever has the address. Either, and not both."""

    user_id: Identifier | None = None
    email: Email | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.user_id is None) == (self.email is None):
            raise ValueError("name either userId or email")
        return self


class AcceptBody(ClosedModel):
    """`code` is what the library was given with an invitation to an address, and passed on."""

    code: ShortText | None = None


class InvitedAnswer(Positioned):
    """The invitation, which may be accepted until `until`; it says nothing of whether there is an account.

    `code` is for whoever is meant, where an address was invited: anybody can register any address.
    """

    id: str
    until: Instant
    code: str | None


class AcceptedAnswer(Positioned):
    """The caller works for the library; a token that still says another role than `role` is to be renewed."""

    library_id: str
    role: Role


class LetGoAnswer(Positioned):
    library_id: str
    user_id: str
