"""The rooms that there are: how each is called, and by which subjects its events come."""

from studyspot.catalogue.subjects import (
    subjects_of_entity,
    subjects_of_library,
    subjects_of_type,
    subjects_of_user,
)
from studyspot.domain.people import Role

EVERYONE = "everyone"
STUDENTS = "role:student"
OWNERS = "role:library_owner"


def user_room(user_id: str) -> str:
    return f"user:{user_id}"


def role_room(role: Role) -> str:
    return f"role:{role}"


def library_room(library_id: str) -> str:
    return f"library:{library_id}"


def staff_room(library_id: str) -> str:
    return f"library:{library_id}:staff"


def subjects_of(room: str) -> tuple[str, ...]:
    """Return the subjects of every event that the room sees, and perhaps of some that it does not."""
    kind, _, rest = room.partition(":")
    match kind:
        case "user":
            return (subjects_of_user(rest),)
        case "library":
            return (subjects_of_library(rest.removesuffix(":staff")),)
        case "role" if room == OWNERS:
            return (*_OF_ROLES, subjects_of_type("booking.created"))
        case "role" if room == STUDENTS:
            return (*_OF_ROLES, subjects_of_entity("pricing"))
        case "everyone":
            return (subjects_of_type("announcement.made"),)
        case _:
            return ()


_OF_ROLES = (subjects_of_entity("library"), subjects_of_entity("closure"))
