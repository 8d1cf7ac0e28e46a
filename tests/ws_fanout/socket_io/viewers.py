"""Who watches: somebody for each kind of room, and for rooms that are in one pair of hands."""

from dataclasses import dataclass

from studyspot.domain.people import Role

STUDENT, LIBRARY, STAFF = "user:s1", "library:L1", "library:L1:staff"
STUDENTS, OWNERS, EVERYONE = "role:student", "role:library_owner", "everyone"
"""The rooms of the contract's table: those of one student, one library, two roles, and that of all."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """One socket: whose, and in which rooms; those of `libraries` it asks for, the others are its own."""

    user: str
    role: Role
    rooms: frozenset[str]
    libraries: tuple[str, ...] = ()


def _viewer(user: str, role: Role, *own: str, libraries: tuple[str, ...] = ()) -> Viewer:
    asked = {f"library:{library}" for library in libraries}
    return Viewer(
        user, role, frozenset({"everyone", f"user:{user}", f"role:{role}", *own} | asked), libraries
    )


OTHERS_STAFF = "library:L2:staff"

VIEWERS = {
    "the student": _viewer("s1", "student"),
    "the student in the library's room": _viewer("s1", "student", libraries=("L1",)),
    "another student": _viewer("s2", "student"),
    "another student in the libraries' rooms": _viewer("s2", "student", libraries=("L1", "L3")),
    "another student in another library's room": _viewer("s3", "student", libraries=("L2",)),
    "the owner": _viewer("o1", "library_owner", STAFF),
    "another owner": _viewer("o2", "library_owner", OTHERS_STAFF),
    "another owner in the library's room": _viewer("o2", "library_owner", OTHERS_STAFF, libraries=("L1",)),
    "the library's staff": _viewer("t1", "staff", STAFF),
    "another library's staff": _viewer("t2", "staff", OTHERS_STAFF),
    "an admin": _viewer("a1", "admin"),
}
