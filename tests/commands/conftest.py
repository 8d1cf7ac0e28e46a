"""The HTTP process over real sockets, on a free port, in the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from studyspot.access.access_tokens import AccessTokens
from studyspot.access.keys import SigningKey
from studyspot.access.server_secrets import ServerSecrets
from studyspot.access.tokens import Verifier
from studyspot.api import ApiConfig, create_app
from studyspot.domain.people import Role
from tests.http_server import served

KEY = SigningKey.generate()
ISSUER = AUDIENCE = "studyspot"


def token(user_id: str, role: Role = "student", **changes: Any) -> str:
    arguments: dict[str, Any] = {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "now": datetime.now(UTC),
        "lifetime": timedelta(hours=1),
    }
    return KEY.sign(user_id=user_id, role=role, **(arguments | changes))


def bearer(user_id: str, role: Role = "student") -> dict[str, str]:
    return {"Authorization": f"Bearer {token(user_id, role)}"}


@asynccontextmanager
async def serving(database_url: str, nats_url: str) -> AsyncIterator[str]:
    """Serve the API; the URL of it, ready."""
    config = ApiConfig(
        database_url=database_url,
        nats_url=nats_url,
        verifier=Verifier.of([KEY.jwks()], issuer=ISSUER, audience=AUDIENCE),
        secrets=ServerSecrets(KEY),
        access_tokens=AccessTokens(KEY, ISSUER, AUDIENCE),
        fanout_url="ws://127.0.0.1:1",
    )
    async with served(create_app(config)) as url:
        async with asyncio.timeout(60), httpx.AsyncClient(base_url=url, timeout=30) as client:
            while (await client.get("/api/ready")).status_code != httpx.codes.OK:
                pass  # It has yet to reach what it needs.
        yield url


@pytest.fixture
async def api(database_url: str, nats_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running HTTP process."""
    limits = httpx.Limits(max_connections=250)
    async with (
        serving(database_url, nats_url) as url,
        httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as client,
    ):
        yield client
