"""Who may be where, as plain sets: written from the contract, and not from the fan-out's own."""

from collections.abc import Sequence
from datetime import datetime

from studyspot.access.tokens import CLOCK_SKEW
from studyspot.domain.people import Role
from studyspot.wire.frames import CloseCode
from tests.ws_fanout.model.log import Happening


class Town:
    """The people, as all that has happened so far leaves them."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, Role], list[str]] = {}
        self._disabled: set[str] = set()
        self._roles: dict[str, tuple[Role, datetime]] = {}

    def take(self, happening: Happening, at: datetime) -> None:
        """Note what happened at that time."""
        person, library = happening.person, happening.library
        match happening.kind:
            case "library-created":
                self._libraries(person, "library_owner").append(library)
            case "hired":
                self._libraries(person, "staff").append(library)
            case "let-go":
                self._libraries(person, "staff").remove(library)
            case "disabled":
                self._disabled.add(person)
            case "enabled":
                self._disabled.discard(person)
            case "role-changed":
                self._roles[person] = (happening.role, at)

    def works_at(self, person: str, library: str) -> bool:
        return library in self._libraries(person, "staff")

    def is_disabled(self, person: str) -> bool:
        return person in self._disabled

    def own_rooms(self, person: str, role: Role) -> Sequence[str]:
        """Return the rooms that are entered without asking."""
        return ["everyone", f"user:{person}", f"role:{role}", *self.staff_rooms(person, role)]

    def staff_rooms(self, person: str, role: Role) -> Sequence[str]:
        return [f"library:{library}:staff" for library in self._libraries(person, role)]

    def refusal(self, person: str, role: Role, room: str) -> str | None:
        """Return the code with which the room is refused to this person; nothing where it is not."""
        kind = room.partition(":")[0]
        if kind not in ("everyone", "user", "role", "library"):
            return "room-unknown"
        if role == "admin" or room in self.own_rooms(person, role):
            return None
        return None if kind == "library" and not room.endswith(":staff") else "room-forbidden"

    def turned_away(self, person: str, role: Role, issued_at: datetime) -> CloseCode | None:
        """Return the code with which a socket of this token is closed; nothing where it is not."""
        if person in self._disabled:
            return CloseCode.REVOKED
        changed = self._roles.get(person)
        if changed is None or changed[0] == role or issued_at >= changed[1] + CLOCK_SKEW:
            return None
        return CloseCode.TOKEN_EXPIRED

    def _libraries(self, person: str, role: Role) -> list[str]:
        return self._runs.setdefault((person, role), [])
