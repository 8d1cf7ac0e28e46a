"""A reverse proxy of the machine's own, Caddy or nginx, as a child of `up`: API and sockets at one port."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from studyspot.embedded.errors import StartFailed, cannot_write
from studyspot.embedded.ports import LOOPBACK
from studyspot.embedded.private_files import write_private
from studyspot.embedded.proxy_files import caddy_files, nginx_files
from studyspot.embedded.supervisor import ChildSpec

Kind = Literal["caddy", "nginx"]
KINDS: tuple[Kind, ...] = ("caddy", "nginx")

CHECK_LIMIT = timedelta(seconds=20)
_BESIDE_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where Debian has nginx, which only root's PATH names."""


@dataclass(frozen=True, slots=True)
class InstalledProxy:
    """A reverse proxy that this machine has."""

    kind: Kind
    program: Path


def installed_proxy(kinds: Sequence[Kind] = KINDS) -> InstalledProxy | None:
    """Return the first of `kinds` that is installed."""
    places = os.pathsep.join((os.environ.get("PATH", os.defpath), *_BESIDE_PATH))
    for kind in kinds:
        if (program := shutil.which(kind, path=places)) is not None:
            return InstalledProxy(kind, Path(program).absolute())
    return None


def proxy_child(proxy: InstalledProxy, home: Path, *, port: int, api: str, fanout: str) -> ChildSpec:
    """Return how the proxy is run at a port of the loopback address; its files are written and tried.

    `api` and `fanout` are where those listen, as `host:port`.

    Raises:
        StartFailed: it does not take what we tell it.
        DiskFull: there is no room.
    """
    folder = home.absolute() / "proxy"
    make = nginx_files if proxy.kind == "nginx" else caddy_files
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in make(port, api=api, fanout=fanout).items():
            write_private(folder / name, text)
    except OSError as error:
        raise cannot_write(folder, error) from error
    # It serves foreign requests: of what we know it is told nothing, and it has a home of its own.
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    check, run = _commands(proxy, folder)
    _require_taken(proxy, check, environment, folder)
    return ChildSpec(
        name="proxy",
        argv=run,
        environment=environment,
        ready_url=f"http://{LOOPBACK}:{port}/api/health",
    )


def _commands(proxy: InstalledProxy, folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return how the files are checked, and how the proxy is run."""
    program = str(proxy.program)
    if proxy.kind == "nginx":
        run = (program, "-p", str(folder), "-c", str(folder / "nginx.conf"))
        return (*run, "-t"), run
    told = ("--config", str(folder / "Caddyfile"), "--adapter", "caddyfile")
    return (program, "validate", *told), (program, "run", *told)


def _require_taken(
    proxy: InstalledProxy, check: Sequence[str], environment: dict[str, str], folder: Path
) -> None:
    mend = f"Mend {proxy.program}, or set STUDYSPOT_PROXY=none."
    try:
        done = subprocess.run(  # noqa: S603
            check,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=CHECK_LIMIT.total_seconds(),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StartFailed(f"{proxy.kind} cannot be run: {error}.", mend) from error
    if done.returncode:
        said = done.stdout.decode(errors="replace").strip().splitlines()
        raise StartFailed(f"{proxy.kind} does not take its files: {said[-1] if said else 'no word'}.", mend)
