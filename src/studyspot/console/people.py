"""What `studyspot accounts` does, as the console: as an administrator who is no person."""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from psycopg_pool import AsyncConnectionPool
from pydantic import SecretStr, TypeAdapter, ValidationError

from studyspot.access.accounts import Accounts, EmailTaken
from studyspot.access.erasure import Erasure
from studyspot.access.passwords import Passwords
from studyspot.access.server_secrets import ServerSecrets
from studyspot.access.sessions import Sessions
from studyspot.catalogue.codec import decode
from studyspot.catalogue.types import type_of
from studyspot.commands.changing_people import ChangingPeople, status_of
from studyspot.commands.registering import NewAccount, Registrar
from studyspot.console.faults import Fault
from studyspot.console.installation import begin, migrated_database_url, signing_key
from studyspot.console.output import print_json, print_line, print_table
from studyspot.decisions.clock import system_clock
from studyspot.decisions.identifiers import new_id
from studyspot.decisions.run import Circumstances, Contended, Decisions
from studyspot.domain.account import ACCOUNT_EVENTS, Account, evolve_account
from studyspot.domain.events import AccountEvent
from studyspot.domain.identifiers import is_identifier
from studyspot.domain.people import Actor, Role
from studyspot.domain.refusals import Refusal
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Criterion
from studyspot.settings import Settings
from studyspot.wire.auth_bodies import Email, NewPassword, PersonName
from studyspot.wire.people_bodies import PersonStatus

