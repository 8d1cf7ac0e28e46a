"""People of an identity provider at the API and at the fan-out, also while its keys change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed

from studyspot.access.access_tokens import AccessTokens
from studyspot.access.external_identity import user_id_of
from studyspot.access.issuers import ExternalIssuer
from studyspot.access.key_ring import Pace
from studyspot.access.server_secrets import ServerSecrets
from studyspot.access.tokens import Verifier
from studyspot.api import ApiConfig, create_app
from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.app import FanoutConfig, running
from tests.access.issuer_server import IssuerKey, IssuerServer, issuer_server
from tests.access.test_external_identity import PATIENT
from tests.commands.conftest import AUDIENCE, ISSUER, KEY, token
from tests.http_server import served
from tests.ws_fanout.live import log_at, until, wire

LIMIT_SECONDS = 60.0
LIBRARY = {"name": "Saraswati", "city": "Pune", "timeZone": "Asia/Kolkata"}
OWNER: dict[str, Any] = {"app_metadata": {"role": "library_owner"}}


def verifier(provider: IssuerServer, pace: Pace = PATIENT) -> Verifier:
    """What one process has: it reads the provider's keys itself."""
    return Verifier.of(
        [KEY.jwks()],
        issuer=ISSUER,
        audience=AUDIENCE,
        external=ExternalIssuer(
            issuer=provider.issuer,
            audience="authenticated",
            key_sets=(provider.jwks_url,),
            role_claim="app_metadata.role",
        ),
        pace=pace,
    )


@asynccontextmanager
async def an_api(
    provider: IssuerServer, database_url: str, nats_url: str
) -> AsyncIterator[httpx.AsyncClient]:
    config = ApiConfig(
        database_url=database_url,
        nats_url=nats_url,
        verifier=verifier(provider),
        secrets=ServerSecrets(KEY),
        access_tokens=AccessTokens(KEY, ISSUER, AUDIENCE),
        fanout_url="ws://127.0.0.1:1",
    )
    async with served(create_app(config)) as url, httpx.AsyncClient(base_url=url, timeout=20) as client:
        yield client


async def opens_a_library(api: httpx.AsyncClient, proof: str) -> httpx.Response:
    return await api.post("/api/libraries", json=LIBRARY, headers={"Authorization": f"Bearer {proof}"})


async def connects(port: int, proof: str) -> tuple[str, set[int | None]]:
    """Connect, and come back where one is asked to; whom the node takes us for, and with which codes it sent
    us away before."""
    codes: set[int | None] = set()
    async with asyncio.timeout(LIMIT_SECONDS):
        while True:
            async with wire(port) as client:
                try:
                    await client.send({"type": "connect", "id": 1, "token": proof})
                    frame = await client.receive()
                except ConnectionClosed:
                    codes.add(client.connection.close_code)
                    continue
                return frame["user"], codes


async def test_a_new_key_of_the_provider_keeps_nobody_out(database_url: str, nats_url: str) -> None:
    async with (
        issuer_server("RS256") as provider,
        an_api(provider, database_url, nats_url) as api,
        log_at(nats_url),
        running(
            FanoutConfig(nats_url=nats_url, verifier=verifier(provider), host="127.0.0.1", port=0)
        ) as fanout,
    ):
        await until(lambda: fanout.is_ready)
        asha = user_id_of(provider.issuer, "asha")
        proof = provider.token(sub="asha", **OWNER)
        made = await opens_a_library(api, proof)
        assert made.status_code == httpx.codes.CREATED, made.text
        user, codes = await connects(fanout.port, proof)
        # A node that has only begun may still be reading the provider's keys, and says so.
        assert user == asha
        assert codes <= {CloseCode.OVERLOAD}
        provider.keys = [*provider.keys, IssuerKey("ES256", "new")]
        proof = provider.token(provider.keys[1], sub="asha", **OWNER)
        answer = await opens_a_library(api, proof)
        assert answer.status_code == httpx.codes.CREATED, "the request waits for the key"
        user, codes = await connects(fanout.port, proof)
        assert user == asha
        assert codes <= {CloseCode.OVERLOAD}, "the socket is told to come back, never to stay away"


async def test_while_the_provider_is_away_its_people_are_told_to_try_again(
    database_url: str, nats_url: str
) -> None:
    async with issuer_server("RS256") as provider:
        await provider.stop()
        async with an_api(provider, database_url, nats_url) as api:
            answer = await opens_a_library(api, provider.token(**OWNER))
            assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
            assert int(answer.headers["Retry-After"]) > 0
            ours = await opens_a_library(api, token("owner-1", "library_owner"))
            assert ours.status_code == httpx.codes.CREATED
            published = (await api.get("/.well-known/jwks.json")).json()
            assert [key["kid"] for key in published["keys"]] == [KEY.key_id]
            await provider.start()
            async with asyncio.timeout(LIMIT_SECONDS):
                while answer.status_code != httpx.codes.CREATED:
                    answer = await opens_a_library(api, provider.token(**OWNER))
