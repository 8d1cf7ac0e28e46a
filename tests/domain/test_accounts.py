"""Accounts: who registers, and what an administrator decides about whom."""

from typing import Any

import pytest

from studyspot.domain.account import events_of_account
from studyspot.domain.accounts import (
    CHANGE_ROLE,
    DISABLE_ACCOUNT,
    ENABLE_ACCOUNT,
    ERASE_ACCOUNT,
    REGISTER_ACCOUNT,
    SEE_ACCOUNT,
    ChangeRole,
    DisableAccount,
    EnableAccount,
    EraseAccount,
    RegisterAccount,
)
from studyspot.domain.events import (
    AccountDisabled,
    AccountEnabled,
    AccountErased,
    AccountRegistered,
    AccountRoleChanged,
    Event,
)
from studyspot.domain.people import Actor
from studyspot.domain.refusals import AccountErasedAlready, NotAdmin, NotYourself
from tests.domain.given import ADMIN, ASHA, OWNER, when
from tests.domain.log import Log, fold

REGISTERED = AccountRegistered(user_id="asha", role="student")
DISABLED = AccountDisabled(user_id="asha")
ENABLED = AccountEnabled(user_id="asha")
ERASED = AccountErased(user_id="asha")
DECISIONS: list[tuple[Any, Any]] = [
    (DISABLE_ACCOUNT, lambda by, whom="asha": DisableAccount(whom, by)),
    (ENABLE_ACCOUNT, lambda by, whom="asha": EnableAccount(whom, by)),
    (CHANGE_ROLE, lambda by, whom="asha": ChangeRole(whom, "library_owner", by)),
    (ERASE_ACCOUNT, lambda by, whom="asha": EraseAccount(whom, by)),
]
"""What administrators decide: each with its command, by its actor."""


def test_who_registers_has_an_account_in_the_role_they_chose() -> None:
    assert when(REGISTER_ACCOUNT, (), RegisterAccount("asha", "student")) == (REGISTERED,)


@pytest.mark.parametrize("before", [(REGISTERED,), (REGISTERED, ERASED), (ERASED,)])
def test_who_has_registered_or_was_erased_registers_no_more(before: tuple[Event, ...]) -> None:
    assert when(REGISTER_ACCOUNT, before, RegisterAccount("asha", "library_owner")) == ()


def test_whose_token_comes_from_elsewhere_can_be_disabled_and_enabled_too() -> None:
    assert when(DISABLE_ACCOUNT, (), DisableAccount("asha", ADMIN)) == (DISABLED,)
    assert when(ENABLE_ACCOUNT, (DISABLED,), EnableAccount("asha", ADMIN)) == (ENABLED,)


def test_deciding_what_is_so_already_changes_nothing() -> None:
    assert when(DISABLE_ACCOUNT, (REGISTERED, DISABLED), DisableAccount("asha", ADMIN)) == ()
    assert when(ENABLE_ACCOUNT, (REGISTERED,), EnableAccount("asha", ADMIN)) == ()
    assert when(CHANGE_ROLE, (REGISTERED,), ChangeRole("asha", "student", ADMIN)) == ()
    assert when(ERASE_ACCOUNT, (REGISTERED, ERASED), EraseAccount("asha", ADMIN)) == ()


def test_the_last_of_several_changes_counts() -> None:
    before = (REGISTERED, DISABLED, ENABLED, DISABLED)
    assert when(DISABLE_ACCOUNT, before, DisableAccount("asha", ADMIN)) == ()
    assert when(ENABLE_ACCOUNT, before, EnableAccount("asha", ADMIN)) == (ENABLED,)


def test_a_changed_role_tells_the_one_before() -> None:
    promoted = AccountRoleChanged(user_id="asha", role="admin", previous_role="student")
    assert when(CHANGE_ROLE, (REGISTERED,), ChangeRole("asha", "admin", ADMIN)) == (promoted,)
    demoted = AccountRoleChanged(user_id="asha", role="student", previous_role="admin")
    assert when(CHANGE_ROLE, (REGISTERED, promoted), ChangeRole("asha", "student", ADMIN)) == (demoted,)


def test_the_role_of_who_has_no_account_here_is_not_ours_to_change() -> None:
    assert when(CHANGE_ROLE, (), ChangeRole("asha", "admin", ADMIN)) == ()


@pytest.mark.parametrize(("decider", "command"), DECISIONS)
@pytest.mark.parametrize("by", [ASHA, OWNER, Actor("ravi", "staff")])
def test_only_administrators_decide_about_accounts(decider: Any, command: Any, by: Actor) -> None:
    with pytest.raises(NotAdmin):
        when(decider, (REGISTERED,), command(by))


@pytest.mark.parametrize(("decider", "command"), DECISIONS)
def test_no_administrator_decides_about_themself(decider: Any, command: Any) -> None:
    registered = AccountRegistered(user_id=ADMIN.user_id, role="admin")
    with pytest.raises(NotYourself):
        when(decider, (registered,), command(ADMIN, ADMIN.user_id))


@pytest.mark.parametrize(("decider", "command"), DECISIONS[:-1])
def test_nothing_of_an_erased_account_comes_back(decider: Any, command: Any) -> None:
    with pytest.raises(AccountErasedAlready):
        when(decider, (REGISTERED, ERASED), command(ADMIN))


def test_a_disabled_account_can_be_erased() -> None:
    assert when(ERASE_ACCOUNT, (REGISTERED, DISABLED), EraseAccount("asha", ADMIN)) == (ERASED,)


@pytest.mark.parametrize(
    ("before", "active"),
    [
        ((), True),
        ((REGISTERED,), True),
        ((DISABLED,), False),
        ((DISABLED, ENABLED), True),
        ((ERASED,), False),
    ],
)
def test_who_is_neither_disabled_nor_erased_is_active(before: tuple[Event, ...], active: bool) -> None:
    seen = fold(SEE_ACCOUNT, Log(before).read(events_of_account("asha")))
    assert seen.active is active
