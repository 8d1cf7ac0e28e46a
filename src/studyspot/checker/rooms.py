"""The judge's own room table: which rooms an event goes to, in which view, and who may be in a room."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum

from studyspot.checker.log import Log
from studyspot.checker.occupations import STATE_AFTER
from studyspot.checker.records import Record


class View(IntEnum):
    """How much of an event a room sees; of several views of one event, the greater is sent."""

    SUMMARY = 1
    PUBLIC = 2
    FULL = 3
    STAFF = 4


EVERYONE = "everyone"


def user_room(user_id: str) -> str:
    return f"user:{user_id}"


def role_room(role: str) -> str:
    return f"role:{role}"


def library_room(library_id: str) -> str:
    return f"library:{library_id}"


def staff_room(library_id: str) -> str:
    return f"library:{library_id}:staff"


def rooms_of(record: Record) -> Mapping[str, View]:
    """Return the rooms that an event goes to, each with its view."""
    facts, (entity, _, verb) = record.facts, record.type.partition(".")
    library, user = facts.get("libraryId", ""), facts.get("userId", "")
    both = {library_room(library): View.PUBLIC, staff_room(library): View.PUBLIC}
    match entity:
        case "booking" | "payment":
            rooms = {user_room(user): View.FULL, staff_room(library): View.STAFF}
            if record.type in STATE_AFTER:
                rooms[library_room(library)] = View.PUBLIC
            if record.type == "booking.created":
                rooms[role_room("library_owner")] = View.SUMMARY
            return rooms
        case "hold":
            return {library_room(library): View.PUBLIC, staff_room(library): View.STAFF}
        case "library" | "closure":
            roles = (role_room("student"), role_room("library_owner"))
            return {**dict.fromkeys(roles, View.PUBLIC), **both}
        case "seat" if verb == "availability-changed":
            return {library_room(library): View.PUBLIC, staff_room(library): View.STAFF}
        case "seat":
            return both
        case "pricing":
            return {role_room("student"): View.PUBLIC, **both}
        case "notification" if verb == "sent":
            return {user_room(user): View.FULL}
        case "waitlist" if verb == "offered":
            return {user_room(user): View.FULL}
        case "announcement":
            return {EVERYONE: View.PUBLIC}
        case _:
            return {}


class Rooms:
    """The whole log, arranged by room; and the rights that it gives."""

    def __init__(self, log: Log) -> None:
        self.head = log.head
        self._views: dict[int, Mapping[str, View]] = {}
        self._occupations: dict[int, str] = {}
        self._positions: defaultdict[str, list[int]] = defaultdict(list)
        self._membership: defaultdict[tuple[str, str], list[tuple[int, bool]]] = defaultdict(list)
        for record in log.records:
            views = self._views[record.position] = rooms_of(record)
            for room in views:
                self._positions[room].append(record.position)
            if record.type in STATE_AFTER:
                self._occupations[record.position] = record.facts["occupation"]
            self._note_membership(record)

    def views_of(self, position: int) -> Mapping[str, View]:
        return self._views.get(position, {})

    def between(self, room: str, after: int, until: int) -> Sequence[int]:
        """Return the positions of the room's events in (after, until]."""
        positions = self._positions.get(room, [])
        return positions[bisect_right(positions, after) : bisect_right(positions, until)]

    def is_replaced(self, room: str, position: int, occupation: str) -> bool:
        """Say whether the room has a newer event of the same occupation, which may stand for this one."""
        newer = self.between(room, position, self.head)
        return any(self._occupations.get(later) == occupation for later in newer)

    def may_join(self, user: str, role: str, room: str) -> bool:
        """Say whether this person may be in this room at some time; of staff rooms, by the whole log."""
        if role == "admin" or room in own_rooms(user, role):
            return True
        kind, _, rest = room.partition(":")
        if kind != "library" or not rest:
            return False
        library, _, part = rest.partition(":")
        return not part or (part == "staff" and bool(self._membership.get((user, library))))

    def staff_rooms(self, user: str) -> Iterator[tuple[str, int]]:
        """Yield the staff rooms that a person has been given, each with the position that first gave it."""
        for (member, library), changes in self._membership.items():
            granted = next((position for position, is_member in changes if is_member), None)
            if member == user and granted is not None:
                yield staff_room(library), granted

    def entitled(self, user: str, room: str, position: int) -> bool:
        """Say whether a member of the room may still see its event at `position`.

        Replays go by the rights of their own day: who joined later sees what was before, and who has left
        sees nothing after.
        """
        library, _, part = room.removeprefix("library:").partition(":")
        if part != "staff":
            return True
        changes = self._membership.get((user, library), [])
        before = [is_member for changed, is_member in changes if changed <= position]
        return bool(before and before[-1]) or any(
            is_member for changed, is_member in changes if changed > position
        )

    def _note_membership(self, record: Record) -> None:
        facts = record.facts
        match record.type:
            case "library.created":
                self._membership[facts["ownerId"], facts["libraryId"]].append((record.position, True))
            case "staff.added":
                self._membership[facts["userId"], facts["libraryId"]].append((record.position, True))
            case "staff.removed":
                self._membership[facts["userId"], facts["libraryId"]].append((record.position, False))
            case _:
                pass


def own_rooms(user: str, role: str) -> tuple[str, str, str]:
    """Return the rooms that everybody is in by themselves."""
    return EVERYONE, user_room(user), role_room(role)
