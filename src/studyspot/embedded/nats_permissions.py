"""What each service may do on NATS: the least that its work needs."""

from collections.abc import Mapping
from dataclasses import dataclass

# These names are `broker`'s; a test holds the two together, as neither room may import the other.
STREAM = "STUDYSPOT"
EVENTS = "studyspot.>"
NAMES = "names"

SERVICES = ("relay", "api", "projections", "policies", "fanout", "analytics", "admin")


@dataclass(frozen=True, slots=True)
class Permissions:
    """Subjects that a user may publish to, and those it may subscribe to."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def permissions() -> Mapping[str, Permissions]:
    """Return the permissions of each of `SERVICES`."""
    stream = f"KV_{NAMES}"
    reads_all = (*_reading(STREAM), *_reading(stream))
    subscribe = ("_INBOX.>", EVENTS)
    reader = Permissions(reads_all, subscribe)
    return {
        "relay": Permissions((*reads_all, EVENTS, *_managing(STREAM), *_managing(stream)), subscribe),
        "api": Permissions((*reads_all, *_managing(stream), f"$KV.{NAMES}.>"), subscribe),
        "projections": reader,
        "policies": reader,
        "fanout": reader,
        # The names of people are not for analytics.
        "analytics": Permissions(_reading(STREAM), subscribe),
        "admin": Permissions((">",), (">",)),
    }


def _reading(stream: str) -> tuple[str, ...]:
    api = "$JS.API"
    return (
        f"{api}.INFO",
        f"{api}.STREAM.NAMES",
        f"{api}.STREAM.LIST",
        f"{api}.STREAM.INFO.{stream}",
        f"{api}.STREAM.MSG.GET.{stream}",
        f"{api}.DIRECT.GET.{stream}",
        f"{api}.DIRECT.GET.{stream}.>",
        f"{api}.CONSUMER.CREATE.{stream}",
        f"{api}.CONSUMER.CREATE.{stream}.>",
        f"{api}.CONSUMER.DURABLE.CREATE.{stream}.>",
        f"{api}.CONSUMER.INFO.{stream}.>",
        f"{api}.CONSUMER.NAMES.{stream}",
        f"{api}.CONSUMER.LIST.{stream}",
        f"{api}.CONSUMER.DELETE.{stream}.>",
        f"{api}.CONSUMER.MSG.NEXT.{stream}.>",
        f"$JS.ACK.{stream}.>",
        f"$JS.FC.{stream}.>",
    )


def _managing(stream: str) -> tuple[str, ...]:
    return tuple(f"$JS.API.STREAM.{verb}.{stream}" for verb in ("CREATE", "UPDATE", "DELETE", "PURGE"))
