"""Who is compared in a run: servers that sockets are opened at, and the peers that this machine can have."""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol, TypeVar

import structlog

from benchmarks.sockets.cache import PeerMissing
from benchmarks.sockets.dialects import Dialect

Peer = TypeVar("Peer")

log = structlog.get_logger()


class SocketServer(Protocol):
    """A server that holds sockets."""

    @property
    def dialect(self) -> Dialect:
        """How it is talked to."""

    @property
    def pid(self) -> int:
        """The process that holds the sockets."""

    @property
    def port(self) -> int:
        """Where it listens."""


def begun(
    stack: ExitStack,
    beginnings: Mapping[str, Callable[[], AbstractContextManager[Peer]]],
    only: Collection[str] | None,
) -> tuple[dict[str, Peer], dict[str, str]]:
    """Begin the peers, or `only` those of these names; they end with `stack`.

    Returns:
        Those that were begun; and of each that cannot be had why.
    """
    peers: dict[str, Peer] = {}
    absent: dict[str, str] = {}
    for name, begin in beginnings.items():
        if only is not None and name not in only:
            continue
        try:
            peers[name] = stack.enter_context(begin())
        except PeerMissing as missing:
            absent[name] = str(missing)
            log.warning("a peer is missing", peer=name, reason=str(missing))
    return peers, absent
