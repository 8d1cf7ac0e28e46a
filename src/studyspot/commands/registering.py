"""Making an account: what is personal is kept first, and the log says then that there is one."""

from dataclasses import dataclass

from studyspot.access.accounts import Accounts, StoredAccount
from studyspot.access.passwords import Passwords
from studyspot.decisions.run import Accepted, Circumstances, Decisions
from studyspot.domain.accounts import REGISTER_ACCOUNT, RegisterAccount
from studyspot.domain.people import Role


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Somebody who registers; the password is as it was typed."""

    user_id: str
    email: str
    name: str
    password: str
    role: Role


@dataclass(frozen=True, slots=True)
class Registrar:
    """Makes accounts."""

    accounts: Accounts
    passwords: Passwords
    decisions: Decisions

    async def register(self, new: NewAccount, circumstances: Circumstances) -> tuple[StoredAccount, Accepted]:
        """Make an account.

        Raises:
            EmailTaken: the address has one.
            PasswordUnfit, TooManySignIns: as `Passwords.hash`.
            StoreUnavailable: the log cannot be written; signing in will say there what is missing.
            psycopg.OperationalError: the database does not answer.
        """
        password_hash = await self.passwords.hash(new.password)
        account = StoredAccount(new.user_id, new.email.lower(), new.name, password_hash, new.role)
        await self.accounts.add(account)
        return account, await self.announce(account, circumstances)

    async def announce(self, account: StoredAccount, circumstances: Circumstances) -> Accepted:
        """Say in the log that there is this account, unless it has been said."""
        command = RegisterAccount(account.user_id, account.registered_role)
        return await self.decisions.run(REGISTER_ACCOUNT, command, circumstances, lambda _, __: {})
