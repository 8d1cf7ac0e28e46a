"""Signed in with an address and a password: a source of tokens that keeps itself fresh."""

import asyncio
from datetime import datetime, timedelta
from typing import Literal

import httpx
from pydantic import Field

from studyspot.client.api import Api
from studyspot.client.clock import Chance, Clock, FullJitter, SystemClock, system_chance
from studyspot.client.errors import NotSignedIn
from studyspot.client.witness import NoWitness
from studyspot.wire.auth_bodies import AccountAnswer, SignedInAnswer
from studyspot.wire.shape import CamelModel

_TIMEOUT_SECONDS = 10
_RENEWED_BEFORE = 0.2
"""The part of a token's life before its end in which it is renewed."""
_RETRY = timedelta(seconds=0.2), timedelta(seconds=5)


class _Credentials(CamelModel):
    email: str
    password: str = Field(repr=False)


class _Registration(_Credentials):
    name: str
    role: Literal["student", "library_owner"]


class SignedIn:
    """One person's session: `Client(…, token=session)` asks it for tokens.

    The refresh token is a cookie that this keeps. A lost answer is not asked for again by itself: whether the
    session went on then, only the next refresh tells.

    Attributes:
        account: who is signed in; none before that, and afterwards.
    """

    def __init__(self, base_url: str, *, clock: Clock | None = None, chance: Chance | None = None) -> None:
        self.account: AccountAnswer | None = None
        self._clock = clock or SystemClock()
        self._http = httpx.AsyncClient(base_url=base_url, timeout=_TIMEOUT_SECONDS)
        self._api = Api(
            self._http,
            None,
            clock=self._clock,
            jitter=FullJitter(*_RETRY, chance or system_chance()),
            patience=timedelta(),
            witness=NoWitness(),
        )
        self._token: str | None = None
        self._renew_at: datetime | None = None
        self._renewing = asyncio.Lock()

    async def register(
        self,
        email: str,
        password: str,
        name: str,
        *,
        role: Literal["student", "library_owner"] = "student",
    ) -> SignedInAnswer:
        """Make an account, and sign in to it.

        Raises:
            ProblemError: the server said no.
            AnswerLost: no answer came.
        """
        body = _Registration(email=email, password=password, name=name, role=role)
        reply = await self._api.command("POST", "/api/auth/register", body)
        return self._signed_in(reply.read(SignedInAnswer))

    async def login(self, email: str, password: str) -> SignedInAnswer:
        """Sign in; raises as `register` does."""
        body = _Credentials(email=email, password=password)
        reply = await self._api.command("POST", "/api/auth/login", body)
        return self._signed_in(reply.read(SignedInAnswer))

    async def refresh(self) -> SignedInAnswer:
        """Have a new token, and a new cookie; raises as `register` does."""
        reply = await self._api.command("POST", "/api/auth/refresh")
        return self._signed_in(reply.read(SignedInAnswer))

    async def logout(self) -> None:
        """End the session, here and on the server."""
        self._token = self.account = None
        await self._api.command("POST", "/api/auth/logout")
        self._http.cookies.clear()

    async def __call__(self) -> str:
        """Return a token that is valid for a while.

        Raises:
            NotSignedIn: nobody has signed in.
            ProblemError: the session is over.
            AnswerLost: no answer came.
        """
        # One at a time: a refresh token that comes twice ends the session.
        async with self._renewing:
            if self.account is None:
                raise NotSignedIn("sign in first")
            if self._token is None or self._renew_at is None or self._clock.now() >= self._renew_at:
                await self.refresh()
            assert self._token is not None
            return self._token

    def refused(self, token: str) -> None:
        """The server does not take this token: the next one is another."""
        if token == self._token:
            self._token = None

    async def close(self) -> None:
        """Close the connections; the session goes on at the server until it is over."""
        await self._http.aclose()

    def _signed_in(self, answer: SignedInAnswer) -> SignedInAnswer:
        self.account, self._token = answer.account, answer.token
        self._renew_at = self._clock.now() + timedelta(seconds=answer.expires_in) * (1 - _RENEWED_BEFORE)
        return answer
