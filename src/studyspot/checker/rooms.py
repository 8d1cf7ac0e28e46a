"""The judge's own room table: which rooms an event goes to, in which view, and who may be in a room."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import IntEnum

from studyspot.checker.log import Log
from studyspot.checker.occupations import STATE_AFTER
from studyspot.checker.records import Record
from studyspot.checker.rights import Rights


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
    """The whole log, arranged by room; `rights` are those that it gives."""

    def __init__(self, log: Log) -> None:
        self.head = log.head
        self.rights = Rights(log)
        self._views: dict[int, Mapping[str, View]] = {}
        self._shown: dict[int, tuple[str, str, str]] = {}
        self._positions: defaultdict[str, list[int]] = defaultdict(list)
        for record in log.records:
            views = self._views[record.position] = rooms_of(record)
            for room in views:
                self._positions[room].append(record.position)
            if (shown := _shown(record)) is not None:
                self._shown[record.position] = shown

    def views_of(self, position: int) -> Mapping[str, View]:
        return self._views.get(position, {})

    def between(self, room: str, after: int, until: int) -> Sequence[int]:
        """Return the positions of the room's events in (after, until]."""
        positions = self._positions.get(room, [])
        return positions[bisect_right(positions, after) : bisect_right(positions, until)]

    def is_replaced(self, room: str, position: int, until: int) -> bool:
        """Say whether a newer event, up to `until`, may stand for this one in the room.

        So it is where the room sees the public view of a seat, of the same occupation, or else of the same
        seat's service.
        """
        shown = self._shown.get(position)
        if shown is None or self.views_of(position).get(room) is not View.PUBLIC:
            return False
        return any(self._shown.get(later) == shown for later in self.between(room, position, until))


def _shown(record: Record) -> tuple[str, str, str] | None:
    """Return what the event's public frame tells of: an occupation, or the service of a seat."""
    facts = record.facts
    if record.type in STATE_AFTER:
        return (facts["libraryId"], "occupation", facts["occupation"])
    if record.type == "seat.availability-changed":
        return (facts["libraryId"], "seat", facts["seatId"])
    return None


def own_rooms(user: str, role: str) -> tuple[str, str, str]:
    """Return the rooms that everybody is in by themselves."""
    return EVERYONE, user_room(user), role_room(role)
