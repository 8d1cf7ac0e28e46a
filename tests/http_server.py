"""An application on a real socket, in the test's own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from studyspot.api import KEEP_ALIVE

END_SECONDS = 30


@asynccontextmanager
async def served(app: FastAPI, *, with_lifespan: bool = True, **options: Any) -> AsyncIterator[str]:
    """Serve the application on a free port, with more options of uvicorn; its URL."""
    # Of a socket that does not say TCP, the event loop leaves Nagle's algorithm on: 40 ms an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            lifespan="on" if with_lifespan else "off",
            timeout_keep_alive=int(KEEP_ALIVE.total_seconds()),
            timeout_graceful_shutdown=2,
            **options,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await asyncio.wait_for(serving, END_SECONDS)
