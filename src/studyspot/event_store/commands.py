"""A command waiting in the writer's queue: what to append, on which condition, and who waits."""

from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

import structlog

from studyspot.event_store.errors import StoreError
from studyspot.event_store.types import Appended, Condition, IdempotencyKey, NewEvent

log = structlog.get_logger()


class Waiter(Protocol):
    """Who waits for an append; `concurrent.futures.Future` is one."""

    def set_running_or_notify_cancel(self) -> bool:
        """Take note that the append begins; False if nobody waits any more, so that it must not."""

    def set_result(self, result: Appended) -> None:
        """Tell where the append ended."""

    def set_exception(self, exception: StoreError) -> None:
        """Tell why there was no append."""


@dataclass(slots=True, eq=False)
class Command:
    """One append. `deadline` is in seconds of the monotonic clock; after it nobody waits any more."""

    events: tuple[NewEvent, ...]
    condition: Condition | None
    key: IdempotencyKey | None
    answer: bytes
    deadline: float
    waiter: Waiter
    answered: bool = False

    @property
    def weight(self) -> int:
        """How many rows and index probes the command costs, roughly."""
        weight = len(self.condition.criteria) if self.condition else 0
        for event in self.events:
            weight += 1 + len(event.tags)
        return weight

    @property
    def size_bytes(self) -> int:
        """How many bytes of event data the command carries."""
        return sum([len(event.data) for event in self.events])

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
        return self.waiter.set_running_or_notify_cancel()

    def succeed(self, appended: Appended) -> None:
        """Tell the caller where the append ended."""
        self.answered = True
        try:
            self.waiter.set_result(appended)
        except Exception as error:  # noqa: BLE001  (the caller's own fault; the batch has others)
            _cannot_be_told(error)

    def fail(self, error: StoreError) -> None:
        """Tell the caller why there was no append."""
        self.answered = True
        try:
            self.waiter.set_exception(error)
        except Exception as fault:  # noqa: BLE001  (as above)
            _cannot_be_told(fault)


def _cannot_be_told(error: Exception) -> None:
    # Were it raised, the batch's commands that are not answered yet would be appended again.
    with suppress(OSError):
        log.error("a caller cannot be told of its append", error=repr(error))
