"""`studyspot up`: one command that runs it all."""

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from pydantic import JsonValue

from studyspot.access.key_folder import KeyFolder
from studyspot.access.keys import SigningKey
from studyspot.console.children import SERVICES, child
from studyspot.console.faults import Fault
from studyspot.console.listening import authority
from studyspot.console.migrate import migrate
from studyspot.console.one_origin import NoProxy, OneOrigin, one_origin
from studyspot.console.output import print_line
from studyspot.embedded.errors import EngineError, cannot_write
from studyspot.embedded.nats import EmbeddedNats
from studyspot.embedded.ports import LOOPBACK, free_port, is_free
from studyspot.embedded.postgres import EmbeddedPostgres
from studyspot.embedded.runfile import ServiceEntry, locked_home, write_run_file
from studyspot.embedded.supervisor import Engine, supervised
from studyspot.settings import OwnSettings
from studyspot.telemetry import configure_logging

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class Engines:
    """The database and the broker that this installation uses, and those of them that are its own."""

    database_url: str
    nats_urls: dict[str, str]
    own: tuple[Engine, ...]
    postgres_data: Path | None


def run_up(seed_demo: bool) -> None:
    """Run the whole installation until SIGTERM or Ctrl-C, with sample data in it where they are asked for.

    Raises:
        Fault, EngineError: one line says what is missing and how to mend it.
    """
    # An older run.json describes what ran then, and is about to be written anew.
    settings = OwnSettings()
    configure_logging(settings.log_level, "console" if sys.stderr.isatty() else settings.log_format)
    home = settings.home.absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
        with locked_home(home):
            _require_free(settings)
            origin = one_origin(settings, home)
            with _stopped_by_signals() as stop, _engines(settings, home, stop) as engines:
                migrate(engines.database_url, engines.nats_urls["admin"])
                if seed_demo:
                    # Before the policies run: to them, most of it would be overdue.
                    _seed(engines)
                    stop.obey()
                asyncio.run(_serve(settings, home, engines, origin, stop))
    except OSError as error:
        raise cannot_write(home, error) from error


def _seed(engines: Engines) -> None:
    from studyspot.console.sample.seed import seed, told

    try:
        seeded = asyncio.run(seed(engines.database_url, engines.nats_urls["admin"], datetime.now(UTC)))
    except Fault as fault:
        # What is there already is no reason not to run it.
        print_line(f"no sample data: {fault}")
        return
    for line in told(seeded):
        print_line(line)


class _Stop:
    """Whether SIGTERM or Ctrl-C has asked us to stop.

    It is looked at between the steps of the start: an exception out of a signal's handler may be raised
    while a process is being started, which nobody would know of then.
    """

    def __init__(self) -> None:
        self.asked = False

    def ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True

    def obey(self) -> None:
        """Leave, if we were asked to: what was begun is ended on the way out, and it is no failure."""
        if self.asked:
            sys.exit(0)


@contextmanager
def _stopped_by_signals() -> Iterator[_Stop]:
    stop = _Stop()
    before = {number: signal.signal(number, stop.ask) for number in STOP_SIGNALS}
    try:
        yield stop
    except EngineError:
        # A Ctrl-C at the terminal also reaches what we were waiting for.
        stop.obey()
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _require_free(settings: OwnSettings) -> None:
    for port, variable in ((settings.api_port, "API_PORT"), (settings.fanout_port, "FANOUT_PORT")):
        if not is_free(port):
            raise Fault(f"Port {port} is taken.", f"Stop what listens there, or set STUDYSPOT_{variable}.")


@contextmanager
def _engines(settings: OwnSettings, home: Path, stop: _Stop) -> Iterator[Engines]:
    """Start the engines that no URL points elsewhere; stop them at the end."""
    postgres = EmbeddedPostgres(home) if settings.database_url is None else None
    nats = EmbeddedNats(home) if settings.nats_url is None else None
    own: tuple[Engine, ...] = tuple(engine for engine in (postgres, nats) if engine is not None)
    try:
        database = postgres.start() if postgres else str(settings.database_url)
        stop.obey()
        urls = asdict(nats.start()) if nats else dict.fromkeys((*SERVICES, "admin"), str(settings.nats_url))
        stop.obey()
        yield Engines(database, urls, own, postgres.data_directory() if postgres else None)
    finally:
        for engine in reversed(own):
            engine.stop()


async def _serve(
    settings: OwnSettings, home: Path, engines: Engines, origin: OneOrigin | NoProxy | None, stop: _Stop
) -> None:
    signing, public = _keys(settings, home)
    proxy = origin if isinstance(origin, OneOrigin) else None
    trusted, origins = settings.trusted_proxies, settings.allowed_origins
    if proxy is not None:
        trusted, origins = (*trusted, LOOPBACK), (*origins, *proxy.origins)
    known: dict[str, JsonValue] = {
        "database_url": engines.database_url,
        "nats_url": engines.nats_urls["admin"],
        "signing_key": str(signing),
        "jwks": ",".join((str(public), *settings.jwks)),
        "api_host": settings.api_host,
        "api_port": settings.api_port,
        "fanout_host": settings.fanout_host,
        "fanout_port": settings.fanout_port,
        "token_issuer": settings.token_issuer,
        "token_audience": settings.token_audience,
        "external_issuer": settings.external_issuer,
        "external_jwks": settings.external_jwks,
        "external_audience": settings.external_audience,
        "role_claim": settings.role_claim,
        "rate_limit_burst": settings.rate_limit_burst,
        "rate_limit_per_second": settings.rate_limit_per_second,
        "trusted_proxies": ",".join(trusted),
        "public_url": settings.public_url or (proxy.url if proxy is not None else None),
        # None at all is a lone comma: an empty variable would mean the default.
        "allowed_origins": ",".join(origins) or ",",
    }
    services = {
        name: ServiceEntry(nats_url=engines.nats_urls[name], metrics_port=free_port()) for name in SERVICES
    }
    write_run_file(home, settings=known, services=services, postgres_data=engines.postgres_data)
    specs = [child(name, services[name], known, settings) for name in SERVICES]
    if proxy is not None:
        specs.append(proxy.child)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stopped.set)
    stop.obey()
    async with supervised(home, engines.own, specs):
        api = f"http://{authority(settings.api_host, settings.api_port)}"
        fanout = f"ws://{authority(settings.fanout_host, settings.fanout_port)}"
        both = f"  {proxy.url} (both)" if proxy is not None else ""
        print(f"ready  {api}  {fanout}{both}", flush=True)  # noqa: T201 - what `up` promises
        if isinstance(origin, NoProxy):
            print_line(origin.reason)
        await stopped.wait()


def _keys(settings: OwnSettings, home: Path) -> tuple[Path, Path]:
    """Return the files of the private key and of the public ones that are accepted, made at the first start.

    Raises:
        Fault: the keys cannot be used.
    """
    folder = KeyFolder(home / "keys")
    try:
        if settings.signing_key is None:
            folder.open(datetime.now(UTC))
            return folder.private, folder.public
        key = SigningKey.load(settings.signing_key)
        public = home / "keys" / "given.json"
        public.parent.mkdir(mode=0o700, exist_ok=True)
        public.write_text(json.dumps(key.jwks()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Fault(f"The keys cannot be used: {error}.", "Check STUDYSPOT_SIGNING_KEY.") from error
    return settings.signing_key, public
