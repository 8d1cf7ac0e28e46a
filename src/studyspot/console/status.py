"""Read-outs of the relay, the epoch, the projections and the policies."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from studyspot.broker.connection import connect
from studyspot.broker.errors import BrokerUnavailable
from studyspot.console.installation import begin, database_url, nats_url
from studyspot.console.output import camel_case, print_json, print_rich, print_table, table
from studyspot.console.watch import watch
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import Head
from studyspot.policies.status import PoliciesStatus
from studyspot.policies.status import status as policies_status
from studyspot.projections.status import ProjectionStatus, statuses
from studyspot.relay.status import RelayStatus, relay_status

if TYPE_CHECKING:
    from rich.table import Table

_ANSWER_SECONDS = 2


def show_relay(as_json: bool) -> None:
    """Show how far the stream follows the store."""
    settings = begin()
    with EventStore(database_url(settings), read_connections=1) as store:
        status = asyncio.run(_relay_status(store, nats_url(settings)))
    if as_json:
        print_json(camel_case(asdict(status)))
        return
    print_table(
        ("head", "epoch", "stream", "stream epoch", "lag", "halted"),
        [
            (
                status.head,
                status.epoch,
                status.last_position,
                status.stream_epoch,
                status.lag,
                status.halted or "no",
            )
        ],
    )


def show_projections(as_json: bool, watched: bool) -> None:
    """Show position, head and lag of each projection; each second again, where it is watched."""
    url = database_url(begin())
    if watched:
        watch(lambda: statuses(url), _table, _facts, as_json=as_json)
    elif as_json:
        print_json(_facts(statuses(url)))
    else:
        print_rich(_table(statuses(url)))


def _facts(found: Sequence[ProjectionStatus]) -> list[dict[str, Any]]:
    return [camel_case(_projection(status)) for status in found]


def _table(found: Sequence[ProjectionStatus]) -> "Table":
    rows = [_projection(status) for status in found]
    for row in rows:
        row["applied_at"] = row["applied_at"] and _short(row["applied_at"])
    return table(
        ("projection", "version", "position", "head", "lag", "lag s", "p50 s", "p99 s", "applied"),
        [tuple(row.values()) for row in rows],
        whole=("projection", "applied"),
    )


def _short(time: datetime) -> str:
    """Return the time of day, or the day where that is another; both UTC."""
    at = time.astimezone(UTC)
    return f"{at:%H:%M:%S}" if at.date() == datetime.now(UTC).date() else f"{at:%Y-%m-%d}"


def _projection(status: ProjectionStatus) -> dict[str, Any]:
    recent = status.recent
    return {
        "name": status.name,
        "version": status.version,
        "position": status.position,
        "head": status.head,
        "lag_events": status.lag_events,
        "lag_seconds": round(status.lag.total_seconds(), 3),
        "lag_p50_seconds": round(recent.p50.total_seconds(), 3) if recent else None,
        "lag_p99_seconds": round(recent.p99.total_seconds(), 3) if recent else None,
        "applied_at": status.applied_at,
    }


def show_policies(as_json: bool) -> None:
    """Show how far policies are, and what of theirs needs a look."""
    found = policies_status(database_url(begin()), datetime.now(UTC))
    if as_json:
        print_json(_of_policies(found))
        return
    backlog = found.backlog
    print_table(
        ("position", "head", "lag", "waiting", "overdue s", "set aside", "unread events"),
        [
            (
                *(found.position, found.head, found.lag_events, backlog.waiting),
                *(round(backlog.overdue.total_seconds(), 3), backlog.set_aside, backlog.unread),
            )
        ],
    )
    if found.set_aside:
        print_table(
            ("set aside", "position", "due", "next try", "reason"),
            [
                (task.key, task.position, _short(task.due_at), _short(task.try_at), task.reason)
                for task in found.set_aside
            ],
            whole=("set aside",),
        )


def _of_policies(found: PoliciesStatus) -> dict[str, Any]:
    backlog = found.backlog
    return {
        "position": found.position,
        "head": found.head,
        "lagEvents": found.lag_events,
        "waiting": backlog.waiting,
        "overdueSeconds": round(backlog.overdue.total_seconds(), 3),
        "setAside": [camel_case(asdict(task)) for task in found.set_aside],
        "unreadEvents": list(found.unread_positions),
    }


def show_epoch(as_json: bool) -> None:
    """Show the epoch, and why appends are halted, if they are."""
    with EventStore(database_url(begin()), read_connections=1) as store:
        _show(store.head(), as_json)


def _show(head: Head, as_json: bool) -> None:
    if as_json:
        print_json(camel_case(asdict(head)))
        return
    print_table(("epoch", "head", "halted"), [(head.epoch, head.position, head.halted or "no")])


def begin_epoch(as_json: bool) -> None:
    """Begin a new epoch, and show it."""
    with EventStore(database_url(begin()), read_connections=1) as store:
        store.new_epoch()
        _show(store.head(), as_json)


async def _relay_status(store: EventStore, url: str) -> RelayStatus:
    try:
        connection = await connect(url, name="studyspot-console")
    except BrokerUnavailable:
        head = await asyncio.to_thread(store.head)
        return RelayStatus(head.position, head.epoch, head.halted, None, None, None)
    try:
        return await relay_status(store, connection.jetstream(timeout=_ANSWER_SECONDS))
    finally:
        await connection.close()
