"""Asking the reads."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from tests.projections.happenings import HOUR, NINE


def text(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


async def ask(
    reads: httpx.AsyncClient,
    path: str,
    at_least: int | None = None,
    headers: Mapping[str, str] | None = None,
    **parameters: Any,
) -> dict[str, Any]:
    """Return the answer's body once the read model has reached `at_least`."""
    asked = dict(headers or {})
    if at_least is not None:
        asked["StudySpot-Min-Position"] = str(at_least)
    answer = await reads.get(path, params=parameters, headers=asked)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert answer.headers["StudySpot-Position"] == str(body["position"])
    if at_least is not None:
        assert body["position"] >= at_least
    return body


async def ask_map(
    reads: httpx.AsyncClient,
    at_least: int | None = None,
    start: datetime = NINE,
    end: datetime = NINE + HOUR,
    library_id: str = "L1",
) -> dict[str, Any]:
    return await ask(reads, f"/api/libraries/{library_id}/seats", at_least, start=text(start), end=text(end))


def assert_problem(answer: httpx.Response, status: int, slug: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"/problems/{slug}"
