"""Write to students of one's library: each is told the id of a text that can be deleted."""

from dataclasses import dataclass, field

from studyspot.domain.account import Account, events_of_account, evolve_account
from studyspot.domain.decider import Boundary, Decider
from studyspot.domain.events import AccountEvent, Event, LibraryEvent, NotificationSent, StaffEvent
from studyspot.domain.library import Library, evolve_library, managed, settings_of
from studyspot.domain.people import Actor


@dataclass(frozen=True, slots=True)
class Letter:
    """What one student is told; the text is kept under `text_id`."""

    notification_id: str
    user_id: str
    text_id: str


@dataclass(frozen=True, slots=True)
class SendPersonal:
    """Write to students, each of whom has or had a booking in the library; whoever asks has seen to that."""

    library_id: str
    letters: tuple[Letter, ...]
    actor: Actor


@dataclass(slots=True)
class Writing:
    """The library, and the accounts of those written to."""

    library: Library | None = None
    accounts: dict[str, Account] = field(default_factory=dict)


def _evolve(writing: Writing, event: Event) -> Writing:
    if isinstance(event, AccountEvent):
        before = writing.accounts.get(event.user_id, Account())
        writing.accounts[event.user_id] = evolve_account(before, event)
    elif isinstance(event, LibraryEvent | StaffEvent):
        writing.library = evolve_library(writing.library, event)
    return writing


def _boundary(command: SendPersonal, writing: Writing) -> Boundary:
    accounts = (events_of_account(letter.user_id) for letter in command.letters)
    return (*settings_of(command.library_id), *(criterion for account in accounts for criterion in account))


def _decide(command: SendPersonal, writing: Writing) -> tuple[Event, ...]:
    """Write to all who are there to read it: nothing is written about who is erased or disabled."""
    library = managed(writing.library, command.actor)
    return tuple(
        NotificationSent(
            notification_id=letter.notification_id,
            user_id=letter.user_id,
            library_id=library.library_id,
            kind="personal",
            parameters={},
            cause=f"personal:{letter.notification_id}",
            text_id=letter.text_id,
        )
        for letter in command.letters
        if writing.accounts.get(letter.user_id, Account()).active
    )


SEND_PERSONAL = Decider(Writing, _evolve, _boundary, _decide)
