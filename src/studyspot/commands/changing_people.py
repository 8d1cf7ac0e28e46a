"""What administrators do with people, over HTTP and on the console: bar, erase, change the role."""

from dataclasses import dataclass
from typing import assert_never

from studyspot.access.erasure import Erasure
from studyspot.access.sessions import Sessions
from studyspot.decisions.run import Accepted, Circumstances, Decisions, Seen
from studyspot.domain.account import Account
from studyspot.domain.accounts import (
    CHANGE_ROLE,
    DISABLE_ACCOUNT,
    ENABLE_ACCOUNT,
    ERASE_ACCOUNT,
    SEE_ACCOUNT,
    ChangeRole,
    DisableAccount,
    EnableAccount,
    EraseAccount,
    SeeAccount,
)
from studyspot.domain.people import Actor, Role
from studyspot.wire.people_bodies import PersonStatus


@dataclass(frozen=True, slots=True)
class ChangingPeople:
    """Changes accounts, whoever they belong to, and whether they are ours or an identity provider's.

    Every method raises Refusal where a rule says no, and StoreUnavailable or psycopg.OperationalError where
    the database does not answer: it may be repeated then.
    """

    decisions: Decisions
    erasure: Erasure
    sessions: Sessions

    async def see(self, user_id: str) -> Seen[Account]:
        return await self.decisions.look(SEE_ACCOUNT, SeeAccount(user_id))

    async def change_role(
        self, user_id: str, role: Role, actor: Actor, circumstances: Circumstances
    ) -> Accepted:
        """Give an account of ours another role; an identity provider's stays as it is."""
        command = ChangeRole(user_id, role, actor)
        return await self.decisions.run(CHANGE_ROLE, command, circumstances, lambda _, __: {})

    async def set_status(
        self, user_id: str, status: PersonStatus, actor: Actor, circumstances: Circumstances
    ) -> Accepted:
        """Disable, enable or erase somebody."""
        match status:
            case "active":
                enable = EnableAccount(user_id, actor)
                return await self.decisions.run(ENABLE_ACCOUNT, enable, circumstances, lambda _, __: {})
            case "disabled":
                disable = DisableAccount(user_id, actor)
                accepted = await self.decisions.run(DISABLE_ACCOUNT, disable, circumstances, lambda _, __: {})
                await self.sessions.end_all(user_id, circumstances.at)
                return accepted
            case "erased":
                return await self._erase(EraseAccount(user_id, actor), circumstances)
            case _ as unreachable:
                assert_never(unreachable)

    async def _erase(self, command: EraseAccount, circumstances: Circumstances) -> Accepted:
        """Delete what is known of a person, then say so; their display name, whoever publishes it deletes."""
        # What is deleted does not come back: whether it may be is asked first.
        await self.decisions.look(ERASE_ACCOUNT, command)
        await self.erasure.erase(command.user_id)
        return await self.decisions.run(ERASE_ACCOUNT, command, circumstances, lambda _, __: {})


def status_of(account: Account) -> PersonStatus:
    if account.erased:
        return "erased"
    return "disabled" if account.disabled else "active"
