"""Who works for a library: invited by its owner, added when they accept, and let go."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from studyspot.domain.events import (
    AccountDisabled,
    AccountEnabled,
    AccountErased,
    AccountRegistered,
    AccountRoleChanged,
    Event,
    LibraryDeleted,
    StaffAdded,
    StaffInvited,
    StaffRemoved,
)
from studyspot.domain.people import Actor, Role
from studyspot.domain.refusals import (
    AccountInactive,
    CannotBeStaff,
    InvitationExpired,
    InvitationUnknown,
    LibraryRetired,
    LibraryUnknown,
    NotLibraryOwner,
    NotYourLibrary,
    StaffAlready,
    StaffUnknown,
)
from studyspot.domain.staff import (
    ACCEPT_INVITATION,
    INVITE_STAFF,
    INVITED_FOR,
    REMOVE_STAFF,
    AcceptInvitation,
    InviteStaff,
    RemoveStaff,
)
from tests.domain.given import ADMIN, ASHA, INSTANT, LIBRARY, NOW, OTHER_OWNER, OWNER, RAVI, when
from tests.domain.log import Log

MEENA = Actor("meena", "staff")
KABIR = Actor("kabir", "staff")
RETIRED = LibraryDeleted(library_id="L1")


def invitation(user_id: str | None = "asha", invitation_id: str = "I1") -> StaffInvited:
    return StaffInvited(
        library_id="L1", invitation_id=invitation_id, user_id=user_id, until=NOW + INVITED_FOR
    )


def added(user_id: str = "meena", invitation_id: str = "I0") -> StaffAdded:
    return StaffAdded(library_id="L1", user_id=user_id, invitation_id=invitation_id)


def removed(user_id: str) -> StaffRemoved:
    return StaffRemoved(library_id="L1", user_id=user_id)


def registered(user_id: str = "asha", role: Role = "student") -> AccountRegistered:
    return AccountRegistered(user_id=user_id, role=role)


def invite(by: Actor = OWNER, user_id: str | None = "asha") -> InviteStaff:
    return InviteStaff("L1", "I1", user_id, by, NOW)


def accept(by: Actor = ASHA, *, address_matches: bool = False, **changes: Any) -> AcceptInvitation:
    return replace(AcceptInvitation("I1", address_matches, by, NOW + timedelta(days=1)), **changes)


def remove(user_id: str, by: Actor = OWNER) -> RemoveStaff:
    return RemoveStaff("L1", user_id, by)


@pytest.mark.parametrize("user_id", ["asha", None])
def test_the_owner_invites_a_person_or_whoever_has_an_address(user_id: str | None) -> None:
    assert when(INVITE_STAFF, (LIBRARY,), invite(user_id=user_id)) == (invitation(user_id),)


@pytest.mark.parametrize(
    ("by", "refusal"),
    [
        (MEENA, NotLibraryOwner),
        (KABIR, NotYourLibrary),
        (OTHER_OWNER, NotYourLibrary),
        (ADMIN, NotYourLibrary),
        (ASHA, NotYourLibrary),
        (Actor("owner", "staff"), NotYourLibrary),
    ],
)
def test_nobody_but_the_owner_invites(by: Actor, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        when(INVITE_STAFF, (LIBRARY, added()), invite(by))


def test_only_who_may_come_to_work_there_is_invited() -> None:
    with pytest.raises(CannotBeStaff):
        when(INVITE_STAFF, (LIBRARY,), invite(user_id="owner"))
    with pytest.raises(StaffAlready):
        when(INVITE_STAFF, (LIBRARY, added()), invite(user_id="meena"))
    assert when(INVITE_STAFF, (LIBRARY, added(), removed("meena")), invite(user_id="meena"))


@pytest.mark.parametrize(("given", "refusal"), [((), LibraryUnknown), ((LIBRARY, RETIRED), LibraryRetired)])
def test_a_library_that_is_not_there_takes_nobody(given: tuple[Event, ...], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        when(INVITE_STAFF, given, invite())


def test_who_works_for_a_retired_library_can_be_let_go() -> None:
    with pytest.raises(LibraryUnknown):
        when(REMOVE_STAFF, (), remove("meena"))
    assert when(REMOVE_STAFF, (LIBRARY, added(), RETIRED), remove("meena")) == (removed("meena"),)


def test_a_registered_student_who_accepts_becomes_staff() -> None:
    assert when(ACCEPT_INVITATION, (LIBRARY, registered(), invitation()), accept()) == (
        added("asha", "I1"),
        AccountRoleChanged(user_id="asha", role="staff", previous_role="student"),
    )


@pytest.mark.parametrize(
    ("known", "by"),
    [
        ((), ASHA),
        ((registered(role="staff"),), ASHA),
        ((registered(role="staff"),), Actor("asha", "staff")),
        ((), Actor("asha", "staff")),
    ],
)
def test_who_is_staff_already_or_has_no_account_here_keeps_their_role(
    known: tuple[Event, ...], by: Actor
) -> None:
    assert when(ACCEPT_INVITATION, (LIBRARY, *known, invitation()), accept(by)) == (added("asha", "I1"),)


@pytest.mark.parametrize("role", ["library_owner", "admin"])
def test_owners_and_administrators_cannot_work_there_whichever_role_their_token_still_has(role: Role) -> None:
    for known, by in (((), Actor("asha", role)), ((registered(role=role),), ASHA)):
        with pytest.raises(CannotBeStaff):
            when(ACCEPT_INVITATION, (LIBRARY, *known, invitation()), accept(by))


def test_an_invitation_is_for_the_invited_alone() -> None:
    given = (LIBRARY, registered("ravi"), invitation())
    with pytest.raises(InvitationUnknown):
        when(ACCEPT_INVITATION, given, accept(RAVI))
    with pytest.raises(InvitationUnknown):
        when(ACCEPT_INVITATION, given, accept(OWNER))
    with pytest.raises(InvitationUnknown):
        when(ACCEPT_INVITATION, (LIBRARY,), accept())


def test_an_invitation_to_an_address_is_for_whoever_has_it_once() -> None:
    given = (LIBRARY, registered("ravi"), invitation(None))
    with pytest.raises(InvitationUnknown):
        when(ACCEPT_INVITATION, given, accept(RAVI))
    accepted = when(ACCEPT_INVITATION, given, accept(RAVI, address_matches=True))
    assert accepted[0] == added("ravi", "I1")
    with pytest.raises(InvitationUnknown):
        when(ACCEPT_INVITATION, (*given, *accepted), accept(ASHA, address_matches=True))


def test_accepting_again_changes_nothing() -> None:
    given = (LIBRARY, registered(), invitation())
    accepted = when(ACCEPT_INVITATION, given, accept())
    assert when(ACCEPT_INVITATION, (*given, *accepted), accept()) == ()
    assert when(ACCEPT_INVITATION, (*given, *accepted), accept(Actor("asha", "staff"))) == ()


def test_an_invitation_ends_after_a_week() -> None:
    given = (LIBRARY, registered(), invitation())
    assert when(ACCEPT_INVITATION, given, accept(at=NOW + INVITED_FOR - INSTANT))
    with pytest.raises(InvitationExpired):
        when(ACCEPT_INVITATION, given, accept(at=NOW + INVITED_FOR))


def test_who_was_let_go_comes_back_by_a_newer_invitation_only() -> None:
    twice = (LIBRARY, registered(), invitation(), invitation(invitation_id="I2"))
    gone = (*twice, *when(ACCEPT_INVITATION, twice, accept()), removed("asha"))
    for older in ("I1", "I2"):
        with pytest.raises(InvitationExpired):
            when(ACCEPT_INVITATION, gone, accept(Actor("asha", "staff"), invitation_id=older))
    again = (*gone, invitation(invitation_id="I3"))
    assert when(ACCEPT_INVITATION, again, accept(Actor("asha", "staff"), invitation_id="I3")) == (
        added("asha", "I3"),
    )


def test_nothing_is_accepted_by_an_account_that_is_disabled_or_erased() -> None:
    given = (LIBRARY, registered(), invitation())
    for ended in (AccountDisabled(user_id="asha"), AccountErased(user_id="asha")):
        with pytest.raises(AccountInactive):
            when(ACCEPT_INVITATION, (*given, ended), accept())
    enabled = (AccountDisabled(user_id="asha"), AccountEnabled(user_id="asha"))
    assert when(ACCEPT_INVITATION, (*given, *enabled), accept())


def test_a_library_that_has_been_retired_since_is_not_joined() -> None:
    with pytest.raises(LibraryRetired):
        when(ACCEPT_INVITATION, (LIBRARY, registered(), invitation(), RETIRED), accept())


def test_two_with_the_same_invitation_do_not_both_get_in() -> None:
    log = Log((LIBRARY, registered(), registered("ravi"), invitation(None)))
    first = log.decide(ACCEPT_INVITATION, accept(ASHA, address_matches=True))
    second = log.decide(ACCEPT_INVITATION, accept(RAVI, address_matches=True))
    log.append(first.events)
    assert log.has_changed(second.boundary, after=second.head)


@pytest.mark.parametrize(
    "meanwhile",
    [
        RETIRED,
        AccountDisabled(user_id="asha"),
        AccountErased(user_id="asha"),
        AccountRoleChanged(user_id="asha", role="admin", previous_role="student"),
        removed("asha"),
    ],
)
def test_accepting_depends_on_the_library_the_account_and_who_was_let_go(meanwhile: Event) -> None:
    log = Log((LIBRARY, registered(), invitation()))
    decided = log.decide(ACCEPT_INVITATION, accept())
    log.append((meanwhile,))
    assert log.has_changed(decided.boundary, after=decided.head)


def test_inviting_and_letting_go_depend_on_the_library_and_its_staff() -> None:
    acts: list[tuple[Any, Any]] = [(INVITE_STAFF, invite()), (REMOVE_STAFF, remove("meena"))]
    for decider, command in acts:
        for meanwhile in (RETIRED, added("asha"), removed("meena")):
            log = Log((LIBRARY, added()))
            decided = log.decide(decider, command)
            log.append((meanwhile,))
            assert log.has_changed(decided.boundary, after=decided.head)


@pytest.mark.parametrize("by", [OWNER, MEENA])
def test_the_owner_lets_somebody_go_or_they_go_by_themselves(by: Actor) -> None:
    assert when(REMOVE_STAFF, (LIBRARY, added()), remove("meena", by)) == (removed("meena"),)


@pytest.mark.parametrize(
    ("by", "refusal"),
    [
        (KABIR, NotLibraryOwner),
        (Actor("nobody", "staff"), NotYourLibrary),
        (OTHER_OWNER, NotYourLibrary),
        (ADMIN, NotYourLibrary),
        (ASHA, NotYourLibrary),
    ],
)
def test_nobody_else_lets_anybody_go(by: Actor, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        when(REMOVE_STAFF, (LIBRARY, added(), added("kabir")), remove("meena", by))


def test_who_does_not_work_there_cannot_go() -> None:
    for given in ((LIBRARY,), (LIBRARY, added(), removed("meena"))):
        for by in (OWNER, MEENA):
            with pytest.raises(StaffUnknown):
                when(REMOVE_STAFF, given, remove("meena", by))
