"""The HTTP process: commands, queries, and what a client needs to find and trust us."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from importlib.metadata import version
from typing import Any

import structlog
import uvicorn
from fastapi import Depends, FastAPI
from psycopg_pool import AsyncConnectionPool
from starlette.routing import BaseRoute

from studyspot.access.access_tokens import AccessTokens
from studyspot.access.accounts import Accounts
from studyspot.access.calendar_keys import CalendarKeys
from studyspot.access.desk_codes import DeskCodes
from studyspot.access.devices import Devices
from studyspot.access.erasure import Erasure
from studyspot.access.invitation_codes import InvitationCodes
from studyspot.access.invitations import Invitations
from studyspot.access.muted import MutedKinds
from studyspot.access.passwords import Passwords
from studyspot.access.private_texts import PrivateTexts
from studyspot.access.quotes import Quotes
from studyspot.access.server_secrets import ServerSecrets
from studyspot.access.sessions import Sessions
from studyspot.access.sign_in_limits import SignInLimits
from studyspot.access.tokens import Verifier
from studyspot.commands import affected as affected_resolved
from studyspot.commands import announcements as announcing
from studyspot.commands import (
    attendance,
    auth,
    bookings,
    calendar,
    history,
    holds,
    libraries,
    library_settings,
    notices,
    payments,
    people,
    quotes,
    rescheduling,
    retirement,
    seats,
    series,
    waitlist,
)
from studyspot.commands import staff as hiring
from studyspot.commands.alternatives import Alternatives
from studyspot.commands.changing_people import ChangingPeople
from studyspot.commands.names import NameBook
from studyspot.commands.registering import Registrar
from studyspot.commands.signing_in import SignIn
from studyspot.commands.turns import Turns
from studyspot.decisions.barred import Barred
from studyspot.decisions.clock import Clock, system_clock
from studyspot.decisions.run import Decisions
from studyspot.event_store.store import EventStore
from studyspot.projections.queries import (
    affected,
    announcements,
    audit,
    booking_counts,
    library_stats,
    notifications,
    seat_map,
    staff,
)
from studyspot.projections.queries import bookings as bookings_read
from studyspot.projections.queries import calendar as calendar_read
from studyspot.projections.queries import libraries as libraries_read
from studyspot.projections.queries import people as people_read
from studyspot.projections.queries import waitlist as waitlist_read
from studyspot.projections.queries.free_seats import FreeSeats
from studyspot.projections.queries.reading import Queries
from studyspot.projections.queries.students_of import StudentsOf
from studyspot.telemetry import Readiness, serve_metrics
from studyspot.wire import service
from studyspot.wire.authorisation import authorise, require_policy
from studyspot.wire.errors import BodyLimit, answer_with_problems
from studyspot.wire.openapi import describe
from studyspot.wire.rate_limit import Rate, RateLimit
from studyspot.wire.service import Addresses, readiness

log = structlog.get_logger()

BACKLOG = 4096
"""With fewer, a storm of connects waits for SYN retries."""
GRACE = timedelta(seconds=8)
"""How long requests that have begun may take after SIGTERM."""
KEEP_ALIVE = timedelta(seconds=75)
"""Longer than clients and proxies keep idle connections: else a request may meet one that is being closed."""
_POOL_WAIT = timedelta(seconds=2)
_CONNECT_WITHIN = timedelta(seconds=2)
_CONNECTIONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiConfig:
    """What the process is told."""

    database_url: str
    nats_url: str
    verifier: Verifier
    secrets: ServerSecrets
    access_tokens: AccessTokens
    allowed_origins: tuple[str, ...] = ()
    fanout_url: str
    public_url: str | None = None
    rate: Rate = field(default_factory=Rate)
    trusted_proxies: tuple[str, ...] = ()
    clock: Clock = system_clock


def create_app(config: ApiConfig) -> FastAPI:
    """Return the HTTP application; its connections open with its lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        store = EventStore(config.database_url)
        pool = AsyncConnectionPool(
            config.database_url,
            min_size=1,
            max_size=_CONNECTIONS,
            timeout=_POOL_WAIT.total_seconds(),
            # Give up soon and try again when asked: the pool's own retries back off for minutes.
            reconnect_timeout=_CONNECT_WITHIN.total_seconds(),
            open=False,
            kwargs={"autocommit": True, "connect_timeout": int(_CONNECT_WITHIN.total_seconds())},
        )
        queries = Queries(pool, config.database_url, store, config.clock)
        erasure, barred = Erasure(pool), Barred(store)
        names = NameBook(config.nats_url, erasure)
        decisions, finder = Decisions(store), FreeSeats(queries)
        app.state.store = store
        app.state.verifier = config.verifier
        app.state.clock = config.clock
        app.state.decisions = decisions
        app.state.quotes = Quotes(config.secrets)
        app.state.desk_codes = DeskCodes(config.secrets)
        app.state.finder = finder
        app.state.turns = Turns()
        app.state.alternatives = Alternatives(decisions, finder)
        app.state.calendar_keys = CalendarKeys(pool)
        app.state.private_texts = PrivateTexts(pool)
        app.state.muted = MutedKinds(pool)
        app.state.students = StudentsOf(queries, store)
        app.state.invitations = Invitations(pool)
        app.state.invitation_codes = InvitationCodes(config.secrets)
        app.state.barred = barred
        app.state.names = names
        app.state.queries = queries
        app.state.sign_in = sign_in = _sign_in(config, pool, decisions)
        app.state.people = ChangingPeople(decisions, erasure, sign_in.sessions)
        app.state.allowed_origins = config.allowed_origins
        app.state.addresses = Addresses(config.fanout_url, config.public_url)
        await asyncio.to_thread(store.open)
        try:
            async with pool, queries:
                tasks = [
                    asyncio.create_task(names.run(), name="publish names"),
                    asyncio.create_task(barred.run(), name="follow who is barred"),
                    asyncio.create_task(config.verifier.follow(), name="follow public keys"),
                ]
                for task in tasks:
                    task.add_done_callback(_end_process)
                try:
                    yield
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.wait(tasks)
        finally:
            await asyncio.to_thread(store.close)
            await asyncio.to_thread(sign_in.passwords.close)

    app = FastAPI(
        title="StudySpot",
        version=version("studyspot"),
        description="Seats in study libraries: book them, run them, and see every change at once.",
        lifespan=lifespan,
        redirect_slashes=False,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        routes=list(_routes()),
    )
    app.add_middleware(BodyLimit)
    app.add_middleware(RateLimit, rate=config.rate)
    answer_with_problems(app)
    require_policy(app)
    describe(app)
    return app


