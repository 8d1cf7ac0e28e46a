"""`studyspot doctor`: every dependency checked, and the mend for each fault."""

import asyncio
import shutil
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg

from studyspot.access.key_sets import KeysUnavailable
from studyspot.broker.connection import connect
from studyspot.broker.errors import BrokerError
from studyspot.console.faults import Fault
from studyspot.console.installation import begin, database_url, nats_url, signing_key, verifier
from studyspot.console.listening import authority
from studyspot.console.output import print_json, print_table
from studyspot.console.round_trip import RoundTripFailed, round_trip
from studyspot.event_store.errors import StoreError
from studyspot.event_store.store import EventStore
from studyspot.migrations.run import pending
from studyspot.policies.status import status as policies_status
from studyspot.projections.parked_events import parked_counts
from studyspot.projections.status import statuses
from studyspot.relay.status import RelayStatus, relay_status
from studyspot.settings import Settings

_ANSWER = timedelta(seconds=3)
_OLDEST_POSTGRES = 150_000
_LEAST_SPACE_BYTES = 1024**3
_TOO_FAR_BEHIND = timedelta(seconds=10)
_TOO_MANY_BEHIND = 1000
"""Events; a fan-out node sends many thousands a second."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `mend` says what to do where it is not well."""

    check: str
    well: bool
    found: str
    mend: str | None = None


def run_doctor(as_json: bool) -> None:
    """Check everything and show what was found; exit status 1 where something is not well."""
    settings = begin()
    findings = [
        _keys(settings),
        _space(settings.home),
        *_database(settings),
        *asyncio.run(_broker(settings)),
        *_projections(settings),
        _policies(settings),
        _http(settings),
        asyncio.run(fanout_finding(settings)),
        *public_findings(settings),
    ]
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        rows = [
            (finding.check, "well" if finding.well else "not well", finding.found, finding.mend or "")
            for finding in findings
        ]
        print_table(("check", "state", "found", "mend"), rows)
    if not all(finding.well for finding in findings):
        sys.exit(1)


def _keys(settings: Settings) -> Finding:
    try:
        verifier(settings)
        signing_key(settings)
    except (Fault, KeysUnavailable) as error:
        mend = error.mend if isinstance(error, Fault) else "Check STUDYSPOT_JWKS."
        return Finding("keys", False, str(error), mend)
    return Finding("keys", True, "one that signs, and its public half")


def _space(home: Path) -> Finding:
    existing = next(place for place in (home.absolute(), *home.absolute().parents) if place.exists())
    free = shutil.disk_usage(existing).free
    found = f"{free / 1024**3:.1f} GiB free at {existing}"
    if free < _LEAST_SPACE_BYTES:
        return Finding("disk", False, found, "Free some space there.")
    return Finding("disk", True, found)


def _database(settings: Settings) -> list[Finding]:
    try:
        url = database_url(settings)
        seconds = int(_ANSWER.total_seconds())
        with psycopg.connect(url, connect_timeout=seconds) as connection:
            version = connection.info.server_version
        if version < _OLDEST_POSTGRES:
            return [Finding("database", False, f"version {version}", "Use PostgreSQL 15 or later.")]
        if pending(url):
            return [Finding("database", False, "not migrated", "Run `studyspot migrate`.")]
        with EventStore(url, read_connections=1) as store:
            head = store.head()
    except Fault as fault:
        return [Finding("database", False, fault.what, fault.mend)]
    except (psycopg.OperationalError, StoreError) as error:
        first = str(error).strip().splitlines()[0]
        return [Finding("database", False, first, "Start it, or check STUDYSPOT_DATABASE_URL.")]
    found = [Finding("database", True, f"PostgreSQL {version // 10_000}, migrated")]
    if head.halted:
        found.append(Finding("log", False, f"halted: {head.halted}", "Run `studyspot epoch new`."))
    else:
        found.append(Finding("log", True, f"position {head.position}, epoch {head.epoch}"))
    return found


async def _broker(settings: Settings) -> list[Finding]:
    try:
        connection = await connect(nats_url(settings), name="studyspot-doctor", limit=_ANSWER)
    except Fault as fault:
        return [Finding("nats", False, fault.what, fault.mend)]
    except BrokerError as error:
        return [Finding("nats", False, str(error), "Start NATS, or check STUDYSPOT_NATS_URL.")]
    try:
        version = connection.connected_server_version
        nats = Finding("nats", True, f"nats-server {version.major}.{version.minor}.{version.patch}")
        with EventStore(database_url(settings), read_connections=1) as store:
            status = await relay_status(store, connection.jetstream(timeout=_ANSWER.total_seconds()))
    except (Fault, StoreError, BrokerError) as error:
        return [nats, Finding("relay", False, str(error), "Mend the database first.")]
    finally:
        await connection.close()
    return [nats, _relay(status)]


