"""Display names, from accounts and tokens to the bucket that the fan-out reads; none is in the log."""

import asyncio
from collections import OrderedDict
from datetime import timedelta

import psycopg
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext

from studyspot.access.erasure import Erasure
from studyspot.broker.buckets import erase_name, put_name
from studyspot.broker.connection import connect
from studyspot.broker.errors import BrokerError

log = structlog.get_logger()

_REMEMBERED = 100_000
_WAITING = 10_000
_ANSWER_SECONDS = 2
_RETRY = timedelta(seconds=1)
_LOOK_AGAIN = timedelta(seconds=30)
"""How often names are looked for that another process was to delete, and could not."""


class NameBook:
    """Publishes each name once, and deletes those of who was erased, behind the requests.

    A broker that is away delays no request.
    """

    def __init__(self, nats_url: str, erasure: Erasure) -> None:
        self._nats_url = nats_url
        self._erasure = erasure
        self._published: OrderedDict[str, str] = OrderedDict()
        self._waiting: asyncio.Queue[tuple[str, str | None]] = asyncio.Queue(_WAITING)

    def learn(self, user_id: str, name: str | None) -> None:
        """Take note of a person's name; with too many waiting, their next request tells it again."""
        if name is None or self._published.get(user_id) == name:
            return
        if not self._has_queued(user_id, name):
            return
        self._published[user_id] = name
        if len(self._published) > _REMEMBERED:
            self._published.popitem(last=False)

    def forget(self, user_id: str) -> None:
        """Have the name of who was erased deleted; with too many waiting, a little later."""
        self._has_queued(user_id, None)

    async def run(self) -> None:
        """Publish and delete until cancelled; while the broker is away the oldest waits."""
        connection: Client | None = None
        pending: tuple[str, str | None] | None = None
        look_at = 0.0
        now = asyncio.get_running_loop().time
        try:
            while True:
                try:
                    if now() >= look_at:
                        for user_id in await self._erasure.names_left():
                            self._has_queued(user_id, None)
                        look_at = now() + _LOOK_AGAIN.total_seconds()
                    if pending is None:
                        async with asyncio.timeout(max(0.0, look_at - now())):
                            pending = await self._waiting.get()
                except TimeoutError:
                    continue
                except psycopg.OperationalError as error:
                    log.warning("names of erased people wait for the database", error=str(error))
                    await asyncio.sleep(_RETRY.total_seconds())
                    continue
                try:
                    connection = connection or await connect(self._nats_url, name="studyspot-api")
                    await self._settle(connection.jetstream(timeout=_ANSWER_SECONDS), *pending)
                except (BrokerError, psycopg.OperationalError) as error:
                    log.warning("display name waits for the broker or the database", error=str(error))
                    await asyncio.sleep(_RETRY.total_seconds())
                else:
                    pending = None
        finally:
            if connection is not None:
                await connection.close()

    async def _settle(self, js: JetStreamContext, user_id: str, name: str | None) -> None:
        if name is None:
            await erase_name(js, user_id)
            await self._erasure.name_deleted(user_id)
            self._published.pop(user_id, None)
            return
        if await self._erasure.erased_among((user_id,)):
            return
        await put_name(js, user_id, name)
        # Whoever erased them meanwhile may have deleted the name before it came.
        if await self._erasure.erased_among((user_id,)):
            await erase_name(js, user_id)

    def _has_queued(self, user_id: str, name: str | None) -> bool:
        try:
            self._waiting.put_nowait((user_id, name))
        except asyncio.QueueFull:
            return False
        return True
