"""One WebSocket connection that speaks studyspot.v1."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.http11 import Response
from websockets.typing import Subprotocol

from studyspot.client.errors import SentAway
from studyspot.client.witness import Witness
from studyspot.wire.frames import (
    SUBPROTOCOL,
    ClientFrame,
    ServerFrame,
    read_server_frame,
)

_OPEN_SECONDS = 10
_CLOSE_SECONDS = 2
_LARGEST_MESSAGE_BYTES = 1024 * 1024
_ABNORMAL = 1006
_TOO_BIG = 1009
_STAY_AWAY = range(4500, 5000)
_REFUSED = range(400, 500)
_TRY_LATER = (408, 425, 429)
_SECONDS = re.compile(r"[0-9]{1,9}")
_LONGEST_RETRY_AFTER = timedelta(seconds=30)


class Disconnected(Exception):
    """The connection could not be opened, or has ended; there may be another.

    Attributes:
        code: the close code, 1006 where there was none.
        retry_after: the server is not to be asked again before; at most 30 s, whatever it says.
    """

    def __init__(self, code: int, reason: str, retry_after: timedelta = timedelta()) -> None:
        super().__init__(f"{code} {reason}".strip())
        self.code = code
        self.reason = reason
        self.retry_after = retry_after


class Transport:
    """Frames out and in."""

    def __init__(self, connection: ClientConnection, witness: Witness) -> None:
        self._connection = connection
        self._witness = witness

    async def send(self, frame: ClientFrame) -> None:
        """Send a frame.

        Raises:
            Disconnected, SentAway: the connection has ended.
        """
        sent = frame.model_dump(mode="json", by_alias=True, exclude_none=True)
        try:
            await self._connection.send(orjson.dumps(sent).decode())
        except ConnectionClosed as closed:
            raise _ended(closed) from None
        self._witness.sent(sent)

    async def receive(self) -> ServerFrame:
        """Return the next frame.

        Raises:
            Disconnected, SentAway: the connection has ended.
            FrameMalformed: the frame is none of the protocol's.
        """
        try:
            message = await self._connection.recv()
        except ConnectionClosed as closed:
            raise _ended(closed) from None
        frame = read_server_frame(message)
        self._witness.received(orjson.loads(message))
        return frame


@asynccontextmanager
async def opened(url: str, witness: Witness) -> AsyncIterator[Transport]:
    """Open a connection, for as long as the context lasts.

    Raises:
        Disconnected: it cannot be opened now, or has ended.
        SentAway: it is refused for good.
    """
    connection = await _open(url)
    witness.opened()
    try:
        async with connection:
            yield Transport(connection, witness)
    finally:
        witness.closed(connection.close_code or _ABNORMAL)


async def _open(url: str) -> ClientConnection:
    try:
        connection = await connect(
            url,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            open_timeout=_OPEN_SECONDS,
            close_timeout=_CLOSE_SECONDS,
            max_size=_LARGEST_MESSAGE_BYTES,
        )
    except InvalidStatus as refused:
        status = refused.response.status_code
        if status in _REFUSED and status not in _TRY_LATER:
            raise SentAway(status, "the handshake is refused") from None
        reason = f"the handshake is answered with {status}"
        raise Disconnected(_ABNORMAL, reason, _retry_after(refused.response)) from None
    except (OSError, InvalidHandshake, EOFError) as error:
        raise Disconnected(_ABNORMAL, str(error) or type(error).__name__) from None
    if connection.subprotocol != SUBPROTOCOL:
        await connection.close()
        raise SentAway(_ABNORMAL, f"{url} does not speak {SUBPROTOCOL}")
    return connection


def _retry_after(response: Response) -> timedelta:
    """Return for how long the server wants to be left alone: its problem says so to the millisecond."""
    try:
        body = orjson.loads(response.body or b"")
    except ValueError:
        body = None
    told = body.get("retryAfterMs") if isinstance(body, dict) else None
    if isinstance(told, int):
        milliseconds = told
    else:
        header = response.headers.get("Retry-After", "")
        milliseconds = int(header) * 1000 if _SECONDS.fullmatch(header) else 0
    longest = _LONGEST_RETRY_AFTER // timedelta(milliseconds=1)
    return timedelta(milliseconds=max(0, min(milliseconds, longest)))


def _ended(closed: ConnectionClosed) -> Disconnected | SentAway:
    code = closed.rcvd.code if closed.rcvd else _ABNORMAL
    reason = closed.rcvd.reason if closed.rcvd else ""
    return SentAway(code, reason) if code in _STAY_AWAY or code == _TOO_BIG else Disconnected(code, reason)
