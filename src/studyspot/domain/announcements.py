"""Tell everyone something, in public."""

from dataclasses import dataclass

from studyspot.domain.decider import Boundary, Decider
from studyspot.domain.events import AnnouncementMade, Event
from studyspot.domain.people import Actor
from studyspot.domain.refusals import NotAdmin


@dataclass(frozen=True, slots=True)
class MakeAnnouncement:
    announcement_id: str
    title: str
    text: str
    actor: Actor


def _nothing() -> None:
    return None


def _evolve(state: None, event: Event) -> None:
    return None


def _boundary(command: MakeAnnouncement, state: None) -> Boundary:
    return ()


def _decide(command: MakeAnnouncement, state: None) -> tuple[Event, ...]:
    if command.actor.role != "admin":
        raise NotAdmin
    made = AnnouncementMade(announcement_id=command.announcement_id, title=command.title, text=command.text)
    return (made,)


MAKE_ANNOUNCEMENT = Decider(_nothing, _evolve, _boundary, _decide)
