"""What is decided about accounts: register, disable, enable, change the role, erase."""

from dataclasses import dataclass

from studyspot.domain.account import Account, events_of_account, evolve_account
from studyspot.domain.decider import Boundary, Decider
from studyspot.domain.events import (
    AccountDisabled,
    AccountEnabled,
    AccountErased,
    AccountEvent,
    AccountRegistered,
    AccountRoleChanged,
    Event,
)
from studyspot.domain.people import Actor, Role
from studyspot.domain.refusals import AccountErasedAlready, NotAdmin, NotYourself


@dataclass(frozen=True, slots=True)
class RegisterAccount:
    """A person registers, with proof of who they are; nothing where they have."""

    user_id: str
    role: Role


@dataclass(frozen=True, slots=True)
class DisableAccount:
    user_id: str
    actor: Actor


@dataclass(frozen=True, slots=True)
class EnableAccount:
    user_id: str
    actor: Actor


@dataclass(frozen=True, slots=True)
class ChangeRole:
    """`role` is what the account gets; an account that is not ours has its role from elsewhere."""

    user_id: str
    role: Role
    actor: Actor


@dataclass(frozen=True, slots=True)
class EraseAccount:
    """Say that all that was known of the person is deleted; whoever deletes it says so afterwards."""

    user_id: str
    actor: Actor


@dataclass(frozen=True, slots=True)
class SeeAccount:
    user_id: str


def _decide_register(command: RegisterAccount, account: Account) -> tuple[Event, ...]:
    if account.role is not None or account.erased:
        return ()
    return (AccountRegistered(user_id=command.user_id, role=command.role),)


def _decide_disable(command: DisableAccount, account: Account) -> tuple[Event, ...]:
    _require_admin(command.user_id, command.actor)
    _require_known(account)
    return () if account.disabled else (AccountDisabled(user_id=command.user_id),)


def _decide_enable(command: EnableAccount, account: Account) -> tuple[Event, ...]:
    _require_admin(command.user_id, command.actor)
    _require_known(account)
    return (AccountEnabled(user_id=command.user_id),) if account.disabled else ()


def _decide_role(command: ChangeRole, account: Account) -> tuple[Event, ...]:
    _require_admin(command.user_id, command.actor)
    _require_known(account)
    if account.role is None or account.role == command.role:
        return ()
    return (AccountRoleChanged(user_id=command.user_id, role=command.role, previous_role=account.role),)


def _decide_erase(command: EraseAccount, account: Account) -> tuple[Event, ...]:
    _require_admin(command.user_id, command.actor)
    return () if account.erased else (AccountErased(user_id=command.user_id),)


def _decide_seeing(command: SeeAccount, account: Account) -> tuple[Event, ...]:
    return ()


def _require_admin(user_id: str, actor: Actor) -> None:
    if actor.role != "admin":
        raise NotAdmin
    if actor.user_id == user_id:
        raise NotYourself


def _require_known(account: Account) -> None:
    if account.erased:
        raise AccountErasedAlready


def _evolve(account: Account, event: Event) -> Account:
    return evolve_account(account, event) if isinstance(event, AccountEvent) else account


def _boundary(
    command: RegisterAccount | DisableAccount | EnableAccount | ChangeRole | EraseAccount | SeeAccount,
    account: Account,
) -> Boundary:
    return events_of_account(command.user_id)


REGISTER_ACCOUNT = Decider(Account, _evolve, _boundary, _decide_register)
DISABLE_ACCOUNT = Decider(Account, _evolve, _boundary, _decide_disable)
ENABLE_ACCOUNT = Decider(Account, _evolve, _boundary, _decide_enable)
CHANGE_ROLE = Decider(Account, _evolve, _boundary, _decide_role)
ERASE_ACCOUNT = Decider(Account, _evolve, _boundary, _decide_erase)
SEE_ACCOUNT = Decider(Account, _evolve, _boundary, _decide_seeing)
