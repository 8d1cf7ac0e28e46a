"""An HTTP server that answers as the test says: with a status and body, or by hanging up."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

HANG_UP = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Scripted:
    """An answer to give."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class ScriptedHttp:
    """Gives the scripted answers in turn; `asked` holds the requests so far."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self._answers: deque[Scripted | None] = deque()

    def will_answer(self, *answers: Scripted | None) -> None:
        """Answer the next requests with these; `HANG_UP` takes the request and breaks the connection."""
        self._answers.extend(answers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := (await reader.readline()).decode():
                method, path, _ = line.split(" ")
                headers = {}
                while (header := (await reader.readline()).decode().strip()) != "":
                    name, _, value = header.partition(":")
                    headers[name.lower()] = value.strip()
                content = await reader.readexactly(int(headers.get("content-length", 0)))
                body = orjson.loads(content) if content else None
                self.asked.append(Asked(method, path, headers, body))
                answer = self._answers.popleft()
                if answer is None:
                    return
                writer.write(_response(answer))
                await writer.drain()
        finally:
            writer.close()


def _response(answer: Scripted) -> bytes:
    content = orjson.dumps(answer.body)
    headers = {"content-length": str(len(content)), "content-type": "application/json", **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content


@asynccontextmanager
async def scripted_http() -> AsyncIterator[ScriptedHttp]:
    script = ScriptedHttp()
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    async with server:
        script.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield script
