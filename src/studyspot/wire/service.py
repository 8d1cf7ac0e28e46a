"""What a client needs to find and trust the service: addresses, readiness, keys, documents of the events."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from studyspot.access.tokens import Verifier
from studyspot.catalogue.schemas import asyncapi, schemas
from studyspot.event_store.errors import StoreError
from studyspot.event_store.store import EventStore
from studyspot.telemetry import Readiness
from studyspot.wire.problems import HALTED, NOT_FOUND, UNAVAILABLE, Problem

router = APIRouter(tags=["service"])

_READY_WITHIN = timedelta(seconds=4)
_LOOK_AGAIN = timedelta(seconds=1)
_LOOK_AGAIN_HALTED = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where clients find the sockets, and the one origin of API and sockets, if there is one."""

    fanout_url: str
    public_url: str | None


@router.get("/api/config")
async def where_things_are(request: Request) -> dict[str, Any]:
    """Where the fan-out is, and what it speaks."""
    addresses: Addresses = request.app.state.addresses
    return {
        "fanoutUrl": addresses.fanout_url,
        "path": "/ws",
        "subprotocol": "studyspot.v1",
        # Where API and sockets have one origin; null where they have none.
        "publicUrl": addresses.public_url,
    }


@router.get("/api/health")
async def health() -> dict[str, str]:
    """Alive; no dependency is asked."""
    return {"status": "alive"}


@router.get("/api/ready")
async def ready(request: Request) -> dict[str, Any]:
    """Whether commands can be taken now; a 503 where they cannot."""
    try:
        async with asyncio.timeout(_READY_WITHIN.total_seconds()):
            now = await asyncio.to_thread(readiness, request.app.state.store)
    except TimeoutError:
        now = Readiness(False)
    # What is wrong is told on the metrics port: this path is open to everyone.
    if now.details.get("halted") is not None:
        raise Problem(HALTED, "The log is halted until an operator has looked at it.", _LOOK_AGAIN_HALTED)
    if not now.ready:
        raise Problem(UNAVAILABLE, "Commands cannot be taken now. Nothing was lost; try again.", _LOOK_AGAIN)
    return {"ready": True, **now.details}


@router.get("/.well-known/jwks.json")
async def public_keys(request: Request) -> dict[str, Any]:
    """The keys that verify our tokens."""
    verifier: Verifier = request.app.state.verifier
    return verifier.jwks()


@router.get("/asyncapi.json")
async def event_documents(request: Request) -> dict[str, Any]:
    """The events on the stream's subjects, as AsyncAPI 3."""
    version: str = request.app.version
    return asyncapi(version)


@router.get("/schemas/{name}")
async def schema(name: str) -> JSONResponse:
    """The JSON Schema of one event."""
    known = await asyncio.to_thread(_schemas_by_file)
    if name not in known:
        raise Problem(NOT_FOUND, "There is no such schema.")
    return JSONResponse(known[name], media_type="application/schema+json")


def readiness(store: EventStore) -> Readiness:
    """Say whether commands can be taken: the writer runs, the database answers, the log is not halted."""
    if not store.accepts_appends:
        return Readiness(False, {"writer": "does not run"})
    try:
        head = store.head()
    except StoreError as error:
        return Readiness(False, {"database": str(error)})
    return Readiness(head.halted is None, {"database": "ok", "head": head.position, "halted": head.halted})


@cache
def _schemas_by_file() -> dict[str, dict[str, Any]]:
    return {f"{name}.json": schema for name, schema in schemas().items()}
