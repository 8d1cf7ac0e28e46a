"""Tell a person something once, however often it is tried."""

from collections.abc import Mapping
from dataclasses import dataclass

from studyspot.domain.decider import Boundary, Criterion, Decider
from studyspot.domain.events import Event, NoticeKind, NotificationSent
from studyspot.domain.tags import cause


@dataclass(frozen=True, slots=True)
class SendNotice:
    """`cause` is `{position}:{kind}`, and whom it concerns where one event concerns several."""

    notification_id: str
    user_id: str
    library_id: str | None
    kind: NoticeKind
    parameters: Mapping[str, str | int | bool | None]
    cause: str


def _unsent() -> bool:
    return False


def _evolve(sent: bool, event: Event) -> bool:
    return True


def _boundary(command: SendNotice, sent: bool) -> Boundary:
    return (Criterion((NotificationSent,), cause(command.cause)),)


def _decide(command: SendNotice, sent: bool) -> tuple[Event, ...]:
    if sent:
        return ()
    return (
        NotificationSent(
            notification_id=command.notification_id,
            user_id=command.user_id,
            library_id=command.library_id,
            kind=command.kind,
            parameters=command.parameters,
            cause=command.cause,
        ),
    )


SEND_NOTICE = Decider(_unsent, _evolve, _boundary, _decide)
