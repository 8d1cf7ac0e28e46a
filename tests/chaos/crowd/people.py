"""The people of the crowd: who they are, what their tokens say, and what is known of their standing."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import httpx

from studyspot.access.keys import SigningKey
from studyspot.checker.witness import Witness
from studyspot.client.api import Api
from studyspot.client.clock import Chance, FullJitter, SystemClock
from studyspot.client.commands import Commands
from studyspot.client.queries import Queries
from studyspot.console.temporary_system import TemporarySystem
from studyspot.domain.people import Role

TOKEN_LIFETIME = timedelta(hours=12)
_RETRY = timedelta(seconds=0.1), timedelta(seconds=2)
_PATIENCE = timedelta(seconds=60)

Standing = Literal["active", "disabled", "erased"]


class Mint:
    """Signs tokens with the installation's own key."""

    def __init__(self, system: TemporarySystem) -> None:
        settings = system.settings
        self._key = SigningKey.load(Path(settings["signing_key"]))
        self._issuer, self._audience = settings["token_issuer"], settings["token_audience"]

    def token(self, user_id: str, role: Role, lifetime: timedelta = TOKEN_LIFETIME) -> str:
        """Return a token that is valid for so long; one of a negative lifetime has expired."""
        return self._key.sign(
            user_id=user_id,
            role=role,
            issuer=self._issuer,
            audience=self._audience,
            now=datetime.now(UTC) - max(-lifetime, timedelta()) * 2,
            lifetime=abs(lifetime),
        )


@dataclass(slots=True)
class Person:
    """Somebody; `role` and `standing` are what the newest answer about them said.

    `has_account`: the role is their account's, and may change. `was_barred`: their standing has been another.
    """

    user_id: str
    role: Role
    mint: Mint
    has_account: bool = False
    standing: Standing = "active"
    was_barred: bool = False

    def token(self, role: Role | None = None, lifetime: timedelta = TOKEN_LIFETIME) -> str:
        return self.mint.token(self.user_id, role or self.role, lifetime)

    async def current_token(self) -> str:
        """Return a token of the role that they have now, for who asks again and again."""
        return self.token()


class Speaker(Commands, Queries):
    """A person at the HTTP interface, over connections that all share; all that they are told is kept."""

    def __init__(self, person: Person, http: httpx.AsyncClient, chance: Chance) -> None:
        self.who = person
        self.witness = Witness(person.user_id, person.user_id, person.role)
        self.api = Api(
            http,
            person.current_token,
            clock=SystemClock(),
            jitter=FullJitter(*_RETRY, chance),
            patience=_PATIENCE,
            witness=self.witness,
        )
        Commands.__init__(self, self.api)
        Queries.__init__(self, self.api, read_own_writes=False)
