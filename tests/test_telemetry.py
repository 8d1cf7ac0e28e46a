"""Logs on a disk that is full: lines are lost, work is not. And what a process answers when it is asked."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from studyspot.embedded.ports import free_port
from studyspot.telemetry import Readiness, serve_metrics

LOGGING = """
import logging, sys
import prometheus_client, structlog
from studyspot.telemetry import configure_logging

configure_logging("info", sys.argv[1])
log = structlog.get_logger()
log.info("one")
log.warning("two", number=2)
try:
    raise ValueError("three")
except ValueError:
    log.exception("three")
logging.getLogger("library").warning("four")
print(prometheus_client.REGISTRY.get_sample_value("studyspot_log_lines_unwritten_total"), flush=True)
"""


def unwritten(stderr: Path, form: str) -> float:
    """Log four lines in a process of its own; how many of them it counts as not written."""
    with stderr.open("w") as stream:
        process = subprocess.run(
            [sys.executable, "-c", LOGGING, form],
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            timeout=60,
            check=False,  # The interpreter's own last flush of standard error fails.
        )
    return float(process.stdout)


def test_logging_on_a_full_disk_raises_nothing_and_counts_what_was_lost() -> None:
    assert unwritten(Path("/dev/full"), "json") == 4
    assert unwritten(Path("/dev/full"), "console") == 4


def test_logging_writes_every_line_where_there_is_room(tmp_path: Path) -> None:
    said = tmp_path / "stderr"
    assert unwritten(said, "json") == 0
    assert len(said.read_text().splitlines()) == 4


@pytest.mark.parametrize(
    ("readiness", "status", "body"),
    [
        (Readiness(True, {"a": 1}), 200, {"ready": True, "a": 1}),
        (Readiness(False, {"a": "stopped"}), 503, {"ready": False, "a": "stopped"}),
        (
            Readiness(True, {"a": 1}, {"parked": {"a": 2}}),
            200,
            {"ready": True, "degraded": {"parked": {"a": 2}}, "a": 1},
        ),
    ],
)
def test_a_degraded_process_is_ready_and_says_what_to_look_at(
    readiness: Readiness, status: int, body: dict[str, object]
) -> None:
    port = free_port()
    stop = serve_metrics(port, lambda: readiness)
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/ready", trust_env=False)
        assert (answer.status_code, answer.json()) == (status, body)
    finally:
        stop()
