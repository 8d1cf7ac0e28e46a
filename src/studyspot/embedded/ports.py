"""Free loopback ports for own processes."""

import random
import socket

from studyspot.embedded.errors import StartFailed

LOOPBACK = "127.0.0.1"
# Below the ports that kernels give to outgoing connections: a client that reconnects while the server is away
# could otherwise be given the server's own port, and the server could not come back to it.
CHOICE = range(20_000, 32_000)
ATTEMPTS = 200


def free_port() -> int:
    """Return a TCP port of the loopback address that nothing listens on at this moment.

    Raises:
        StartFailed: no free port was found in `ATTEMPTS` draws.
    """
    draw = random.SystemRandom()
    for _ in range(ATTEMPTS):
        port = draw.choice(CHOICE)
        if is_free(port):
            return port
    raise StartFailed(
        f"No free port found between {CHOICE.start} and {CHOICE.stop}.",
        "Stop programs that listen there.",
    )


def is_free(port: int) -> bool:
    """Say whether a server could listen on `port` of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do, so that a connection in TIME_WAIT does not count as a listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
