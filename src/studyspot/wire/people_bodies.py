"""People, as administrators see and change them."""

from typing import Literal, Self

from pydantic import model_validator

from studyspot.domain.people import Role
from studyspot.wire.bodies import Positioned
from studyspot.wire.read_bodies import Reflected
from studyspot.wire.shape import CamelModel, ClosedModel, Instant

PersonStatus = Literal["active", "disabled", "erased"]


class ChangePersonBody(ClosedModel):
    """What is left out stays. Erasing is for ever."""

    status: PersonStatus | None = None
    role: Role | None = None

    @model_validator(mode="after")
    def _changes_something_sensible(self) -> Self:
        if self.status is None and self.role is None:
            raise ValueError("give a status, a role, or both")
        if self.status == "erased" and self.role is not None:
            raise ValueError("who is erased has no role")
        return self


class PersonChangedAnswer(Positioned):
    """`role` is none where the person has no account here: their tokens say it."""

    id: str
    role: Role | None
    status: PersonStatus


class PersonView(CamelModel):
    """`email` and `name` are none for who was erased."""

    id: str
    email: str | None
    name: str | None
    role: Role | None
    status: PersonStatus
    registered_at: Instant | None


class PersonFound(Reflected, PersonView):
    server_now: Instant


class PeopleFound(Reflected):
    """A page of a list; `next` is the cursor of the page that follows."""

    rows: tuple[PersonView, ...]
    next: str | None
    server_now: Instant
