"""The page about sockets says what the code does."""

from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.handshake import KINDS, NO_REQUEST, TOO_MANY_FRAMES, TOO_MANY_HANDSHAKES
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.metrics import FanoutMetrics
from studyspot.ws_fanout.socket_io.conversation import LEAVE_WITHIN
from studyspot.ws_fanout.socket_io.requests import CAUSES, PATH, RequestRefused, check_query

PAGE = (Path(__file__).parents[2] / "docs" / "sockets.md").read_text(encoding="utf-8")
LIMITS = Limits()


def number(value: int) -> str:
    return f"{value:,}".replace(",", " ")


def size(value: int) -> str:
    return f"{value // 1024} KiB" if value < 1024**2 else f"{value // 1024**2} MiB"


def seconds(value: timedelta) -> str:
    return f"{value.total_seconds():.0f} s"


@pytest.mark.parametrize(
    "row",
    [
        f"| frames | {LIMITS.frames_at_once} at once, {LIMITS.frames_per_second} a second |",
        f"| rooms of a socket | {LIMITS.rooms_per_socket} |",
        f"| sockets of a person | {LIMITS.sockets_per_user} on one node |",
        f"| `connect` | within {seconds(LIMITS.connect_within)} |",
        f"| pong | within {seconds(LIMITS.pong_within)} of",
        f"| unread bytes | {size(LIMITS.unsent_bytes)} |",
        f"after {seconds(LIMITS.stalled_for)} without reading, closed with 4008",
        f"| sockets | {number(LIMITS.sockets)} |",
        f"| sockets of an address | {LIMITS.sockets_per_address} |",
        f"| connects | {LIMITS.connects_at_once} at once, {number(LIMITS.connects_per_second)} a second;",
        f"turn, at most {seconds(LIMITS.turn_within)} |",
        f"| {number(LIMITS.handshakes)}, for {seconds(LIMITS.connect_within + LIMITS.turn_within)} at most |",
        f"| sockets before their `connect` | {number(LIMITS.sockets_before_connect)} |",
        f"| unread bytes of all sockets | {size(LIMITS.unsent_bytes_in_all)};",
        f"less and less, down to {size(LIMITS.unsent_bytes_under_pressure)} |",
        f"in waves, within {seconds(LIMITS.drain_within)}",
        f"window ({number(LIMITS.window_events)} events, or {size(LIMITS.window_bytes)})",
    ],
)
def test_the_limits_are_those_of_the_code(row: str) -> None:
    assert row in " ".join(PAGE.split())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.slug)
def test_every_refusal_of_a_handshake_is_there(kind: object) -> None:
    assert f"`{kind.type}`" in PAGE  # type: ignore[attr-defined]


@pytest.mark.parametrize("code", CloseCode)
def test_every_close_code_is_there(code: CloseCode) -> None:
    assert str(int(code)) in PAGE.partition("## Close codes")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    "query", ["transport=polling&EIO=4", "transport=websocket&EIO=3", "transport=websocket&sid=x"]
)
def test_what_engine_io_is_refused_is_there(query: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        check_query(query)

    code, message = refused.value.body().values()
    assert f'`{{"code":{code},"message":"{message}"}}`' in PAGE
    assert PATH in PAGE


def test_how_long_a_client_is_given_to_leave_is_there() -> None:
    assert f"within {seconds(LEAVE_WITHIN)}, or is closed" in " ".join(PAGE.split())


def test_every_metric_and_every_cause_that_is_no_problem_is_there() -> None:
    registry = CollectorRegistry()
    FanoutMetrics(registry)
    described = PAGE.partition("## Metrics and health")[2]

    for metric in registry.collect():
        name = metric.name.removeprefix("studyspot_fanout_")
        assert f"`{name}" in described, name
    for cause in (NO_REQUEST, TOO_MANY_FRAMES, TOO_MANY_HANDSHAKES, *CAUSES):
        assert f"`{cause}`" in described