CONSOLE = Actor("console", "admin")
_POOL_WAIT_SECONDS = 5
_COLUMNS = ("email", "name", "role", "status", "id")

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the commands work with, while one runs."""

    store: EventStore
    accounts: Accounts
    registrar: Registrar
    people: ChangingPeople

    async def user_id_of(self, who: str) -> str:
        """Return the id of who is named by an address, or by their id.

        Raises:
            Fault: there is no such account.
        """
        if "@" not in who:
            if not is_identifier(who):
                raise Fault(f"{who!r} is no id, and no address.", "See `studyspot accounts list`.")
            return who
        account = await self.accounts.by_email(who)
        if account is None:
            raise Fault(f"{who} has no account.", "See `studyspot accounts list`.")
        return account.user_id


def make(email: str, name: str, role: str, from_stdin: bool, as_json: bool) -> None:
    """Make an account.

    Raises:
        Fault: something is not valid, or the address has an account.
    """
    known_role = _role(role)
    known_email = _valid(Email, email, "address")
    known_name = _valid(PersonName, name, "name")
    settings = begin()
    secret: SecretStr = _valid(NewPassword, SecretStr(_password(from_stdin)), "password")

    async def run(desk: _Desk) -> dict[str, Any]:
        user_id = new_id(system_clock())
        new = NewAccount(user_id, known_email, known_name, secret.get_secret_value(), known_role)
        try:
            account, accepted = await desk.registrar.register(new, _circumstances())
        except EmailTaken:
            raise Fault(f"{known_email} has an account.", "See `studyspot accounts list`.") from None
        return {
            "id": user_id,
            "email": account.email,
            "name": account.name,
            "role": known_role,
            "position": accepted.position,
        }

    _tell(_with_desk(settings, run), as_json)


def change(who: str, status: PersonStatus, as_json: bool) -> None:
    """Disable, enable or erase somebody.

    Raises:
        Fault: nobody is called so, or a rule says no.
    """

    async def run(desk: _Desk) -> dict[str, Any]:
        user_id = await desk.user_id_of(who)
        accepted = await desk.people.set_status(user_id, status, CONSOLE, _circumstances())
        return await _changed(desk, user_id, accepted.position)

    _tell(_with_desk(begin(), run), as_json)


def change_role(who: str, role: str, as_json: bool) -> None:
    """Change the role of somebody.

    Raises:
        Fault: nobody is called so, there is no such role, or a rule says no.
    """
    known_role = _role(role)

    async def run(desk: _Desk) -> dict[str, Any]:
        user_id = await desk.user_id_of(who)
        if (await desk.people.see(user_id)).state.role is None:
            raise Fault(f"{who} has no account here.", "Change the role where their tokens come from.")
        accepted = await desk.people.change_role(user_id, known_role, CONSOLE, _circumstances())
        return await _changed(desk, user_id, accepted.position)

    _tell(_with_desk(begin(), run), as_json)


def show_all(as_json: bool) -> None:
    """Show everybody who has an account, or is barred without one."""

    async def run(desk: _Desk) -> list[dict[str, Any]]:
        stored = {account.user_id: account for account in await desk.accounts.all()}
        known = {user_id: Account(role=account.registered_role) for user_id, account in stored.items()}
        types = tuple(type_of(event_class) for event_class in ACCOUNT_EVENTS)
        for found in (await desk.store.read_async((Criterion(types),))).events:
            event, _ = decode(found.type, found.data)
            assert isinstance(event, AccountEvent)
            known[event.user_id] = evolve_account(known.get(event.user_id, Account()), event)
        return [
            {
                "id": user_id,
                "email": stored[user_id].email if user_id in stored else None,
                "name": stored[user_id].name if user_id in stored else None,
                "role": account.role,
                "status": status_of(account),
            }
            for user_id, account in known.items()
        ]

    rows = _with_desk(begin(), run)
    if as_json:
        print_json(rows)
    else:
        print_table(_COLUMNS, [[row[column] for column in _COLUMNS] for row in rows], whole=("id", "email"))


async def _changed(desk: _Desk, user_id: str, position: int) -> dict[str, Any]:
    account = (await desk.people.see(user_id)).state
    return {"id": user_id, "role": account.role, "status": status_of(account), "position": position}


def _tell(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(facts)
    else:
        print_line(", ".join(f"{name} {fact}" for name, fact in facts.items() if fact is not None))


def _circumstances() -> Circumstances:
    now = system_clock()
    return Circumstances(actor=CONSOLE.user_id, at=now, command_id=new_id(now))


def _with_desk(settings: Settings, run: Callable[[_Desk], Awaitable[Result]]) -> Result:
    """Run it with connections that are closed afterwards.

    Raises:
        Fault: a rule says no.
    """
    url, secrets = migrated_database_url(settings), ServerSecrets(signing_key(settings))

    async def running() -> Result:
        pool = AsyncConnectionPool(
            url, min_size=1, max_size=2, timeout=_POOL_WAIT_SECONDS, open=False, kwargs={"autocommit": True}
        )
        passwords = Passwords()
        try:
            with EventStore(url, read_connections=1) as store:
                async with pool:
                    accounts, decisions = Accounts(pool), Decisions(store)
                    people = ChangingPeople(decisions, Erasure(pool), Sessions(pool, secrets))
                    return await run(
                        _Desk(store, accounts, Registrar(accounts, passwords, decisions), people)
                    )
        finally:
            passwords.close()

    try:
        return asyncio.run(running())
    except Refusal as refusal:
        what, _, mend = refusal.sentence.partition(". ")
        raise Fault(f"{what.rstrip('.')}.", mend) from refusal
    except Contended as contended:
        raise Fault("Others change this account at the same time.", "Try again.") from contended


def _role(role: str) -> Role:
    known: dict[str, Role] = {known: known for known in get_args(Role)}
    if role not in known:
        raise Fault(f"{role!r} is no role.", f"Use one of {', '.join(known)}.")
    return known[role]


def _valid(kind: Any, value: Any, called: str) -> Any:
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        why = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise Fault(f"The {called} cannot be used: {why}.", "Give another.") from None


def _password(from_stdin: bool) -> str:
    """Return the password, from the first line of standard input or from a prompt; never from arguments."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Fault("There is no terminal to ask for the password.", "Give it with --password-stdin.")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise Fault("These are two passwords.", "Type the same twice.")
    return password
