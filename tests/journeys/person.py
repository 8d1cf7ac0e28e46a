"""Somebody at the HTTP interface, and the record of all that they are told."""

from typing import Any

import httpx

from studyspot.checker.witness import Witness
from studyspot.domain.people import Role


class Person:
    """Somebody at the HTTP interface; all that they are told is taken down."""

    def __init__(self, http: httpx.AsyncClient, user_id: str, role: Role, token: str) -> None:
        self.user_id = user_id
        self.witness = Witness(user_id, user_id, role)
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}

    async def asks(
        self, method: str, path: str, body: Any = None, *, after: int | None = None, **query: Any
    ) -> httpx.Response:
        """Send one request; `after` is the position that a read must reflect."""
        headers = dict(self._headers)
        if after is not None:
            headers["StudySpot-Min-Position"] = str(after)
        response = await self._http.request(method, path, json=body, params=query or None, headers=headers)
        told = response.headers.get("StudySpot-Position", "")
        position = int(told) if told.isdigit() else None
        is_json = "json" in response.headers.get("Content-Type", "")
        self.witness.answered(
            method, path, None, body, response.status_code, response.json() if is_json else None, position
        )
        return response

    async def gets(self, path: str, *, after: int | None = None, **query: Any) -> Any:
        """Read; the body, of a 200."""
        response = await self.asks("GET", path, after=after, **query)
        assert response.status_code == httpx.codes.OK, response.text
        return response.json()

    async def does(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Give a command that is accepted; the body of its answer."""
        response = await self.asks(method, path, body, **query)
        assert response.is_success, response.text
        return response.json()

    async def is_refused(self, problem: str, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Give a command that is refused with that problem; its members."""
        response = await self.asks(method, path, body, **query)
        told = response.json()
        assert told.get("type") == f"/problems/{problem}", response.text
        assert told["detail"].endswith("."), told
        assert response.headers["StudySpot-Position"], "a rule was read in the log"
        return told
