"""A library behind the HTTP process, by a clock that the test sets; nobody needs a broker for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx

from studyspot.access.access_tokens import AccessTokens
from studyspot.access.server_secrets import ServerSecrets
from studyspot.access.tokens import Verifier
from studyspot.api import ApiConfig, create_app
from studyspot.domain.people import Role
from tests.commands.conftest import AUDIENCE, ISSUER, KEY, token
from tests.http_server import served
from tests.projections.serving import Patient

NO_BROKER = "nats://127.0.0.1:1"
NOW = datetime(2026, 12, 1, 3, 30, tzinfo=UTC)  # 09:00 in India
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

_numbers = count()


def text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


class Person:
    """Somebody with a token."""

    def __init__(self, http: httpx.AsyncClient, name: str, role: Role = "student") -> None:
        self.id = f"{name}-{next(_numbers)}"
        self._http = http
        proof = token(self.id, role, now=NOW, lifetime=60 * DAY)
        self.headers = {"Authorization": f"Bearer {proof}"}

    async def asks(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **query: Any
    ) -> httpx.Response:
        headers = self.headers | ({"Idempotency-Key": key} if key is not None else {})
        return await self._http.request(method, path, json=body, headers=headers, params=query or None)

    async def does(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Ask for something that is accepted; the body of the answer."""
        answer = await self.asks(method, path, body, **more)
        assert answer.is_success, answer.text
        told = answer.json()
        assert answer.headers["StudySpot-Position"] == str(told["position"])
        return told

    async def is_refused(
        self, status: int, slug: str, method: str, path: str, body: Any = None, **more: Any
    ) -> Any:
        """Ask for something that is refused; the problem."""
        answer = await self.asks(method, path, body, **more)
        told = answer.json()
        assert (answer.status_code, told["type"]) == (status, f"/problems/{slug}"), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert told["detail"].endswith(".")
        return told


class Hall:
    """A library, its owner, and two seats; `at` counts hours from now by the clock at its opening."""

    def __init__(self, http: httpx.AsyncClient, database_url: str) -> None:
        self.http = http
        self.database_url = database_url
        self.now = NOW
        self.id = ""
        self.seats: list[str] = []
        self.owner = self.person("owner", "library_owner")

    def person(self, name: str = "student", role: Role = "student") -> Person:
        return Person(self.http, name, role)

    @property
    def path(self) -> str:
        return f"/api/libraries/{self.id}"

    def at(self, hours: float) -> str:
        return text(NOW + hours * HOUR)

    def seat(self, number: int = 0, start: float = 2, end: float = 4, **more: Any) -> dict[str, Any]:
        """Return a seat and a time, for a hold, a booking or (with another body) a quote."""
        place = {"libraryId": self.id, "seatId": self.seats[number]}
        return {**place, "start": self.at(start), "end": self.at(end), **more}

    def to_quote(self, number: int = 0, start: float = 2, end: float = 4, **more: Any) -> dict[str, Any]:
        body = self.seat(number, start, end, **more)
        del body["libraryId"]
        return body

    async def opens(self, time_zone: str = "Asia/Kolkata", seats: int = 2) -> None:
        described = {"name": "Saraswati", "city": "Pune", "timeZone": time_zone}
        self.id = (await self.owner.does("POST", "/api/libraries", described))["id"]
        labels = [{"label": f"A{number}"} for number in range(seats)]
        added = await self.owner.does("POST", f"{self.path}/seats", {"seats": labels})
        self.seats = [seat["id"] for seat in added["seats"]]

    async def costs(self, amount_minor: int) -> None:
        """Set an hourly price."""
        plans = [{"id": "hourly", "unit": "hour", "amountMinor": amount_minor}]
        await self.owner.does("PUT", f"{self.path}/pricing", {"plans": plans})

    async def books(self, person: Person, number: int = 0, start: float = 2, end: float = 4) -> Any:
        return await person.does("POST", "/api/bookings", self.seat(number, start, end))


@asynccontextmanager
async def a_hall(database_url: str, nats_url: str = NO_BROKER) -> AsyncIterator[Hall]:
    """Serve the API, and open a library in it."""
    halls: list[Hall] = []
    config = ApiConfig(
        database_url=database_url,
        nats_url=nats_url,
        verifier=Verifier.of([KEY.jwks()], issuer=ISSUER, audience=AUDIENCE),
        secrets=ServerSecrets(KEY),
        access_tokens=AccessTokens(KEY, ISSUER, AUDIENCE),
        fanout_url="ws://127.0.0.1:1",
        clock=lambda: halls[0].now,
    )
    async with (
        served(create_app(config)) as url,
        httpx.AsyncClient(base_url=url, timeout=30, transport=Patient()) as http,
    ):
        hall = Hall(http, database_url)
        halls.append(hall)
        await hall.opens()
        yield hall
