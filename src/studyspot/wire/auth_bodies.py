"""The bodies of registering and signing in, and what they are answered with."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, StrictInt, StringConstraints

from studyspot.access.passwords import FEWEST_CHARACTERS, MOST_BYTES, normalised
from studyspot.domain.people import Role
from studyspot.wire.bodies import Positioned
from studyspot.wire.shape import CamelModel, ClosedModel, Instant, ShortText

LONGEST_EMAIL = 254
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# What browsers take in a field of type `email` (WHATWG HTML, 4.10.5.1.5).
EMAIL_PATTERN = rf"^[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*$"


def _displayable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("a name has no invisible characters")
    return name


def _fit(password: SecretStr) -> SecretStr:
    normalised(password.get_secret_value())
    return password


Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, max_length=LONGEST_EMAIL, pattern=EMAIL_PATTERN),
]
"""An address, in lower case: as good as nobody tells addresses apart by it."""
PersonName = Annotated[ShortText, AfterValidator(_displayable)]
NewPassword = Annotated[
    SecretStr,
    Field(min_length=FEWEST_CHARACTERS, max_length=MOST_BYTES),
    AfterValidator(_fit),
]


class RegisterBody(ClosedModel):
    """Staff come by invitation, and administrators by `studyspot accounts create`."""

    email: Email
    password: NewPassword
    name: PersonName
    role: Literal["student", "library_owner"] = "student"


class LoginBody(ClosedModel):
    email: Annotated[
        str,
        StringConstraints(
            strip_whitespace=True, min_length=1, max_length=LONGEST_EMAIL, pattern=r"^[^\x00]*$"
        ),
    ]
    password: Annotated[SecretStr, Field(min_length=1, max_length=1000)]


class AccountAnswer(CamelModel):
    """A person, as they see themselves."""

    id: str
    email: str | None
    name: str | None
    role: Role


class SignedInAnswer(Positioned):
    """The token is for `Authorization: Bearer …`, for so many seconds; then refresh."""

    account: AccountAnswer
    token: str
    expires_in: StrictInt


class MeAnswer(AccountAnswer, Positioned):
    """`email` is none for who signs in elsewhere."""

    server_now: Instant
