"""Mark what one was told as read, once."""

from dataclasses import dataclass

from studyspot.domain.decider import Boundary, Criterion, Decider
from studyspot.domain.events import Event, NotificationRead, NotificationSent, WaitlistOffered
from studyspot.domain.people import Actor
from studyspot.domain.refusals import NotificationUnknown
from studyspot.domain.tags import notification as notification_tag


@dataclass(frozen=True, slots=True)
class ReadNotice:
    """`notification_id` is that of a notice, or of the hold by which a seat is offered."""

    notification_id: str
    actor: Actor


@dataclass(slots=True)
class Told:
    """Whom something was told, if it was, and whether they have read it."""

    user_id: str | None = None
    read: bool = False


def _evolve(told: Told, event: Event) -> Told:
    if isinstance(event, NotificationSent | WaitlistOffered):
        told.user_id = event.user_id
    elif isinstance(event, NotificationRead):
        told.read = True
    return told


def _boundary(command: ReadNotice, told: Told) -> Boundary:
    types = (NotificationSent, WaitlistOffered, NotificationRead)
    return (Criterion(types, notification_tag(command.notification_id)),)


def _decide(command: ReadNotice, told: Told) -> tuple[Event, ...]:
    if told.user_id != command.actor.user_id:
        raise NotificationUnknown
    if told.read:
        return ()
    return (NotificationRead(notification_id=command.notification_id, user_id=command.actor.user_id),)


READ_NOTICE = Decider(Told, _evolve, _boundary, _decide)
