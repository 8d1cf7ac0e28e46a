"""People with an account, each with a browser of their own at some network address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import httpx

from tests.projections.serving import Patient

PASSWORD = "correct horse"

_numbers = count()


class Visitor:
    """A browser that keeps its cookies."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.email = f"visitor-{next(_numbers)}@example.org"
        self.id = ""
        self.token = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def refresh_token(self) -> str:
        return self.http.cookies["studyspot-refresh"]

    async def registers(self, role: str = "student", name: str = "Asha") -> dict[str, Any]:
        body = {"email": self.email, "password": PASSWORD, "name": name, "role": role}
        answer = await self.http.post("/api/auth/register", json=body)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return self._signed_in(answer)

    async def tries(self, password: str = PASSWORD, email: str | None = None) -> httpx.Response:
        body = {"email": email or self.email, "password": password}
        return await self.http.post("/api/auth/login", json=body)

    async def signs_in(self) -> dict[str, Any]:
        answer = await self.tries()
        assert answer.status_code == httpx.codes.OK, answer.text
        return self._signed_in(answer)

    async def refreshes(self, token: str | None = None, **headers: str) -> httpx.Response:
        """Refresh by the cookie, or by another token in its place."""
        if token is not None:
            headers["Cookie"] = f"studyspot-refresh={token}"
        return await self.http.post("/api/auth/refresh", headers=headers)

    def _signed_in(self, answer: httpx.Response) -> dict[str, Any]:
        told: dict[str, Any] = answer.json()
        assert answer.headers["StudySpot-Position"] == str(told["position"])
        self.id, self.token = told["account"]["id"], told["token"]
        return told


@asynccontextmanager
async def a_visitor(url: str | httpx.URL, address: str = "127.0.0.1") -> AsyncIterator[Visitor]:
    """Let somebody come from a network address (of this machine)."""
    transport = Patient(local_address=address)
    async with httpx.AsyncClient(base_url=url, transport=transport, timeout=30) as http:
        yield Visitor(http)


def assert_problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """Make sure that the answer is this problem; its body."""
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["type"]) == (status, f"/problems/{slug}"), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return told
