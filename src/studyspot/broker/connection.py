"""One connection to NATS that comes back for as long as its process lives."""

import asyncio
import re
from datetime import timedelta
from urllib.parse import urlsplit

import structlog
from nats.aio.client import Client

from studyspot.broker.errors import BrokerError, BrokerUnavailable

CONNECT_LIMIT = timedelta(seconds=10)
RECONNECT_AFTER = timedelta(milliseconds=250)
PING_EVERY = timedelta(seconds=2)
PINGS_UNANSWERED = 2
"""A server that has fallen silent with its socket open is given up after about six seconds."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]+")

log = structlog.get_logger()


async def connect(url: str, *, name: str, limit: timedelta = CONNECT_LIMIT) -> Client:
    """Return a connection that reconnects for ever, and says once when it is lost and when it is back.

    `url` may name several servers, separated by commas. While the connection is away, publishing and
    requests fail at once: nothing is kept back and sent into a later state of the stream. Answers come to
    inboxes below `_INBOX.{user}`, so that a server may keep users from reading each other's.

    Raises:
        BrokerUnavailable: no server let us in within `limit`.
        BrokerError: `url` names no server.
    """
    servers = [server.strip() for server in url.split(",") if server.strip()]
    watch = _Watch(_addresses(servers))
    connection = Client()
    try:
        async with asyncio.timeout(limit.total_seconds()):
            await connection.connect(
                servers=servers,
                name=name,
                error_cb=watch.failed,
                disconnected_cb=watch.lost,
                reconnected_cb=watch.regained,
                connect_timeout=2,
                reconnect_time_wait=RECONNECT_AFTER.total_seconds(),  # type: ignore[arg-type]  # A float will do.
                max_reconnect_attempts=-1,
                ping_interval=int(PING_EVERY.total_seconds()),
                max_outstanding_pings=PINGS_UNANSWERED,
                pending_size=0,
                inbox_prefix=inbox_prefix(servers[0]),
            )
    except TimeoutError as error:
        await connection.close()
        raise BrokerUnavailable(
            f"NATS at {watch.address} did not let us in within {limit.total_seconds():g} s: "
            f"{watch.reason or 'no answer'}"
        ) from error
    watch.begin(connection)
    return connection


class _Watch:
    """Logs the changes of a connection's state, not each of its attempts."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.last_failure: Exception | None = None
        self._connection: Client | None = None

    @property
    def reason(self) -> str:
        """What the last failure says; nothing where no failure says anything."""
        return str(self.last_failure or "")

    def begin(self, connection: Client) -> None:
        self._connection = connection

    async def failed(self, error: Exception) -> None:
        # What a server says tells more than the reset of the socket that comes with it.
        if not isinstance(error, OSError) or isinstance(self.last_failure, OSError | None):
            self.last_failure = error
        if self._connection is not None and self._connection.is_connected:
            log.warning("nats reported an error", server=self.address, error=str(error) or repr(error))

    async def lost(self) -> None:
        if self._connection is not None and not self._connection.is_closed:
            log.warning("nats connection lost", server=self.address, error=self.reason or "no answer")

    async def regained(self) -> None:
        self.last_failure = None
        log.info("nats connection regained", server=self.address)


def inbox_prefix(url: str) -> str:
    """Return below which subject a connection of this URL's user has its inboxes."""
    user = urlsplit(url).username or ""
    return f"_INBOX.{user}" if _TOKEN.fullmatch(user) else "_INBOX"


def _addresses(servers: list[str]) -> str:
    """Return hosts and ports, without the users and passwords that the URLs may carry.

    Raises:
        BrokerError: there is none, or one is no URL.
    """
    found = []
    for url in servers:
        try:
            parts = urlsplit(url if "://" in url else f"nats://{url}")
            found.append(f"{parts.hostname}:{parts.port or 4222}")
        except ValueError:
            # Not even as a cause: what Python says of it may hold a part of the password.
            raise BrokerError("the URL of NATS is not valid") from None
    if not found:
        raise BrokerError("the URL of NATS names no server")
    return ", ".join(found)
