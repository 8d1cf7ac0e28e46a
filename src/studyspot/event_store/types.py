"""What goes into the store and what comes out of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to append: its unversioned type, its encoded data, and its consistency tags."""

    type: str
    data: bytes
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event at its position in the log, with the epoch under which it was appended."""

    position: int
    epoch: str
    type: str
    data: bytes
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Criterion:
    """Matches an event of one of `types` (any type when empty) that carries all of `tags`.

    With `newest`, for one tag and given types, a read returns only the last event of each type: those events
    carry a whole setting. With `after`, a read leaves out what a caller has folded already. A condition takes
    no notice of either.
    """

    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    newest: bool = False
    after: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """Fails if an event after position `after` matches any criterion; without criteria all events match."""

    criteria: tuple[Criterion, ...] = ()
    after: int = 0


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The name under which an actor may repeat one command for 24 hours.

    `fingerprint` identifies the command's body: the same key with another body is refused.
    """

    actor: str
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What a keyed command was answered: the position of its last event, and the body its caller stored."""

    position: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the log: its last position, its epoch, and why appends are halted, if they are."""

    position: int
    epoch: str
    halted: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Matching events, oldest first, with the head and the stored answer of the same instant.

    As long as `history` is the same, the log has only grown: it names the epoch, and the run of the server,
    which a restored database cannot have in common with the one that was lost.
    """

    events: tuple[StoredEvent, ...]
    head: int
    history: str
    answer: StoredAnswer | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """Where an append ended: the position of its last event, and the epoch."""

    position: int
    epoch: str
