"""The proxy that `up` runs beside its processes, where the machine has one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from studyspot.console.faults import Fault
from studyspot.console.listening import authority
from studyspot.embedded.errors import StartFailed
from studyspot.embedded.ports import LOOPBACK, free_port, is_free
from studyspot.embedded.proxy import KINDS, Kind, installed_proxy, proxy_child
from studyspot.embedded.supervisor import ChildSpec
from studyspot.settings import Settings

_HOW = "To have API and sockets at one port, install Caddy or nginx, and start again: docs/one-origin.md."


@dataclass(frozen=True, slots=True)
class OneOrigin:
    """A proxy to run: `origins` are what pages of it may be called, the first of them its own URL."""

    child: ChildSpec
    origins: tuple[str, ...]

    @property
    def url(self) -> str:
        return self.origins[0]


@dataclass(frozen=True, slots=True)
class NoProxy:
    """There is none to run; `reason` is a line for people."""

    reason: str


def one_origin(settings: Settings, home: Path) -> OneOrigin | NoProxy | None:
    """Return the proxy to run, or why there is none; nothing where none is wanted.

    Raises:
        Fault, EngineError: it was asked for by name, and cannot be had.
    """
    match settings.proxy:
        case "none":
            return None
        case "auto":
            try:
                return _found(KINDS, settings, home) or NoProxy(_HOW)
            except (Fault, StartFailed) as error:
                return NoProxy(f"No port for API and sockets together: {error}")
        case kind:
            found = _found((kind,), settings, home)
            if found is None:
                raise Fault(f"{kind} is not installed.", "Install it, or leave out STUDYSPOT_PROXY.")
            return found


def _found(kinds: Sequence[Kind], settings: Settings, home: Path) -> OneOrigin | None:
    proxy = installed_proxy(kinds)
    if proxy is None:
        return None
    port = _port(settings)
    child = proxy_child(
        proxy,
        home,
        port=port,
        api=authority(_reached_at(settings.api_host), settings.api_port),
        fanout=authority(_reached_at(settings.fanout_host), settings.fanout_port),
    )
    return OneOrigin(child, (f"http://{LOOPBACK}:{port}", f"http://localhost:{port}"))


def _port(settings: Settings) -> int:
    port = settings.proxy_port or free_port()
    if port in (settings.api_port, settings.fanout_port) or not is_free(port):
        raise Fault(f"Port {port} is taken.", "Stop what listens there, or set STUDYSPOT_PROXY_PORT.")
    return port


def _reached_at(host: str) -> str:
    """Return where a process is reached that may listen at all addresses."""
    return {"0.0.0.0": LOOPBACK, "::": "::1", "": LOOPBACK}.get(host, host)  # noqa: S104 - none is bound
