"""What is answered to requests that become no socket."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import orjson
from websockets.http11 import Response
from websockets.server import ServerProtocol

from studyspot.wire.problems import MEDIA_TYPE, Problem, body_of
from studyspot.ws_fanout.health import Health

JSON = "application/json"
MEDIA_TYPES = (MEDIA_TYPE, JSON)
"""Of all that is answered here."""
_LONGEST_INSTANCE = 200


def refusal(protocol: ServerProtocol, problem: Problem, path: str) -> Response:
    """Return the problem, with the time to come again if there is one; `path` is what was asked for."""
    # A request may hold bytes that are no text.
    body = body_of(problem, path.encode("ascii", "replace").decode()[:_LONGEST_INSTANCE])
    if problem.retry_after is not None:
        body["retryAfterMs"] = int(problem.retry_after / timedelta(milliseconds=1))
    response = answered(protocol, HTTPStatus(problem.kind.status), body, MEDIA_TYPE)
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(problem.retry_after.total_seconds())))
    return response


def health_of(protocol: ServerProtocol, health: Health) -> Response:
    """Return how the node is, which is always answered."""
    body = {
        "status": "alive",
        "ready": health.ready,
        **health.details(),
        "serverNow": datetime.now(UTC).isoformat(),
    }
    return answered(protocol, HTTPStatus.OK, body)


def answered(
    protocol: ServerProtocol, status: HTTPStatus, body: Mapping[str, Any], media_type: str = JSON
) -> Response:
    """Return an answer of JSON."""
    response = protocol.reject(status, orjson.dumps(body).decode())
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = media_type
    return response
