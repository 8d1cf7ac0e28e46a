"""The processes: each reads its settings, waits for what it depends on, and runs until SIGTERM or Ctrl-C.

With `environment_only` it knows no more than it is given, as the children of `up` do.
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import structlog
import uvloop

from studyspot.console.faults import Fault
from studyspot.console.installation import begin, database_url, nats_url, signing_key, verifier
from studyspot.console.listening import authority, require_free
from studyspot.settings import Settings
from studyspot.telemetry import Readiness, serve_metrics

log = structlog.get_logger()

_CANCEL_AGAIN = timedelta(milliseconds=500)


def run_api(environment_only: bool) -> None:
    """Serve HTTP."""
    from studyspot.access.access_tokens import AccessTokens
    from studyspot.access.server_secrets import ServerSecrets
    from studyspot.api import ApiConfig, serve
    from studyspot.console.waiting import wait_for_database
    from studyspot.wire.rate_limit import Rate

    settings = begin(environment_only=environment_only)
    database, key = database_url(settings), signing_key(settings)
    config = ApiConfig(
        database_url=database,
        nats_url=nats_url(settings),
        verifier=verifier(settings),
        secrets=ServerSecrets(key),
        access_tokens=AccessTokens(key, settings.token_issuer, settings.token_audience),
        allowed_origins=settings.page_origins,
        fanout_url=_fanout_url(settings),
        public_url=settings.public_url,
        rate=Rate(settings.rate_limit_burst, settings.rate_limit_per_second),
        trusted_proxies=settings.trusted_proxies,
    )
    require_free(settings.api_host, settings.api_port, "STUDYSPOT_API_PORT")
    wait_for_database(database)
    serve(config, host=settings.api_host, port=settings.api_port, metrics_port=settings.metrics_port)


def _fanout_url(settings: Settings) -> str:
    """Return where clients find the sockets."""
    if settings.public_url is not None:
        # http becomes ws, and https wss.
        return "ws" + settings.public_url.removeprefix("http")
    return f"ws://{authority(settings.fanout_host, settings.fanout_port)}"


def run_relay(environment_only: bool) -> None:
    """Relay the store's events to NATS."""
    from prometheus_client import REGISTRY

    from studyspot.console.waiting import wait_for_database, wait_for_nats
    from studyspot.event_store.notifications import HeadSignal
    from studyspot.event_store.store import EventStore
    from studyspot.relay.metrics import RelayMetrics
    from studyspot.relay.relay import Relay

    settings = begin(environment_only=environment_only)
    database, nats = database_url(settings), nats_url(settings)
    wait_for_database(database)

    async def relay() -> None:
        connection = await wait_for_nats(nats, "studyspot-relay")
        with EventStore(database, read_connections=2) as store:
            try:
                async with HeadSignal(database) as head:
                    metrics = RelayMetrics(REGISTRY)
                    await Relay(store, connection, head, metrics=metrics).run()
            finally:
                await connection.close()

    _run(relay, settings, lambda: Readiness(True))


def run_projections(names: list[str], environment_only: bool) -> None:
    """Keep read models up to date."""
    from studyspot.console.waiting import wait_for_database
    from studyspot.projections.app import AllStopped, ProjectionsProcess
    from studyspot.projections.models.registry import UnknownProjection

    settings = begin(environment_only=environment_only)
    database = database_url(settings)
    try:
        process = ProjectionsProcess(database_url=database, nats_url=nats_url(settings), names=names)
    except UnknownProjection as unknown:
        raise Fault(f"{unknown}.", "See `studyspot projections status`.") from unknown
    wait_for_database(database)
    try:
        _run(process.run, settings, process.readiness)
    except AllStopped as stopped:
        raise Fault(f"The projections have stopped: {stopped}.", "Mend what the log names.") from stopped


def run_policies(environment_only: bool) -> None:
    """Keep deadlines, and send notices."""
    from studyspot.console.waiting import wait_for_database
    from studyspot.policies.app import PoliciesProcess

    settings = begin(environment_only=environment_only)
    database = database_url(settings)
    process = PoliciesProcess(database_url=database)
    wait_for_database(database)
    _run(process.run, settings, process.readiness)


def run_fanout(environment_only: bool, workers: int, worker: int | None) -> None:
    """Serve WebSockets; by several workers, or as the given one of them."""
    settings = begin(environment_only=environment_only)
    nats, tokens = nats_url(settings), verifier(settings)
    if worker is None:
        require_free(settings.fanout_host, settings.fanout_port, "STUDYSPOT_FANOUT_PORT")
        if settings.metrics_port is not None:
            require_free("127.0.0.1", settings.metrics_port, "STUDYSPOT_METRICS_PORT")
        if workers > 1:
            from studyspot.console.fanout_parent import run_workers

            run_workers(settings, workers, environment_only=environment_only)
            return
    from studyspot.ws_fanout.app import FanoutConfig, serve
    from studyspot.ws_fanout.worker import channel_to_parent

    config = FanoutConfig(
        nats_url=nats,
        verifier=tokens,
        host=settings.fanout_host,
        port=settings.fanout_port,
        shares_port=worker is not None,
        allowed_origins=settings.page_origins,
        trusted_proxies=settings.trusted_proxies,
    )
    if worker is None:
        serve(config, metrics_port=settings.metrics_port)
        return
    try:
        parent = channel_to_parent()
    except OSError as error:
        raise Fault("This process is no worker of another one.", "Use --workers.") from error
    # The parent answers for it on the port of metrics.
    structlog.contextvars.bind_contextvars(worker=worker)
    serve(config, metrics_port=None, parent=parent)


def _run(
    main: Callable[[], Coroutine[Any, Any, None]], settings: Settings, readiness: Callable[[], Readiness]
) -> None:
    """Run until SIGTERM or SIGINT, which cancel `main` and are no failure."""
    stop_metrics = None
    if settings.metrics_port is not None:
        require_free("127.0.0.1", settings.metrics_port, "STUDYSPOT_METRICS_PORT")
        stop_metrics = serve_metrics(settings.metrics_port, readiness)
    try:
        uvloop.run(_until_signalled(main))
    finally:
        if stop_metrics is not None:
            stop_metrics()


async def _until_signalled(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    running = asyncio.ensure_future(main())
    waiting = asyncio.ensure_future(stopped.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    while not running.done():
        # Again and again: a wait of Python 3.11 can lose a cancellation that comes together with its result.
        running.cancel()
        await asyncio.wait({running}, timeout=_CANCEL_AGAIN.total_seconds())
    if running.cancelled():
        log.info("stopped")
    else:
        running.result()
