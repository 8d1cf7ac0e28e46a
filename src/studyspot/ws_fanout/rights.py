"""Who belongs to which library, and who may be here at all: folded from events, in stream order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import assert_never

from studyspot.access.tokens import CLOCK_SKEW, Identity
from studyspot.catalogue.codec import Recorded
from studyspot.catalogue.subjects import subjects_of_type
from studyspot.catalogue.types import type_of
from studyspot.domain.events import (
    AccountDisabled,
    AccountEnabled,
    AccountErased,
    AccountEvent,
    AccountRegistered,
    AccountRoleChanged,
    BookingEvent,
    ClosureAnnounced,
    ClosureWithdrawn,
    Event,
    HoldEvent,
    LibraryCreated,
    LibraryDeleted,
    LibraryEvent,
    LibraryHoursSet,
    LibraryRulesSet,
    LibraryUpdated,
    NoticeEvent,
    PaymentEvent,
    PricingUpdated,
    SeatEvent,
    StaffAdded,
    StaffEvent,
    StaffInvited,
    StaffRemoved,
    WaitlistEvent,
)
from studyspot.domain.people import Role
from studyspot.ws_fanout.room_names import staff_room

CHANGE_RIGHTS: Sequence[type[Event]] = (
    LibraryCreated,
    StaffAdded,
    StaffRemoved,
    AccountDisabled,
    AccountEnabled,
    AccountErased,
    AccountRoleChanged,
)
"""The events that change anyone's rights."""

RIGHTS_SUBJECTS = tuple(subjects_of_type(type_of(event_class)) for event_class in CHANGE_RIGHTS)
"""Subjects of the events that change anyone's rights."""


class Standing(Enum):
    """Whether a person may be here, with the token that they show."""

    GOOD = auto()
    OUTDATED = auto()
    """The token is from before their role changed, and names another."""
    SHUT_OUT = auto()
    """Their account is disabled or erased."""


@dataclass(frozen=True, slots=True)
class Granted:
    """From now on this person belongs in this room, in the role that it takes."""

    user_id: str
    room: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """From now on this person belongs in this room no more, but for another right."""

    user_id: str
    room: str


@dataclass(frozen=True, slots=True)
class ShutOut:
    """From now on this person may not be here."""

    user_id: str


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """From now on older tokens of this person, of other roles, are worth nothing."""

    user_id: str


Change = Granted | Withdrawn | ShutOut | RoleChanged


@dataclass(frozen=True, slots=True)
class _NewRole:
    role: Role
    since: datetime


class Rights:
    """What the events up to `position` say about who may be where."""

    def __init__(self) -> None:
        self.position = 0
        self._staff_rooms: dict[tuple[str, Role], dict[str, None]] = {}
        self._disabled: set[str] = set()
        self._erased: set[str] = set()
        self._new_roles: dict[str, _NewRole] = {}

    def staff_rooms_of(self, user_id: str, role: Role) -> tuple[str, ...]:
        """Return the staff rooms of the libraries that this person runs in that role, oldest first.

        Who is no owner any more runs nothing of theirs, and who is no staff any more works nowhere: as in
        every command and read.
        """
        return tuple(self._staff_rooms.get((user_id, role), ()))

    def standing_of(self, identity: Identity) -> Standing:
        """Return whether the person may be here, with this token."""
        if identity.user_id in self._disabled or identity.user_id in self._erased:
            return Standing.SHUT_OUT
        changed = self._new_roles.get(identity.user_id)
        if changed is None or identity.role == changed.role:
            return Standing.GOOD
        # The token may have been asked for just before the change was in the log, and by another clock.
        if identity.issued_at >= changed.since + CLOCK_SKEW:
            return Standing.GOOD
        return Standing.OUTDATED

    def apply(self, recorded: Recorded) -> tuple[Change, ...]:
        """Take in an event and return what it changes; one taken in before changes nothing."""
        if recorded.position <= self.position:
            return ()
        self.position = recorded.position
        event = recorded.event
        if isinstance(event, SeatEvent | HoldEvent | BookingEvent | PaymentEvent):
            return ()
        if isinstance(event, WaitlistEvent | NoticeEvent):
            return ()
        if isinstance(event, LibraryEvent):
            return self._of_library(event)
        if isinstance(event, StaffEvent):
            return self._of_staff(event)
        if isinstance(event, AccountEvent):
            return self._of_account(event, recorded.metadata.time)
        assert_never(event)

    def _of_library(self, event: LibraryEvent) -> tuple[Change, ...]:
        match event:
            case LibraryCreated(library_id=library_id, owner_id=owner_id):
                return self._grant(owner_id, "library_owner", staff_room(library_id))
            case LibraryDeleted():
                # History stays, and its owner's to read: a resume from before must still bring it all.
                return ()
            case (
                LibraryUpdated()
                | LibraryHoursSet()
                | LibraryRulesSet()
                | ClosureAnnounced()
                | ClosureWithdrawn()
                | PricingUpdated()
            ):
                return ()
            case _ as unreachable:
                assert_never(unreachable)

    def _of_staff(self, event: StaffEvent) -> tuple[Change, ...]:
        match event:
            case StaffAdded(library_id=library_id, user_id=user_id):
                return self._grant(user_id, "staff", staff_room(library_id))
            case StaffRemoved(library_id=library_id, user_id=user_id):
                return self._withdraw(user_id, "staff", staff_room(library_id))
            case StaffInvited():
                return ()
            case _ as unreachable:
                assert_never(unreachable)

    def _of_account(self, event: AccountEvent, time: datetime) -> tuple[Change, ...]:
        match event:
            case AccountDisabled(user_id=user_id):
                self._disabled.add(user_id)
                return (ShutOut(user_id),)
            case AccountErased(user_id=user_id):
                self._erased.add(user_id)
                return (ShutOut(user_id),)
            case AccountEnabled(user_id=user_id):
                self._disabled.discard(user_id)
                return ()
            case AccountRoleChanged(user_id=user_id, role=role):
                self._new_roles[user_id] = _NewRole(role, time)
                return (RoleChanged(user_id),)
            case AccountRegistered():
                return ()
            case _ as unreachable:
                assert_never(unreachable)

    def _grant(self, user_id: str, role: Role, room: str) -> tuple[Change, ...]:
        rooms = self._staff_rooms.setdefault((user_id, role), {})
        if room in rooms:
            return ()
        rooms[room] = None
        return (Granted(user_id, room),)

    def _withdraw(self, user_id: str, role: Role, room: str) -> tuple[Change, ...]:
        rooms = self._staff_rooms.get((user_id, role), {})
        if room not in rooms:
            return ()
        del rooms[room]
        return (Withdrawn(user_id, room),)
