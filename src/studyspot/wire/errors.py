"""Every error of an HTTP process, as a problem: nothing else ever leaves it."""

import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import orjson
import psycopg
import structlog
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import Counter
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException as RoutingError
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studyspot.catalogue.types import UnknownEvent
from studyspot.decisions.preconditions import ChangedSince
from studyspot.decisions.run import Contended
from studyspot.domain.refusals import Refusal
from studyspot.event_store.errors import EventRejected, KeyReused, StoreHalted, StoreUnavailable
from studyspot.wire.positions import POSITION
from studyspot.wire.problems import (
    BODY_TOO_LARGE,
    CHANGED_SINCE,
    CONTENDED,
    HALTED,
    INTERNAL,
    INVALID,
    KEY_REUSED,
    MALFORMED,
    MEDIA_TYPE,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    UNAVAILABLE,
    Kind,
    Problem,
    body_of,
    of_refusal,
)

log = structlog.get_logger()

BODY_LIMIT_BYTES = 256 * 1024
_RETRY = timedelta(seconds=1)

_refused = Counter("studyspot_problems", "Requests that were answered with a problem", ["type"])


def response(problem: Problem, instance: str) -> Response:
    """Return the problem as a response."""
    _refused.labels(problem.kind.slug).inc()
    headers = dict(problem.headers)
    if problem.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(problem.retry_after.total_seconds())))
    if problem.kind.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="studyspot"'
    return Response(
        orjson.dumps(body_of(problem, instance)),
        status_code=problem.kind.status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )


def answer_with_problems(app: FastAPI) -> None:
    """Make every error of the app a problem."""
    handlers: dict[Any, Callable[[Any], Problem]] = {
        Problem: lambda problem: problem,
        Refusal: of_refusal,
        RequestValidationError: _of_validation,
        RoutingError: _of_http,
        KeyReused: lambda _: Problem(
            KEY_REUSED, "This Idempotency-Key came with another request. Use a new key for a new request."
        ),
        EventRejected: lambda error: Problem(INVALID, str(error)),
        ChangedSince: _of_change,
        Contended: lambda _: Problem(CONTENDED, "Too many change the same thing. Try again.", _RETRY),
        StoreHalted: lambda _: Problem(
            HALTED, "The log is halted until an operator has looked at it.", timedelta(seconds=30)
        ),
        UnknownEvent: lambda _: Problem(
            UNAVAILABLE, "A newer release wrote what this one cannot read yet. Try again.", _RETRY
        ),
        StoreUnavailable: _of_absence,
        psycopg.OperationalError: _of_absence,
        PoolTimeout: _of_absence,
    }
    for kind, to_problem in handlers.items():
        app.add_exception_handler(kind, _handler(to_problem))
    app.add_exception_handler(Exception, _incident)


def _handler(to_problem: Callable[[Any], Problem]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        return response(to_problem(error), request.url.path)

    return handle


async def _incident(request: Request, error: Exception) -> Response:
    incident = secrets.token_hex(8)
    log.error("request failed", incident=incident, path=request.url.path, exc_info=error)
    detail = "This is our fault. Tell us the incident if it happens again."
    return response(Problem(INTERNAL, detail, extras={"incident": incident}), request.url.path)


def _of_absence(_: Exception) -> Problem:
    return Problem(UNAVAILABLE, "The database is away. Nothing was lost; try again.", _RETRY)


def _of_change(changed: ChangedSince) -> Problem:
    return Problem(
        CHANGED_SINCE,
        "It has changed since you read it. Read it again, and send its new ETag if you still want this.",
        headers={POSITION: str(changed.position)},
    )


def _of_validation(error: RequestValidationError) -> Problem:
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return Problem(MALFORMED, "The body is not JSON.")
    listed = [
        {"field": ".".join(str(part) for part in fault["loc"]), "message": fault["msg"]}
        for fault in faults[:20]
    ]
    first = listed[0]
    return Problem(INVALID, f"{first['field']}: {first['message']}.", extras={"errors": listed})


def _of_http(error: RoutingError) -> Problem:
    if error.status_code == 413:
        return Problem(BODY_TOO_LARGE, f"A body has at most {BODY_LIMIT_BYTES // 1024} KiB.")
    kinds = {404: NOT_FOUND, 405: METHOD_NOT_ALLOWED, 400: MALFORMED}
    kind = kinds.get(error.status_code, Kind("http", "The request failed", error.status_code))
    return Problem(kind, f"{error.detail}.", headers=dict(error.headers or {}))


class BodyLimit:
    """Refuses bodies beyond `BODY_LIMIT_BYTES` before they are read whole."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > BODY_LIMIT_BYTES:
            await self._refuse(scope, receive, send)
            return
        received = 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > BODY_LIMIT_BYTES:
                raise HTTPException(413)
            return message

        await self._app(scope, bounded, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        await response(_of_http(RoutingError(413)), scope["path"])(scope, receive, send)
