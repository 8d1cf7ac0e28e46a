"""Who may be in a staff room, and who may be connected at all: by position, as the log says."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator

from studyspot.checker.log import Log
from studyspot.checker.records import Record

_ROOM = "library:{}:staff"


class Rights:
    """Every change of rights, by person."""

    def __init__(self, log: Log) -> None:
        self._owners: dict[str, str] = {}
        self._membership: defaultdict[tuple[str, str], list[tuple[int, bool]]] = defaultdict(list)
        self._shut_out: defaultdict[str, list[tuple[int, bool]]] = defaultdict(list)
        self._roles: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        self._erased: set[str] = set()
        for record in log.records:
            self._note(record)

    def belongs(self, user: str, room: str, position: int) -> bool:
        """Say whether this person belongs in this staff room, once the event at `position` has happened."""
        return _at(self._membership.get((user, room), []), position)

    def granted_after(self, user: str, room: str, position: int) -> int | None:
        """Return where the person is next given the room after a position; none where never."""
        changes = self._membership.get((user, room), [])
        return next((changed for changed, is_in in changes if is_in and changed > position), None)

    def staff_rooms(self, user: str) -> Iterator[str]:
        """Yield the staff rooms in which the person has ever belonged."""
        return (room for member, room in self._membership if member == user)

    def is_shut_out(self, user: str, position: int) -> bool:
        """Say whether the person is disabled or erased, once the event at `position` has happened."""
        return _at(self._shut_out.get(user, []), position)

    def ends_after(self, user: str, role: str, position: int) -> int | None:
        """Return where every socket that was open at a position, by a token of `role`, has to end."""
        ends = [changed for changed, is_out in self._shut_out.get(user, ()) if is_out]
        ends += [changed for changed, new_role in self._roles.get(user, ()) if new_role != role]
        return min((end for end in ends if end > position), default=None)

    def _note(self, record: Record) -> None:
        facts = record.facts
        match record.type:
            case "library.created":
                self._owners[facts["libraryId"]] = facts["ownerId"]
                self._belong(facts["ownerId"], facts["libraryId"], record.position, is_in=True)
            case "staff.added":
                self._belong(facts["userId"], facts["libraryId"], record.position, is_in=True)
            case "staff.removed" if self._owners.get(facts["libraryId"]) != facts["userId"]:
                self._belong(facts["userId"], facts["libraryId"], record.position, is_in=False)
            case "account.disabled" | "account.erased":
                self._shut_out[facts["userId"]].append((record.position, True))
                if record.type == "account.erased":
                    self._erased.add(facts["userId"])
            case "account.enabled" if facts["userId"] not in self._erased:
                self._shut_out[facts["userId"]].append((record.position, False))
            case "account.role-changed":
                self._roles[facts["userId"]].append((record.position, facts["role"]))
            case _:
                pass

    def _belong(self, user: str, library: str, position: int, *, is_in: bool) -> None:
        changes = self._membership[user, _ROOM.format(library)]
        if not changes or changes[-1][1] is not is_in:
            changes.append((position, is_in))


def _at(changes: list[tuple[int, bool]], position: int) -> bool:
    number = bisect_right(changes, position, key=lambda change: change[0])
    return bool(number) and changes[number - 1][1]
