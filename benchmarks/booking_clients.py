"""Students who book over HTTP at a steady rate, on connections that are kept, as cheaply as can be."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

_ANSWER_SECONDS = 30.0
_CREATED = 201
_LENGTH = b"content-length: "


class Refused(Exception):
    """A request was not answered as it should have been; the message has the answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """A POST of somebody."""

    path: str
    token: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered, when it was asked for and when it was known, in seconds of `time.perf_counter`."""

    body: dict[str, Any]
    called: float
    acknowledged: float


class KeptConnection:
    """A connection on which one request follows the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader = reader
        self._writer = writer
        self._host = host

    async def post(self, request: Request) -> dict[str, Any]:
        """Return what was created.

        Raises:
            Refused: nothing was.
        """
        body = orjson.dumps(request.body)
        lines = [
            f"POST {request.path} HTTP/1.1",
            f"Host: {self._host}",
            f"Authorization: Bearer {request.token}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        async with asyncio.timeout(_ANSWER_SECONDS):
            head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(_LENGTH)[2].partition(b"\r\n")[0])
            answer = await self._reader.readexactly(length)
        if int(head.split(b" ", 2)[1]) != _CREATED:
            raise Refused(answer.decode())
        created: dict[str, Any] = orjson.loads(answer)
        return created

    def close(self) -> None:
        self._writer.close()


async def post_evenly(
    url: str, requests: Sequence[Request], *, per_second: float, connections: int
) -> Sequence[Answered]:
    """Post all, each when it is due whatever became of those before, and return the answers in order.

    Raises:
        ExceptionGroup: of `Refused`.
    """
    address = urlsplit(url)
    free: asyncio.Queue[KeptConnection] = asyncio.Queue()
    opened = []
    for _ in range(connections):
        streams = await asyncio.open_connection(address.hostname, address.port)
        opened.append(KeptConnection(*streams, address.netloc))
        free.put_nowait(opened[-1])

    async def post(request: Request, called: float) -> Answered:
        # Where all connections are taken the wait for one is part of it: the student waits as well.
        connection = await free.get()
        try:
            created = await connection.post(request)
        finally:
            free.put_nowait(connection)
        return Answered(created, called, time.perf_counter())

    began = time.perf_counter()
    try:
        async with asyncio.TaskGroup() as tasks:
            posts = []
            for number, request in enumerate(requests):
                due = began + number / per_second
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                posts.append(tasks.create_task(post(request, time.perf_counter())))
    finally:
        for connection in opened:
            connection.close()
    return [task.result() for task in posts]
