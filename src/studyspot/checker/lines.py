"""The waitlists, as the judge folds them: who waits for what, in which order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from studyspot.checker.records import Record, instant

BEGUN_AFTER = timedelta(minutes=5)
"""So long after its start, nobody waits for a time any more."""


@dataclass(slots=True)
class Entry:
    """A place in line; `is_as_joined` while the library's hours and rules are those under which it began."""

    facts: Mapping[str, Any]
    position: int
    start: datetime
    end: datetime
    comes_first: bool
    status: str = "waiting"
    hold_id: str | None = None
    is_as_joined: bool = True

    @property
    def user(self) -> str:
        return str(self.facts["userId"])

    def is_over(self, moment: datetime) -> bool:
        """Say whether the clock has ended the wait."""
        return moment >= min(self.start + BEGUN_AFTER, self.end)

    def overlaps(self, start: datetime, end: datetime) -> bool:
        return self.start < end and start < self.end


@dataclass(slots=True)
class Lines:
    """Every place that was ever taken; those of people who wait, by library."""

    entries: dict[str, Entry] = field(default_factory=dict)
    _of_library: dict[str, dict[str, Entry]] = field(default_factory=dict)

    def waiting(self, library: str, moment: datetime) -> list[Entry]:
        """Return who waits at a moment, the first in line first."""
        entries = self._of_library.get(library, {}).values()
        line = [entry for entry in entries if entry.status == "waiting" and not entry.is_over(moment)]
        return sorted(line, key=lambda entry: (not entry.comes_first, entry.position))

    def of_user(self, user: str, library: str) -> list[Entry]:
        """Return where this student waits in a library, or is offered a seat."""
        return [entry for entry in self._of_library.get(library, {}).values() if entry.user == user]

    def apply(self, record: Record) -> None:
        """Add one record.

        Raises:
            KeyError: it is about a place that was never taken.
        """
        facts = record.facts
        match record.type:
            case "waitlist.joined":
                entry = self.entries[facts["entryId"]] = Entry(
                    facts=facts,
                    position=record.position,
                    start=instant(facts["start"]),
                    end=instant(facts["end"]),
                    comes_first=facts.get("revokedBookingId") is not None,
                )
                self._of_library.setdefault(facts["libraryId"], {})[facts["entryId"]] = entry
            case "waitlist.offered":
                entry = self.entries[facts["entryId"]]
                entry.status, entry.hold_id = "offered", facts["holdId"]
            case "waitlist.left" | "waitlist.accepted":
                self._leave(facts["entryId"], record.type.removeprefix("waitlist."))
            case "waitlist.offer-lapsed" if facts["status"] == "waiting":
                entry = self.entries[facts["entryId"]]
                entry.status, entry.hold_id = "waiting", None
            case "waitlist.offer-lapsed":
                self._leave(facts["entryId"], "lapsed")
            case "library.hours-set" | "library.rules-set":
                for entry in self._of_library.get(facts["libraryId"], {}).values():
                    entry.is_as_joined = False
            case _:
                pass

    def _leave(self, entry_id: str, status: str) -> None:
        entry = self.entries[entry_id]
        entry.status, entry.hold_id = status, None
        self._of_library[entry.facts["libraryId"]].pop(entry_id, None)
