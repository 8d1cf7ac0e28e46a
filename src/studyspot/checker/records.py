"""What the judge is given: the log, the stream, the answers and the reads, as their receivers saw them.

None of it is typed by StudySpot's own code: a judge that shared the vocabulary would share its mistakes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Record:
    """One event of the log; `stored` is its JSON: v, time, actor, commandid, traceparent and data."""

    position: int
    epoch: str
    type: str
    stored: Mapping[str, Any]

    @property
    def facts(self) -> Mapping[str, Any]:
        facts = self.stored.get("data")
        return facts if isinstance(facts, Mapping) else {}

    @property
    def actor(self) -> str | None:
        actor: str | None = self.stored.get("actor")
        return actor

    @property
    def id(self) -> str:
        return f"{self.epoch}-{self.position}"

    @property
    def wire_type(self) -> str:
        return f"studyspot.{self.type}.v{self.stored.get('v')}"


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """One message of the JetStream stream, `position` being its sequence."""

    position: int
    subject: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What one attempt of a command was answered with; no status means that the connection was lost.

    `who` is the user id of the actor, `position` that of the header. When the request was sent, the log had
    reached `after`, as far as is known.
    """

    who: str
    method: str
    path: str
    key: str | None
    request: Any
    status: int | None
    body: Any = None
    position: int | None = None
    after: int = 0

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class SeatMapRead:
    """The body of GET /api/libraries/{id}/seats for [start, end)."""

    library_id: str
    start: datetime
    end: datetime
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BookingsRead:
    """Rows of GET /api/bookings at one position.

    With `user_id` or `library_id`, they are said to be all of that student's or library's bookings.
    """

    position: int
    rows: tuple[Mapping[str, Any], ...]
    user_id: str | None = None
    library_id: str | None = None


def same(left: Any, right: Any) -> bool:
    """Say whether two JSON values are the same; times are, when they are the same instant."""
    if isinstance(left, str) and isinstance(right, str) and left != right:
        try:
            return instant(left) == instant(right)
        except (ValueError, TypeError):
            return False
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right) and type(left) is type(right)


def instant(text: str) -> datetime:
    """Return the time that an RFC 3339 text names.

    Raises:
        ValueError: it names none, or has no offset.
    """
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"a time without an offset: {text}")
    return time
