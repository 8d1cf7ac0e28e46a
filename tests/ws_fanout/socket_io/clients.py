"""Applications with real Socket.IO clients, of whichever library."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

from studyspot.domain.people import Role
from tests.ws_fanout.people import token
from tests.ws_fanout.socket_io.told import Ear


class Client(Protocol):
    """A socket of some client library; `ear` has what it was told."""

    ear: Ear

    async def emit(self, name: str, *arguments: Any) -> None:
        """Send an event that asks for no answer."""

    async def send_bytes(self, name: str) -> None:
        """Send an event that carries bytes, which Socket.IO sends in messages of their own."""

    async def ask(self, name: str, *arguments: Any) -> Any:
        """Send an event, and return what its acknowledgement holds."""

    async def will_come_back(self) -> bool:
        """Say whether the library is connected, or means to be again by itself."""

    async def disconnect(self) -> None:
        """Go, for good."""


Opened = Callable[[int, str], AbstractAsyncContextManager[Client]]
"""Opens a client's socket at a port with a token; it has yet to connect."""


@asynccontextmanager
async def connected(opened: Opened, port: int, user: str, role: Role = "student") -> AsyncIterator[Client]:
    """A socket that has connected."""
    async with opened(port, token(user, role)) as client:
        await client.ear.until_kind("connect")
        yield client
