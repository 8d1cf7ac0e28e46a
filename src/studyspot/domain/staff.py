"""Who works for a library: invited by its owner, and added when they accept."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from studyspot.domain.account import Account, events_of_account, evolve_account, require_active
from studyspot.domain.decider import Boundary, Criterion, Decider
from studyspot.domain.events import (
    AccountEvent,
    AccountRoleChanged,
    Event,
    LibraryEvent,
    StaffAdded,
    StaffEvent,
    StaffInvited,
    StaffRemoved,
)
from studyspot.domain.library import Library, evolve_library, open_for_changes, owned, settings_of
from studyspot.domain.people import Actor
from studyspot.domain.refusals import (
    CannotBeStaff,
    InvitationExpired,
    InvitationUnknown,
    LibraryUnknown,
    NotLibraryOwner,
    NotYourLibrary,
    StaffAlready,
    StaffUnknown,
)
from studyspot.domain.tags import invitation as invitation_tag

INVITED_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class InviteStaff:
    """Ask somebody to work for the library; `user_id` is none where only their address is known."""

    library_id: str
    invitation_id: str
    user_id: str | None
    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class AcceptInvitation:
    """Accept as the invited; `address_matches` says that it was sent to the actor's address, and proved."""

    invitation_id: str
    address_matches: bool
    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class RemoveStaff:
    """The owner lets somebody go, or they go by themselves."""

    library_id: str
    user_id: str
    actor: Actor


@dataclass(slots=True)
class Hiring:
    """An invitation, who accepted it and who was let go since; its library; the account of who acts."""

    invitation: StaffInvited | None = None
    accepted_by: str | None = None
    let_go: set[str] = field(default_factory=set)
    library: Library | None = None
    account: Account = field(default_factory=Account)


def _evolve(hiring: Hiring, event: Event) -> Hiring:
    if isinstance(event, StaffInvited):
        hiring.invitation = event
    elif isinstance(event, AccountEvent):
        hiring.account = evolve_account(hiring.account, event)
    elif isinstance(event, LibraryEvent | StaffEvent):
        known = hiring.invitation.invitation_id if hiring.invitation is not None else None
        if isinstance(event, StaffAdded) and event.invitation_id == known:
            hiring.accepted_by = event.user_id
        if isinstance(event, StaffRemoved) and known is not None:
            hiring.let_go.add(event.user_id)
        hiring.library = evolve_library(hiring.library, event)
    return hiring


def _boundary_of_inviting(command: InviteStaff, hiring: Hiring) -> Boundary:
    return settings_of(command.library_id)


def _decide_inviting(command: InviteStaff, hiring: Hiring) -> tuple[Event, ...]:
    library = owned(hiring.library, command.actor)
    if command.user_id == library.owner_id:
        raise CannotBeStaff
    if command.user_id is not None and command.user_id in library.staff:
        raise StaffAlready
    return (
        StaffInvited(
            library_id=library.library_id,
            invitation_id=command.invitation_id,
            user_id=command.user_id,
            until=command.at + INVITED_FOR,
        ),
    )


def _boundary_of_accepting(command: AcceptInvitation, hiring: Hiring) -> Boundary:
    own = (Criterion((StaffInvited, StaffAdded), invitation_tag(command.invitation_id)),)
    if hiring.invitation is None:
        return own
    library = settings_of(hiring.invitation.library_id)
    return (*own, *library, *events_of_account(command.actor.user_id))


def _decide_accepting(command: AcceptInvitation, hiring: Hiring) -> tuple[Event, ...]:
    invitation, actor = hiring.invitation, command.actor
    invited = invitation is not None and (command.address_matches or invitation.user_id == actor.user_id)
    if invitation is None or not invited or hiring.accepted_by not in (None, actor.user_id):
        raise InvitationUnknown
    library = open_for_changes(hiring.library)
    require_active(hiring.account)
    if actor.user_id in library.staff:
        return ()
    # Who was let go needs an invitation that is newer than that, even if they still had another.
    if actor.user_id in hiring.let_go or command.at >= invitation.until:
        raise InvitationExpired
    # A token may be older than the role that the account has now.
    if (hiring.account.role or actor.role) not in ("student", "staff"):
        raise CannotBeStaff
    added = StaffAdded(
        library_id=library.library_id, user_id=actor.user_id, invitation_id=invitation.invitation_id
    )
    if hiring.account.role != "student":
        return (added,)
    changed = AccountRoleChanged(user_id=actor.user_id, role="staff", previous_role="student")
    return (added, changed)


def _boundary_of_removing(command: RemoveStaff, hiring: Hiring) -> Boundary:
    return settings_of(command.library_id)


def _decide_removing(command: RemoveStaff, hiring: Hiring) -> tuple[Event, ...]:
    library = hiring.library
    if library is None:
        raise LibraryUnknown
    # Of a retired library too: whoever worked for it still sees what happened there.
    if command.actor.user_id != command.user_id and not library.owned_by(command.actor):
        raise NotLibraryOwner if library.managed_by(command.actor) else NotYourLibrary
    if command.user_id not in library.staff:
        raise StaffUnknown
    return (StaffRemoved(library_id=library.library_id, user_id=command.user_id),)


INVITE_STAFF = Decider(Hiring, _evolve, _boundary_of_inviting, _decide_inviting)
ACCEPT_INVITATION = Decider(Hiring, _evolve, _boundary_of_accepting, _decide_accepting)
REMOVE_STAFF = Decider(Hiring, _evolve, _boundary_of_removing, _decide_removing)