def _relay(status: RelayStatus) -> Finding:
    if status.last_position is None or status.lag is None:
        return Finding("relay", False, "there is no stream", "Start `studyspot relay`.")
    found = f"stream at {status.last_position} of {status.head}"
    if status.stream_epoch != status.epoch:
        return Finding("relay", False, f"{found}, of another epoch", "Start `studyspot relay`.")
    if status.lag:
        return Finding(
            "relay", False, f"{found}, {status.lag} behind", "Look at the log of `studyspot relay`."
        )
    return Finding("relay", True, found)


def _projections(settings: Settings) -> list[Finding]:
    try:
        found = statuses(database_url(settings))
        parked = parked_counts(database_url(settings))
    except (Fault, StoreError, psycopg.OperationalError) as error:
        return [Finding("projections", False, str(error).strip(), "Mend the database first.")]
    findings = []
    for status in found:
        name, behind = f"projection {status.name}", f"{status.lag_events} events behind"
        if status.version is None:
            mend = "Start `studyspot projections run`."
            findings.append(Finding(name, False, "was never built", mend))
        elif status.lag > _TOO_FAR_BEHIND:
            mend = "Look at the log of `studyspot projections run`."
            findings.append(Finding(name, False, behind, mend))
        else:
            findings.append(Finding(name, True, f"position {status.position}, {behind}"))
    findings += [
        Finding(
            f"parked {name}",
            False,
            f"{events} events could not be applied",
            f"Run `studyspot projections parked {name}`, then retry or drop them.",
        )
        for name, events in parked.items()
    ]
    return findings


def _policies(settings: Settings) -> Finding:
    try:
        status = policies_status(database_url(settings), datetime.now(UTC))
    except (Fault, StoreError) as error:
        return Finding("policies", False, str(error).strip(), "Mend the database first.")
    backlog = status.backlog
    found = f"position {status.position}, {status.lag_events} events behind, {backlog.waiting} tasks waiting"
    if backlog.set_aside or backlog.unread:
        failed = f"{backlog.set_aside} tasks failed, {backlog.unread} events cannot be read"
        mend = "Run `studyspot policies status`, then start a release that can do them."
        return Finding("policies", False, failed, mend)
    if backlog.overdue > _TOO_FAR_BEHIND:
        late = f"{found}, one for {backlog.overdue.total_seconds():.0f} s too long"
        return Finding("policies", False, late, "Start `studyspot policies run`, or look at its log.")
    return Finding("policies", True, found)


def _http(settings: Settings) -> Finding:
    url = f"http://{authority(settings.api_host, settings.api_port)}/api/ready"
    try:
        answer = httpx.get(url, timeout=_ANSWER.total_seconds(), trust_env=False)
    except httpx.HTTPError as error:
        return Finding("api", False, f"{url}: {error}", "Start `studyspot api`.")
    if answer.status_code != httpx.codes.OK:
        return Finding("api", False, f"{url}: {answer.status_code}", "Mend what it names: " + answer.text)
    return Finding("api", True, f"{url} in {answer.elapsed.total_seconds() * 1000:.1f} ms")


def public_findings(settings: Settings) -> list[Finding]:
    """Ask both processes through the proxy, where there is one."""
    if settings.public_url is None:
        return []
    mend = "Start the proxy (`studyspot up` runs one), and check STUDYSPOT_PUBLIC_URL."
    # The fan-out refuses what is no handshake, and says so itself.
    asked = {"/api/health": httpx.codes.OK, "/ws": httpx.codes.UPGRADE_REQUIRED}
    for path, expected in asked.items():
        url = settings.public_url + path
        try:
            answer = httpx.get(url, timeout=_ANSWER.total_seconds(), trust_env=False)
        except httpx.HTTPError as error:
            return [Finding("one origin", False, f"{url}: {error}", mend)]
        if answer.status_code != expected:
            return [Finding("one origin", False, f"{url}: {answer.status_code}", mend)]
    return [Finding("one origin", True, f"{settings.public_url}: API and sockets")]


async def fanout_finding(settings: Settings) -> Finding:
    """Open a socket, and say what became of it."""
    name, address = "fan-out", authority(settings.fanout_host, settings.fanout_port)
    try:
        node = await round_trip(settings.fanout_host, settings.fanout_port, settings)
    except (Fault, RoundTripFailed) as error:
        return Finding(name, False, str(error), "Start `studyspot fanout`, and look at its log.")
    found = (
        f"{address}: joined, round trip {node.took.total_seconds() * 1000:.1f} ms, "
        f"position {node.head}, {node.lag} events behind"
    )
    if node.stale_since is not None:
        stale = f"{found}, has heard nothing of the stream since {node.stale_since}"
        return Finding(name, False, stale, "Start NATS, and see what `studyspot relay status` says.")
    if node.lag > _TOO_MANY_BEHIND:
        mend = "See whether it has a processor to itself, or start more of them."
        return Finding(name, False, found, mend)
    return Finding(name, True, found)
