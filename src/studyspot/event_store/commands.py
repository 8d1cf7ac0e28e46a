"""A command waiting in the writer's queue: what to append, on which condition, and who waits."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from time import monotonic

from studyspot.event_store.errors import StoreError
from studyspot.event_store.types import Appended, Condition, IdempotencyKey, NewEvent


@dataclass(slots=True, eq=False)
class Command:
    """One append. `deadline` is in seconds of the monotonic clock; after it nobody waits any more."""

    events: tuple[NewEvent, ...]
    condition: Condition | None
    key: IdempotencyKey | None
    answer: bytes
    deadline: float
    future: "Future[Appended]" = field(default_factory=Future)

    @property
    def weight(self) -> int:
        """How many rows and index probes the command costs, roughly."""
        tags = sum(len(event.tags) for event in self.events)
        return len(self.events) + tags + (len(self.condition.criteria) if self.condition else 0)

    @property
    def size_bytes(self) -> int:
        """How many bytes of event data the command carries."""
        return sum(len(event.data) for event in self.events)

    @property
    def event_types(self) -> list[str]:
        """The types of the events to append, for logs."""
        return sorted({event.type for event in self.events})

    @property
    def expired(self) -> bool:
        """Whether the command's deadline has passed."""
        return monotonic() >= self.deadline

    def begin(self) -> bool:
        """Take the command out of the queue; False if its caller has given up, so that it must not happen."""
        return self.future.set_running_or_notify_cancel()

    def succeed(self, appended: Appended) -> None:
        """Tell the caller where the append ended."""
        self.future.set_result(appended)

    def fail(self, error: StoreError) -> None:
        """Tell the caller why there was no append."""
        self.future.set_exception(error)
