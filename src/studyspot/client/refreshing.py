"""Keeps the token of one connection fresh, while its source gives newer ones."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import structlog

from studyspot.client.clock import Clock
from studyspot.client.errors import ClientError, SentAway
from studyspot.client.tokens import TokenSource, current
from studyspot.client.transport import Disconnected, Transport
from studyspot.wire.frames import Refresh

log = structlog.get_logger()

_AFTER = 0.8
"""The part of a token's remaining life after which a new one is asked for."""
_SHORTEST = timedelta(seconds=1)
_SOURCE_SECONDS = 10


class Refreshing:
    """Asks the source for a new token well before the present one expires, and sends it."""

    def __init__(
        self, transport: Transport, source: TokenSource, token: str, clock: Clock, numbers: Iterator[int]
    ) -> None:
        self._transport = transport
        self._source = source
        self._token = token
        self._clock = clock
        self._numbers = numbers
        self._task: asyncio.Task[None] | None = None

    def start(self, expires_in: timedelta) -> None:
        """Begin anew: the token that the server has now is valid for so long."""
        if not isinstance(self._source, str):
            if self._task is not None:
                self._task.cancel()
            self._task = asyncio.create_task(self._run(expires_in))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, expires_in: timedelta) -> None:
        remaining = expires_in
        while True:
            wait = max(remaining * _AFTER, _SHORTEST)
            await self._clock.sleep(wait)
            remaining = max(remaining - wait, timedelta())
            token = await self._newer()
            if token is not None:
                self._token = token
                try:
                    await self._transport.send(Refresh(id=next(self._numbers), token=token))
                except (Disconnected, SentAway):
                    return

    async def _newer(self) -> str | None:
        try:
            async with asyncio.timeout(_SOURCE_SECONDS):
                token = await current(self._source)
        except (OSError, TimeoutError, ClientError) as error:
            log.warning("no new token yet", error=str(error) or type(error).__name__)
            return None
        return None if token == self._token else token
