"""Why the store did not append, or could not be asked."""

from studyspot.event_store.types import StoredAnswer


class StoreError(Exception):
    """Any failure of the event store."""


class ConditionFailed(StoreError):
    """An event that matches the append's condition was appended since; read again and decide again."""


class AnsweredBefore(StoreError):
    """The same key with the same body has been answered already; `answer` is that answer."""

    def __init__(self, answer: StoredAnswer) -> None:
        super().__init__(f"answered before, at position {answer.position}")
        self.answer = answer


class KeyReused(StoreError):
    """The idempotency key belongs to a command with another body."""


class EventRejected(StoreError):
    """The events can never be stored as they are; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StoreUnavailable(StoreError):
    """The database did not answer in time; whether an append happened is unknown: retry with the same key."""


class StoreHalted(StoreError):
    """Appends are stopped until an operator sets a new epoch; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the event store is halted: {reason}")
        self.reason = reason
