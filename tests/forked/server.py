"""The process that forks commands: it has imported what they need, and nothing of it has run.

Whoever starts it passes one end of a pair of sockets, and sends commands over the other, each with its
standard streams and a pipe: over that, its pid is told once it has a session of its own, and then its exit
status. It ends when the other end is closed, and whatever it has forked with it.
"""

import gc
import importlib
import json
import os
import random
import selectors
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from studyspot.console import app

ROOMS = (
    *("doctor", "key_rotation", "log_reading", "parked", "people", "rebuild", "services", "status"),
    *("tokens", "verify_store"),
)
MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Child:
    """A command that runs; its end is told over `told`."""

    pid: int
    told: int


def main() -> None:
    """Fork commands until the socket is closed; in a child, be that command."""
    app.leave_out_what_is_not_used()
    for room in ROOMS:
        importlib.import_module(f"studyspot.console.{room}")
    importlib.import_module("studyspot.projections.app")
    gc.freeze()
    request = forking(socket.socket(fileno=int(sys.argv[1])))
    if request is not None:
        become(request)
        app.main()


def forking(commands: socket.socket) -> dict[str, Any] | None:
    """Return in a child, with what it is asked to be; and with nothing when no more commands come."""
    children: dict[int, Child] = {}
    with selectors.DefaultSelector() as events:
        events.register(commands, selectors.EVENT_READ)
        while True:
            for key, _ in events.select():
                if key.fileobj is not commands:
                    events.unregister(key.fd)
                    tell_end(key.fd, children.pop(key.fd))
                    continue
                message, streams, _, _ = socket.recv_fds(commands, MOST_BYTES, 4)
                if not message:
                    end(children)
                    return None
                pid = os.fork()
                if pid == 0:
                    os.setsid()
                    tell(streams[-1], os.getpid())
                    take(streams)
                    close(commands.detach(), *children, *(child.told for child in children.values()))
                    request: dict[str, Any] = json.loads(message)
                    return request
                *standard, told = streams
                close(*standard)
                ending = os.pidfd_open(pid)
                children[ending] = Child(pid, told)
                events.register(ending, selectors.EVENT_READ)


def take(streams: list[int]) -> None:
    """Have these as one's standard streams; who waits for the end keeps the last."""
    for number, stream in enumerate(streams[:-1]):
        os.dup2(stream, number)
    close(*streams)


def tell_end(ending: int, child: Child) -> None:
    _, status = os.waitpid(child.pid, 0)
    tell(child.told, os.waitstatus_to_exitcode(status))
    close(ending, child.told)


def tell(told: int, number: int) -> None:
    with suppress(BrokenPipeError):  # Who has waited too long has gone.
        os.write(told, f"{number}\n".encode())


def close(*files: int) -> None:
    for file in files:
        os.close(file)


def end(children: dict[int, Child]) -> None:
    """Kill what nobody waits for any more."""
    for child in children.values():
        os.kill(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)


def become(request: dict[str, Any]) -> None:
    """Be where the command is run, with its environment and its arguments."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["directory"])
    random.seed()
    # What it starts by itself is told to begin with the same module.
    sys.modules["__main__"] = importlib.import_module("studyspot.__main__")
    sys.argv = ["studyspot", *request["arguments"]]


if __name__ == "__main__":
    main()
