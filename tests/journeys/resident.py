"""Somebody with an account and a browser of their own, who stays signed in while the clock goes on."""

from typing import Any

import httpx

from studyspot.checker.witness import Witness
from tests.commands.visitors import Visitor
from tests.journeys.person import Person


class Resident(Person):
    """Somebody who has registered; a token whose time is over is renewed by the cookie, as portals do."""

    def __init__(self, visitor: Visitor, name: str) -> None:
        super().__init__(visitor.http, visitor.id, "student", visitor.token)
        self.name = name
        self.email = visitor.email
        self._visitor = visitor

    @classmethod
    async def registers(cls, visitor: Visitor, name: str, role: str = "student") -> "Resident":
        """Make an account by an address that nobody else has."""
        visitor.email = f"{name.split()[0].lower()}@example.org"
        told = await visitor.registers(role, name)
        assert told["account"] == {"id": visitor.id, "email": visitor.email, "name": name, "role": role}
        resident = cls(visitor, name)
        resident.witness = Witness(visitor.id, visitor.id, role)
        return resident

    async def asks(
        self, method: str, path: str, body: Any = None, *, after: int | None = None, **query: Any
    ) -> httpx.Response:
        """Send one request, and again with a fresh token where the one at hand is too old."""
        response = await super().asks(method, path, body, after=after, **query)
        if response.status_code == httpx.codes.UNAUTHORIZED and type_of(response) == "token-expired":
            renewed = await self.renews()
            assert renewed.status_code == httpx.codes.OK, renewed.text
            response = await super().asks(method, path, body, after=after, **query)
        return response

    async def asks_as_before(self, method: str, path: str) -> httpx.Response:
        """Send one request with the token at hand, whatever comes of it."""
        return await super().asks(method, path)

    async def renews(self) -> httpx.Response:
        """Ask for a fresh token by the cookie, and use it from now on."""
        answer = await self._visitor.refreshes()
        self._takes(answer)
        return answer

    async def signs_in(self) -> httpx.Response:
        """Try address and password, and use the token that they give from now on."""
        answer = await self._visitor.tries()
        self._takes(answer)
        return answer

    def _takes(self, answer: httpx.Response) -> None:
        if answer.is_success:
            self._headers = {"Authorization": f"Bearer {answer.json()['token']}"}


def type_of(response: httpx.Response) -> str:
    """Return which problem this is."""
    told: str = response.json()["type"]
    return told.removeprefix("/problems/")
