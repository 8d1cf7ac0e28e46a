"""What each service may do on NATS: the least that its work needs."""

from collections.abc import Mapping
from dataclasses import dataclass

from studyspot.broker.buckets import NAMES
from studyspot.broker.stream import STREAM, SUBJECTS

SERVICES = ("relay", "api", "projections", "policies", "fanout", "analytics", "admin")


@dataclass(frozen=True, slots=True)
class Permissions:
    """Subjects that a user may publish to, and those it may subscribe to."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def permissions() -> Mapping[str, Permissions]:
    """Return the permissions of each of `SERVICES`."""
    names = f"KV_{NAMES}"
    reads_all = (*_reading(STREAM), *_reading(names))
    makes_stream = tuple(f"$JS.API.STREAM.{verb}.{STREAM}" for verb in ("CREATE", "UPDATE", "DELETE"))
    makes_names = f"$JS.API.STREAM.CREATE.{names}"
    subscribe = ("_INBOX.>", *SUBJECTS)
    reader = Permissions(reads_all, subscribe)
    return {
        "relay": Permissions((*reads_all, *SUBJECTS, *makes_stream, makes_names), subscribe),
        "api": Permissions((*reads_all, makes_names, f"$KV.{NAMES}.>"), subscribe),
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
