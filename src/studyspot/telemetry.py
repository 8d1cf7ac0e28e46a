"""What a process tells about itself: logs, metrics, traces, and whether it is ready."""

import json
import logging
import re
import secrets
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from typing import Any, TextIO
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter, make_wsgi_app

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

_unwritten = Counter("studyspot_log_lines_unwritten", "Log lines that standard error did not take")


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a process can do its work now; `details` says what each dependency answers.

    `degraded` says what an operator should look at meanwhile, though the process does its work.
    """

    ready: bool
    details: dict[str, Any] = field(default_factory=dict)
    degraded: dict[str, Any] = field(default_factory=dict)


class _Lines:
    """Writes lines, and counts those that a full disk does not take: work never ends for want of a log."""

    def __init__(self, stream: TextIO) -> None:
        self._lines = structlog.PrintLogger(stream)

    def msg(self, line: str) -> None:
        try:
            self._lines.msg(line)
        except OSError:
            _unwritten.inc()

    debug = info = warning = error = critical = msg


class _LinesOfLibraries(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class names it so
        """Count a line that was not written; its traceback would not be written either."""
        if isinstance(sys.exc_info()[1], OSError):
            _unwritten.inc()
        else:
            super().handleError(record)


def configure_logging(level: str, form: str) -> None:
    """Log to standard error, one line an event; what it does not take is counted and forgotten."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    lines = _Lines(sys.stderr)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    threshold = getattr(logging, level.upper())
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    # Libraries log through the standard module; theirs come out in the same form.
    handler = _LinesOfLibraries(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=max(threshold, logging.WARNING), force=True)


def trace_of(header: str | None) -> str:
    """Return the caller's W3C traceparent where it is one, else the beginning of a new trace."""
    if header is not None and _TRACEPARENT.fullmatch(header):
        return header
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Scrapes are not worth a line."""


def serve_metrics(
    port: int,
    readiness: Callable[[], Readiness],
    *,
    registry: CollectorRegistry = REGISTRY,
    health: Callable[[], dict[str, Any]] = dict,
) -> Callable[[], None]:
    """Serve /metrics, /health and /ready on a loopback port from a thread; return what stops it.

    `health` says more about a process that is alive; neither it nor `readiness` may wait for anything.

    Raises:
        OSError: the port is taken.
    """
    metrics = make_wsgi_app(registry)

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path == "/metrics":
            found: Iterable[bytes] = metrics(environ, start_response)
            return found
        if path == "/health":
            return _json(start_response, "200 OK", {"status": "alive", **health()})
        if path == "/ready":
            now = readiness()
            status = "200 OK" if now.ready else "503 Service Unavailable"
            degraded = {"degraded": now.degraded} if now.degraded else {}
            return _json(start_response, status, {"ready": now.ready, **degraded, **now.details})
        return _json(start_response, "404 Not Found", {"status": "there is nothing here"})

    server = make_server("127.0.0.1", port, answer, server_class=_Server, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        server.server_close()

    return stop


def _json(start_response: Callable[..., Any], status: str, body: dict[str, Any]) -> list[bytes]:
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(body, default=str).encode()]
