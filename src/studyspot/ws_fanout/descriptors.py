"""How many connections the operating system lets a process have."""

import resource
from dataclasses import replace

import structlog

from studyspot.ws_fanout.limits import Limits

_SPARE = 200
"""Descriptors for all but clients: the broker, the log, files."""

log = structlog.get_logger()


def within_descriptors(limits: Limits) -> Limits:
    """Let this process have the descriptors that the limits need, and return limits that fit what it has.

    Beyond its descriptors a process could not even say that it is full.
    """
    wanted = limits.sockets + limits.handshakes + _SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return limits
    most = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most == wanted:
        return limits
    sockets = max(1, (most - _SPARE) * limits.sockets // (limits.sockets + limits.handshakes))
    handshakes = max(1, most - _SPARE - sockets)
    log.warning(
        "fewer sockets than could be served: raise the limit of open files", sockets=sockets, files=hard
    )
    return replace(limits, sockets=sockets, handshakes=handshakes)
