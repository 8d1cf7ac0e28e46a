"""What each service may do on NATS: the least that its work needs."""

from collections.abc import Mapping
from dataclasses import dataclass

from studyspot.broker.buckets import BOOTSTRAP, NAMES, SOCKETS, stream_of, subject_of
from studyspot.broker.stream import STREAM, SUBJECTS

SERVICES = ("relay", "api", "projections", "policies", "fanout", "analytics", "admin")


@dataclass(frozen=True, slots=True)
class Permissions:
    """Subjects that a user may publish to and subscribe to, and those of the latter that it never hears."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    never_subscribe: tuple[str, ...] = ()


def permissions() -> Mapping[str, Permissions]:
    """Return the permissions of each of `SERVICES`."""
    names, bootstrap = stream_of(NAMES), stream_of(BOOTSTRAP)
    reads_all = (*_reading(STREAM), *_reading(names))
    reads_bootstrap = _reading(bootstrap)
    keeps_bootstrap = (f"$JS.API.STREAM.CREATE.{bootstrap}", subject_of(BOOTSTRAP, ">"))
    makes_stream = tuple(f"$JS.API.STREAM.{verb}.{STREAM}" for verb in ("CREATE", "UPDATE", "DELETE"))
    makes_names = f"$JS.API.STREAM.CREATE.{names}"
    publish = {
        "relay": (*reads_all, *reads_bootstrap, *SUBJECTS, *makes_stream, makes_names, *keeps_bootstrap),
        "api": (*reads_all, makes_names, subject_of(NAMES, ">")),
        "projections": reads_all,
        "policies": reads_all,
        "fanout": (*reads_all, *reads_bootstrap, *_remembering(stream_of(SOCKETS))),
    }
    inboxes = {service: f"_INBOX.{service}.>" for service in SERVICES}
    ours = tuple(inboxes[service] for service in (*publish, "admin"))
    return {
        **{
            service: Permissions(subjects, (inboxes[service], *SUBJECTS))
            for service, subjects in publish.items()
        },
        # Analysts use clients of any kind, with their ordinary inboxes. The names of people are not for
        # them, neither from the bucket nor from what it sends to others.
        "analytics": Permissions(_reading(STREAM), ("_INBOX.>", *SUBJECTS), ours),
        "admin": Permissions((">",), (">",)),
    }


def _remembering(stream: str) -> tuple[str, ...]:
    """Return what it takes to make the bucket of connections, to write to it, and to look a single one up."""
    api = "$JS.API.STREAM"
    return (
        f"{api}.CREATE.{stream}",
        f"{api}.INFO.{stream}",
        f"{api}.MSG.GET.{stream}",
        subject_of(SOCKETS, ">"),
    )


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
