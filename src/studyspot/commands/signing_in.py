"""Signing in: who is who they say, may act, and has not tried too often; and staying signed in."""

from dataclasses import dataclass, replace
from datetime import datetime

from studyspot.access.access_tokens import AccessTokens
from studyspot.access.accounts import Accounts, StoredAccount
from studyspot.access.devices import Devices
from studyspot.access.passwords import Passwords
from studyspot.access.sessions import Renewal, SessionOver, Sessions
from studyspot.access.sign_in_limits import Attempt, SignInLimits
from studyspot.commands.registering import NewAccount, Registrar
from studyspot.decisions.identifiers import new_id
from studyspot.decisions.run import Circumstances, Decisions
from studyspot.domain.account import Account
from studyspot.domain.accounts import SEE_ACCOUNT, SeeAccount
from studyspot.domain.people import Role

_NOBODY = "nobody"


class WrongCredentials(Exception):
    """The address has no account, or another password: which of both is not said."""


class Barred(Exception):
    """The person is disabled or erased."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from: its network address, and the mark of its browser, if it has one."""

    address: str
    device: str | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person with a session; `device` is a new mark for their browser, none where it has one."""

    account: StoredAccount
    role: Role
    renewal: Renewal
    token: str
    position: int
    device: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Signs people in, each with a session of their own.

    Every method raises psycopg.OperationalError or StoreUnavailable where the database does not answer.
    """

    accounts: Accounts
    passwords: Passwords
    sessions: Sessions
    devices: Devices
    limits: SignInLimits
    decisions: Decisions
    tokens: AccessTokens
    registrar: Registrar

    async def register(self, new: NewAccount, origin: Origin, circumstances: Circumstances) -> SignedIn:
        """Make an account, and sign its person in.

        Raises:
            TooManyAttempts, TooManySignIns: later.
            EmailTaken: the address has an account.
        """
        self.limits.registration(origin.address, circumstances.at)
        account, accepted = await self.registrar.register(new, circumstances)
        return await self._session(account, new.role, origin, accepted.position, circumstances.at)

    async def login(
        self, email: str, password: str, origin: Origin, circumstances: Circumstances
    ) -> SignedIn:
        """Sign in with a password; an address without an account is answered as late, and as little.

        Raises:
            TooManyAttempts, TooManySignIns: later.
            WrongCredentials: they are.
            Barred: the password is right, and the person may not act.
        """
        now = circumstances.at
        account = await self.accounts.by_email(email)
        user_id = account.user_id if account is not None else _NOBODY
        has_come = await self.sessions.has_come_from(user_id, origin.address)
        is_theirs = self.devices.is_of(origin.device, user_id)
        attempt = Attempt(
            email, origin.address, origin.device if is_theirs else None, known=has_come or is_theirs
        )
        self.limits.begin(attempt, now)
        try:
            verified = await self.passwords.verify(
                password, account.password_hash if account is not None else None
            )
        except BaseException:
            self.limits.undecided(attempt, now)
            raise
        if account is None or not verified.right:
            raise WrongCredentials
        self.limits.succeeded(attempt, now)
        if verified.rehashed is not None:
            await self.accounts.keep_hash(account.user_id, verified.rehashed)
        role, position = await self._role_of(account, circumstances)
        try:
            return await self._session(account, role, origin, position, now)
        except SessionOver:
            raise Barred from None

    async def refresh(self, token: str, circumstances: Circumstances) -> SignedIn:
        """Go on with a session, by a token that is replaced.

        Raises:
            SessionOver: it is over; TokenReused, of it, where that is why.
            Barred: the person may not act; all their sessions are over.
        """
        now = circumstances.at
        # All else is asked first: a token that is used up for an answer that fails would be missed.
        user_id = await self.sessions.whose(token)
        account = await self.accounts.by_id(user_id)
        if account is None:
            raise SessionOver
        role, position = await self._role_of(account, circumstances)
        renewal = await self.sessions.renew(token, now)
        access = self.tokens.token_for(user_id, role, account.name, renewal.session_id, now)
        return SignedIn(account, role, renewal, access, position)

    async def logout(self, token: str, now: datetime) -> None:
        """End the session of a refresh token, if it has one."""
        await self.sessions.end(token, now)

    async def _role_of(self, account: StoredAccount, circumstances: Circumstances) -> tuple[Role, int]:
        """Return the role that the log says, and the position up to which it was read.

        Raises:
            Barred: the log says that they may not act.
        """
        seen = await self.decisions.look(SEE_ACCOUNT, SeeAccount(account.user_id))
        known: Account = seen.state
        if not known.active:
            await self.sessions.end_all(account.user_id, circumstances.at)
            raise Barred
        if known.role is not None:
            return known.role, seen.position
        # A crash came between keeping the account and saying so.
        accepted = await self.registrar.announce(account, replace(circumstances, actor=account.user_id))
        return account.registered_role, accepted.position

    async def _session(
        self, account: StoredAccount, role: Role, origin: Origin, position: int, now: datetime
    ) -> SignedIn:
        renewal = await self.sessions.begin(new_id(now), account.user_id, origin.address, now)
        token = self.tokens.token_for(account.user_id, role, account.name, renewal.session_id, now)
        known = self.devices.is_of(origin.device, account.user_id)
        device = None if known else self.devices.mark(account.user_id)
        return SignedIn(account, role, renewal, token, position, device)
