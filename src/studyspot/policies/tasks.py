"""Tasks: what a policy is to do, when, and about what: mostly a hold or a booking.

A task's key follows from the event that asks for it: the same event asks once, however often it is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from studyspot.domain.events import NoticeKind

TaskKind = Literal[
    "lapse-hold",
    "release-hold",
    "miss-booking",
    "complete-booking",
    "revoke-booking",
    "remind",
    "send-notice",
    "offer-places",
    "end-waiting",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a person is told, because of what; `parameters` are ids, amounts, and times as RFC 3339 text."""

    user_id: str
    library_id: str
    kind: NoticeKind
    parameters: Mapping[str, str | int | bool | None]
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """To be done at `due_at`, asked for by the event at `position`.

    `subject` is the tag of the hold, booking, library or place in a waitlist concerned; `ground` that of the
    closure or seat without which there would be nothing to do; `notice` is what a task of telling somebody
    tells.
    """

    key: str
    position: int
    kind: TaskKind
    subject: str
    due_at: datetime
    ground: str | None = None
    notice: Notice | None = None

    @property
    def subject_id(self) -> str:
        """The id of what is concerned."""
        return self.subject.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Ran:
    """Whether running a task changed anything, and when it is to be run again, if there is more to do."""

    changed: bool
    again_at: datetime | None = None


def deadline_key(kind: TaskKind, subject: str) -> str:
    """Return the key of the one task of its kind that a subject has at a time."""
    return f"{kind}:{subject}"


def grounded_key(kind: TaskKind, subject: str, position: int) -> str:
    """Return the key of what the event at `position` asks for about one of several."""
    return f"{kind}:{subject}:{position}"


def notice_key(cause: str) -> str:
    """Return the key of telling what `cause` names."""
    return f"send-notice:{cause}"
