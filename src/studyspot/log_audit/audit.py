"""An audit of the log: the store in itself, and the stream against it. Appends may go on meanwhile."""

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta

from studyspot.event_store.inspection import Inspection
from studyspot.event_store.store import EventStore
from studyspot.log_audit.findings import Difference, Findings, Progress
from studyspot.log_audit.slices import audit_events, processes_for
from studyspot.log_audit.stream import StreamAudited, audit_stream
from studyspot.log_audit.tag_index import audit_tag_index


@dataclass(frozen=True, slots=True)
class LogAudit:
    """What was looked at, up to the head as it was at first, and every kind of difference that was found.

    `stream` is none where the stream could not be compared; a difference says why.
    """

    head: int
    epoch: str
    events: int
    tag_rows: int
    stream: StreamAudited | None
    differences: tuple[Difference, ...]
    store_took: timedelta
    took: timedelta


def audit_log(database_url: str, nats_url: str, progress: Progress) -> LogAudit:
    """Compare positions, epochs, tags, the tag index and the stream with what they have to be.

    Raises:
        StoreUnavailable: the database does not answer.
        AuditBroken: one of its processes was killed.
        BrokerError: `nats_url` names no server.
    """
    began = time.monotonic()
    findings = Findings()
    with Inspection(database_url) as inspection, EventStore(database_url, read_connections=2) as store:
        ends = inspection.ends()
        processes = processes_for(ends.position)
        events = audit_events(database_url, ends, findings, progress, processes=processes)
        rows = audit_tag_index(inspection, ends.position, findings, progress)
        store_took = timedelta(seconds=time.monotonic() - began)
        stream = asyncio.run(audit_stream(store, nats_url, findings, progress))
    return LogAudit(
        head=ends.position,
        epoch=ends.epoch,
        events=events,
        tag_rows=rows,
        stream=stream,
        differences=findings.differences,
        store_took=store_took,
        took=timedelta(seconds=time.monotonic() - began),
    )
