"""Tell a person something once, however often it is tried."""

from collections.abc import Mapping
from dataclasses import dataclass

from studyspot.domain.decider import Boundary, Criterion, Decider
from studyspot.domain.events import Event, NoticeKind, NotificationSent
from studyspot.domain.tags import cause

MUTABLE: frozenset[NoticeKind] = frozenset(("booking-made-for-you", "check-in-closing", "staff-invited"))
"""What a person may ask not to be told: nobody who mutes these misses the loss of anything."""


@dataclass(frozen=True, slots=True)
class SendNotice:
    """`cause` is `{position}:{kind}`, and whom it concerns where one event concerns several."""

    notification_id: str
    user_id: str
    library_id: str | None
    kind: NoticeKind
    parameters: Mapping[str, str | int | bool | None]
    cause: str

    def sent(self) -> NotificationSent:
        """Return the event of telling it."""
        return NotificationSent(
            notification_id=self.notification_id,
            user_id=self.user_id,
            library_id=self.library_id,
            kind=self.kind,
            parameters=self.parameters,
            cause=self.cause,
        )


def told_of(name: str) -> Boundary:
    """Return what a decision reads that tells somebody of this cause, once."""
    return (Criterion((NotificationSent,), cause(name)),)


def _unsent() -> bool:
    return False


def _evolve(sent: bool, event: Event) -> bool:
    return True


def _boundary(command: SendNotice, sent: bool) -> Boundary:
    return told_of(command.cause)


def _decide(command: SendNotice, sent: bool) -> tuple[Event, ...]:
    return () if sent else (command.sent(),)


SEND_NOTICE = Decider(_unsent, _evolve, _boundary, _decide)
