"""Who may be in a staff room in which role, and who may be connected at all: by position, as the log says."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from studyspot.checker.log import Log
from studyspot.checker.records import Record, instant
from studyspot.checker.tokens import Claims

_ROOM = "library:{}:staff"


@dataclass(frozen=True, slots=True)
class _NewRole:
    position: int
    role: str
    time: datetime


class Rights:
    """Every change of rights, by person."""

    def __init__(self, log: Log) -> None:
        self._membership: defaultdict[tuple[str, str, str], list[tuple[int, bool]]] = defaultdict(list)
        self._shut_out: defaultdict[str, list[tuple[int, bool]]] = defaultdict(list)
        self._roles: defaultdict[str, list[_NewRole]] = defaultdict(list)
        self._erased: set[str] = set()
        for record in log.records:
            self._note(record)

    def belongs(self, user: str, role: str, room: str, position: int) -> bool:
        """Say whether this person, in this role, belongs in this staff room, once `position` has happened."""
        return _at(self._membership.get((user, role, room), []), position)

    def granted_after(self, user: str, role: str, room: str, position: int) -> int | None:
        """Return where the person is next given the room after a position; none where never."""
        changes = self._membership.get((user, role, room), [])
        return next((changed for changed, is_in in changes if is_in and changed > position), None)

    def withdrawn_after(self, user: str, role: str, room: str, position: int) -> int | None:
        """Return where the room is next taken from the person after a position; none where never."""
        changes = self._membership.get((user, role, room), [])
        return next((changed for changed, is_in in changes if not is_in and changed > position), None)

    def staff_rooms(self, user: str, role: str) -> Iterator[str]:
        """Yield the staff rooms in which the person has ever belonged in this role."""
        return (room for *whose, room in self._membership if whose == [user, role])

    def was_ever_shut_out(self, user: str) -> bool:
        return user in self._shut_out

    def is_shut_out(self, user: str, position: int) -> bool:
        """Say whether the person is disabled or erased, once the event at `position` has happened."""
        return _at(self._shut_out.get(user, []), position)

    def ends_after(self, user: str, role: str, position: int) -> int | None:
        """Return where every socket that was open at a position, by a token of `role`, has to end."""
        ends = [changed for changed, is_out in self._shut_out.get(user, ()) if is_out]
        ends += [change.position for change in self._roles.get(user, ()) if change.role != role]
        return min((end for end in ends if end > position), default=None)

    def is_outdated(self, claims: Claims, position: int) -> bool:
        """Say whether a token is from before a change to another role, which has happened at `position`."""
        changes = [change for change in self._roles.get(claims.user, ()) if change.position <= position]
        if not changes or changes[-1].role == claims.role:
            return False
        # A token counts whole seconds.
        return claims.issued_at + 1 <= changes[-1].time.timestamp()

    def _note(self, record: Record) -> None:
        facts = record.facts
        match record.type:
            case "library.created":
                owner, room = facts["ownerId"], _ROOM.format(facts["libraryId"])
                self._belong((owner, "library_owner", room), record.position, is_in=True)
            case "staff.added" | "staff.removed":
                worker, room = facts["userId"], _ROOM.format(facts["libraryId"])
                is_in = record.type == "staff.added"
                self._belong((worker, "staff", room), record.position, is_in=is_in)
            case "account.disabled" | "account.erased":
                self._shut_out[facts["userId"]].append((record.position, True))
                if record.type == "account.erased":
                    self._erased.add(facts["userId"])
            case "account.enabled" if facts["userId"] not in self._erased:
                self._shut_out[facts["userId"]].append((record.position, False))
            case "account.role-changed":
                change = _NewRole(record.position, facts["role"], instant(record.stored["time"]))
                self._roles[facts["userId"]].append(change)
            case _:
                pass

    def _belong(self, member: tuple[str, str, str], position: int, *, is_in: bool) -> None:
        changes = self._membership[member]
        if not changes or changes[-1][1] is not is_in:
            changes.append((position, is_in))


def _at(changes: list[tuple[int, bool]], position: int) -> bool:
    number = bisect_right(changes, position, key=lambda change: change[0])
    return bool(number) and changes[number - 1][1]