@cache
def _routes() -> Sequence[BaseRoute]:
    """Return all that is served, in the order in which it is tried.

    It is the same for every app of a process, and takes a sixth of a second to make.
    """
    everything = FastAPI(dependencies=[Depends(authorise)], openapi_url=None)
    of_libraries = (libraries, library_settings, seats, affected_resolved, retirement)
    of_bookings = (bookings, holds, quotes, series, rescheduling, attendance, payments, history)
    beside_bookings = (waitlist, calendar)
    of_people = (auth, people, hiring)
    of_notices = (notices, announcing)
    # What is asked most comes first: routes are tried one by one.
    for room in (*of_bookings, *of_libraries, *beside_bookings, *of_people, *of_notices):
        everything.include_router(room.router)
    # `/api/bookings/stats` is the id of no booking, so counts come before bookings.
    about_libraries = (libraries_read, seat_map, affected, library_stats)
    about_people = (people_read, notifications, announcements, waitlist_read, staff, audit)
    for read in (*about_libraries, booking_counts, calendar_read, bookings_read, *about_people):
        everything.include_router(read.router)
    everything.include_router(service.router)
    return tuple(everything.routes)


def _sign_in(config: ApiConfig, pool: AsyncConnectionPool, decisions: Decisions) -> SignIn:
    accounts, passwords = Accounts(pool), Passwords()
    return SignIn(
        accounts=accounts,
        passwords=passwords,
        sessions=Sessions(pool, config.secrets),
        devices=Devices(config.secrets),
        limits=SignInLimits(),
        decisions=decisions,
        tokens=config.access_tokens,
        registrar=Registrar(accounts, passwords, decisions),
    )


def _end_process(task: asyncio.Task[None]) -> None:
    """Let the supervisor start a whole process where a part of this one has failed."""
    if not task.cancelled() and task.exception() is not None:
        log.critical("a part of the process failed", task=task.get_name(), exc_info=task.exception())
        signal.raise_signal(signal.SIGTERM)


def serve(config: ApiConfig, *, host: str, port: int, metrics_port: int | None) -> None:
    """Serve until SIGTERM or SIGINT; requests that have begun are finished, within `GRACE`.

    Raises:
        OSError: a port is taken.
    """
    app = create_app(config)
    stop_metrics = None
    if metrics_port is not None:
        stop_metrics = serve_metrics(metrics_port, lambda: _readiness_of(app))
    # What modules and the app are made of stays. To look for garbage in it held all requests for 170 ms.
    gc.freeze()
    try:
        uvicorn.run(
            app,
            host=host,
            port=port,
            loop="uvloop",
            http="httptools",
            ws="none",
            backlog=BACKLOG,
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=int(KEEP_ALIVE.total_seconds()),
            timeout_graceful_shutdown=int(GRACE.total_seconds()),
            **believed_proxies(config.trusted_proxies),
        )
    finally:
        if stop_metrics is not None:
            stop_metrics()


def believed_proxies(trusted: Sequence[str]) -> dict[str, Any]:
    """Return uvicorn's options: whose word it takes for the address of a client.

    Left alone, it believes whoever calls from this machine.
    """
    return {"proxy_headers": bool(trusted), "forwarded_allow_ips": list(trusted)}


def _readiness_of(app: FastAPI) -> Readiness:
    store = getattr(app.state, "store", None)
    return readiness(store) if store is not None else Readiness(False, {"starting": True})
