"""An account: in which role a person acts, and whether they may act at all."""

from dataclasses import dataclass, replace
from typing import assert_never

from studyspot.domain.decider import Criterion
from studyspot.domain.events import (
    AccountDisabled,
    AccountEnabled,
    AccountErased,
    AccountEvent,
    AccountRegistered,
    AccountRoleChanged,
)
from studyspot.domain.people import Role
from studyspot.domain.refusals import AccountInactive
from studyspot.domain.tags import user as user_tag

ACCOUNT_EVENTS = (AccountRegistered, AccountDisabled, AccountEnabled, AccountRoleChanged, AccountErased)


@dataclass(frozen=True, slots=True)
class Account:
    """`role` is none for who has no account here: their tokens come from elsewhere, and prove it."""

    role: Role | None = None
    disabled: bool = False
    erased: bool = False

    @property
    def active(self) -> bool:
        return not (self.disabled or self.erased)


def evolve_account(account: Account, event: AccountEvent) -> Account:
    match event:
        case AccountRegistered():
            return replace(account, role=event.role)
        case AccountRoleChanged():
            return replace(account, role=event.role)
        case AccountDisabled():
            return replace(account, disabled=True)
        case AccountEnabled():
            return replace(account, disabled=False)
        case AccountErased():
            return replace(account, erased=True)
        case _ as unreachable:
            assert_never(unreachable)


def events_of_account(user_id: str) -> tuple[Criterion, ...]:
    """Return what a decision about this person reads: the newest of each event tells all."""
    return (Criterion(ACCOUNT_EVENTS, user_tag(user_id), newest=True),)


def require_active(account: Account) -> None:
    """Let nothing be done by, or for, who is disabled or erased.

    Raises:
        AccountInactive: they are.
    """
    if not account.active:
        raise AccountInactive
