"""What the person of one connection may be told, by position: in their own rooms, and in those of staff."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from studyspot.checker.rights import Rights
from studyspot.checker.rooms import own_rooms

_LIBRARY = re.compile(r"library:[^:]+")
_ROOM = re.compile(r"everyone|(role|user):[^:]+|library:[^:]+(:staff)?")


@dataclass(frozen=True, slots=True)
class _Stint:
    """A time in a staff room: its events from `begins` on, and up to `ends` where that is known.

    Attributes:
        is_withdrawn: the room is taken from them, even where it is not known at which of several times.
    """

    begins: int
    ends: int | None
    is_withdrawn: bool


class Entitlement:
    """The rights of one person in one role, from where their connection was let in.

    Attributes:
        role: that of the token that was taken last.
        ends_at: where the connection has to end; none where never.
        awaited: the staff rooms that are given to them later on.
    """

    def __init__(self, rights: Rights, user: str, role: str) -> None:
        self.role = role
        self.ends_at: int | None = None
        self.awaited: set[str] = set()
        self._rights = rights
        self._user = user
        self._stints: dict[str, _Stint] = {}

    @property
    def own_rooms(self) -> tuple[str, ...]:
        return own_rooms(self._user, self.role)

    def begin(self, role: str, position: int) -> None:
        """Take a token of this role, on a node that has reached at least `position`."""
        self.role = role
        self.ends_at = self._rights.ends_after(self._user, role, position)
        self.awaited.clear()
        self._stints.clear()

    def staff_rooms(self) -> Iterator[str]:
        """Yield the staff rooms that are theirs at any time."""
        return self._rights.staff_rooms(self._user, self.role)

    def belongs(self, room: str, position: int) -> bool:
        """Say whether a staff room is theirs, once `position` has happened."""
        return self._rights.belongs(self._user, self.role, room, position)

    def may_enter(self, room: str, position: int) -> bool:
        """Say whether they may be in a room at a position, or at any later one."""
        if self.is_open(room):
            return True
        granted = self._rights.granted_after(self._user, self.role, room, position)
        return granted is not None or self.belongs(room, position)

    def is_open(self, room: str) -> bool:
        """Say whether a room is theirs whatever happens."""
        if self.role == "admin":
            return _ROOM.fullmatch(room) is not None
        return room in self.own_rooms or _LIBRARY.fullmatch(room) is not None

    def must_enter(self, room: str, position: int, *, exact: bool) -> bool:
        """Say whether a room is theirs at a position; without `exact`, also at every later one."""
        if self.is_open(room):
            return True
        if not self.belongs(room, position):
            return False
        return exact or self._rights.withdrawn_after(self._user, self.role, room, position) is None

    def enter(self, room: str, position: int, *, exact: bool) -> None:
        """They are let into a room at a position; without `exact`, there or later.

        A replay goes by the rights of its own day: who belongs there now sees all that was before. Who has
        left sees nothing after.
        """
        if not self.is_open(room):
            ends = self._rights.withdrawn_after(self._user, self.role, room, position)
            again = (
                self._rights.granted_after(self._user, self.role, room, ends) if ends is not None else None
            )
            self._stints[room] = _Stint(0, ends if exact or again is None else None, ends is not None)

    def await_grant(self, room: str, position: int) -> int | None:
        """Return from which event on a room that is not theirs will be; none where never."""
        granted = self._rights.granted_after(self._user, self.role, room, position)
        if granted is None or self.role == "admin":
            return None
        self.awaited.add(room)
        ends = self._rights.withdrawn_after(self._user, self.role, room, granted)
        self._stints[room] = _Stint(granted, ends, ends is not None)
        return granted

    def leave(self, room: str, position: int) -> int | None:
        """They have left a room; return from which event on it is theirs again."""
        stint = self._stints.pop(room, None)
        if stint is not None:
            # In a replay, its end is known to the server before the client has come there.
            position = max(position, stint.begins, stint.ends or 0)
        return self.await_grant(room, position)

    def is_withdrawn(self, room: str) -> bool:
        """Say whether the room is taken from them in this stint."""
        stint = self._stints.get(room)
        return stint is not None and stint.is_withdrawn

    def sees(self, room: str, position: int) -> bool:
        """Say whether somebody in the room may see its event at `position`."""
        stint = self._stints.get(room)
        if stint is None:
            return self.may_enter(room, position)
        return stint.begins <= position and (stint.ends is None or position < stint.ends)
