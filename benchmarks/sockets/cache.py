"""Where peers are installed: a folder of the user's, outside the repository, kept from run to run."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_INSTALL_SECONDS = 300


class PeerMissing(Exception):
    """A peer cannot be had on this machine; the message says why."""


def installed(name: str, install: Callable[[Path], None]) -> Path:
    """Return the folder of a peer, which `install` fills when it is first asked for.

    Raises:
        PeerMissing: it cannot be installed.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "studyspot-benchmarks"
    folder = home / name
    if not folder.exists():
        # Beside it first: an installation that was cut off is none.
        beginning = home / f"{name}.{os.getpid()}"
        beginning.mkdir(parents=True)
        try:
            install(beginning)
            beginning.rename(folder)
        except OSError as error:
            if not folder.exists():
                raise PeerMissing(f"{name} cannot be installed: {error}") from error
        finally:
            shutil.rmtree(beginning, ignore_errors=True)
    return folder


def do(argv: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> None:
    """Run a step of an installation.

    Raises:
        PeerMissing: there is no such program, it fails, or takes too long.
    """
    try:
        done = subprocess.run(
            argv, cwd=folder, env=environment, capture_output=True, timeout=_INSTALL_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerMissing(f"{' '.join(argv)}: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        raise PeerMissing(f"{' '.join(argv)}: {said[-1] if said else done.returncode}")
