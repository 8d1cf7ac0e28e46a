"""Addresses that processes listen at: said plainly where one is taken, of IPv4 and IPv6 alike."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from studyspot.console.faults import Fault


def require_free(host: str, port: int, variable: str) -> None:
    """Say plainly that a port is taken, before anything else is begun.

    Raises:
        Fault: something listens there, or there is no such address; `variable` sets the port.
    """
    with _bound(host, port, variable, socket.SO_REUSEADDR):
        pass


@contextmanager
def held_port(host: str, port: int) -> Iterator[int]:
    """Keep a port for the workers, also while none of them listens; with port 0, one that is free.

    Raises:
        Fault: it is not to be had.
    """
    if not hasattr(socket, "SO_REUSEPORT"):
        raise Fault("This system lets no processes share a port.", "Leave out --workers.")
    with _bound(host, port, "STUDYSPOT_FANOUT_PORT", socket.SO_REUSEPORT) as held:
        yield held


def authority(host: str, port: int) -> str:
    """Return the address as it stands in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextmanager
def _bound(host: str, port: int, variable: str, option: int) -> Iterator[int]:
    """Have the port at all addresses of a host. Bound and not listening, it gets no connections."""
    with ExitStack() as stack:
        try:
            for family, kind, protocol, _, address in socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            ):
                bound = stack.enter_context(socket.socket(family, kind, protocol))
                bound.setsockopt(socket.SOL_SOCKET, option, 1)
                if family == socket.AF_INET6:
                    # As the servers do; `localhost` is an address of either kind.
                    bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                bound.bind((address[0], port, *address[2:]))
                port = bound.getsockname()[1]
        except OSError as error:
            raise Fault(
                f"Port {port} on {host} cannot be used: {error.strerror}.",
                f"Stop what listens there, or set {variable}.",
            ) from error
        yield port
