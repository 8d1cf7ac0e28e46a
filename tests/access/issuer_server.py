"""An identity provider on a real socket: it publishes its keys over HTTP, rotates them, and can be away."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PATH = "/auth/v1/.well-known/jwks.json"


class IssuerKey:
    """A key pair of one algorithm."""

    def __init__(self, algorithm: str, key_id: str, *, bits: int = 2048) -> None:
        self.algorithm = algorithm
        self.key_id = key_id
        self.private: Any
        if algorithm.startswith(("RS", "PS")):
            self.private = rsa.generate_private_key(65537, bits)
            public = RSAAlgorithm.to_jwk(self.private.public_key())
        elif algorithm == "ES256":
            self.private = ec.generate_private_key(ec.SECP256R1())
            public = ECAlgorithm.to_jwk(self.private.public_key())
        else:
            self.private = ed25519.Ed25519PrivateKey.generate()
            public = OKPAlgorithm.to_jwk(self.private.public_key())
        self.published = json.loads(public) | {"kid": key_id, "alg": algorithm, "use": "sig"}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        return jwt.encode(claims, self.private, self.algorithm, headers={"kid": self.key_id} | header)


class IssuerServer:
    """Serves what is in `keys`; `requests` counts how often it was asked."""

    def __init__(self) -> None:
        self.keys: list[IssuerKey] = []
        self.answer: bytes | None = None
        self.requests = 0
        self.waits: asyncio.Event | None = None
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self._port}/auth/v1"

    @property
    def jwks_url(self) -> str:
        return f"http://127.0.0.1:{self._port}{PATH}"

    async def start(self) -> None:
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Be away."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def claims(self, now: datetime, **more: Any) -> dict[str, Any]:
        """What an identity provider writes of a person, with the role where its administrators put it."""
        return {
            "iss": self.issuer,
            "aud": "authenticated",
            "sub": "6f0a6a52-0000-4000-8000-0123456789ab",
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(hours=1)).timestamp()),
            "role": "authenticated",
            "app_metadata": {"role": "student"},
        } | more

    def token(self, key: IssuerKey | None = None, now: datetime | None = None, **more: Any) -> str:
        return (key or self.keys[0]).sign(self.claims(now or datetime.now(UTC), **more))

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.read(4096)
            self.requests += 1
            if self.waits is not None:
                await self.waits.wait()
            status = "200 OK" if request.startswith(f"GET {PATH} ".encode()) else "404 Not Found"
            body = self.answer
            if body is None:
                body = json.dumps({"keys": [key.published for key in self.keys]}).encode()
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def issuer_server(*algorithms: str) -> AsyncIterator[IssuerServer]:
    """Run an identity provider with a key for each algorithm."""
    server = IssuerServer()
    server.keys = [IssuerKey(algorithm, f"key-{algorithm}") for algorithm in algorithms]
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
