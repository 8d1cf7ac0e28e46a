"""Display names, from verified tokens to the bucket that the fan-out reads; none is ever in the log."""

import asyncio
from collections import OrderedDict
from datetime import timedelta
from typing import Protocol

import structlog

from studyspot.access.tokens import Identity

log = structlog.get_logger()

_REMEMBERED = 100_000
_WAITING = 10_000
_RETRY = timedelta(seconds=1)


class NameBucket(Protocol):
    async def put_name(self, user_id: str, name: str) -> None:
        """Store a display name.

        Raises:
            OSError: the broker is away.
        """


class NameBook:
    """Publishes each name once, behind the requests: a broker that is away delays none of them."""

    def __init__(self, bucket: NameBucket) -> None:
        self._bucket = bucket
        self._published: OrderedDict[str, str] = OrderedDict()
        self._waiting: asyncio.Queue[tuple[str, str]] = asyncio.Queue(_WAITING)

    def learn(self, identity: Identity) -> None:
        """Take note of the caller's name; with too many waiting, their next request tells it again."""
        if identity.name is None or self._published.get(identity.user_id) == identity.name:
            return
        try:
            self._waiting.put_nowait((identity.user_id, identity.name))
        except asyncio.QueueFull:
            return
        self._published[identity.user_id] = identity.name
        if len(self._published) > _REMEMBERED:
            self._published.popitem(last=False)

    async def run(self) -> None:
        """Publish until cancelled; while the broker is away the oldest name waits."""
        pending: tuple[str, str] | None = None
        while True:
            pending = pending or await self._waiting.get()
            try:
                await self._bucket.put_name(*pending)
            except OSError as error:
                log.warning("display name waits for the broker", error=str(error))
                await asyncio.sleep(_RETRY.total_seconds())
            else:
                pending = None
