"""What tests install on a machine: once, by whichever process comes first, and kept for later runs."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

_INSTALL_SECONDS = 300
_TOLD_CHARACTERS = 500


class NotInstalled(Exception):
    """Something cannot be had on this machine; the message says why."""


def installed(name: str, install: Callable[[Path], None]) -> Path:
    """Return the folder `name` of the cache, which `install` fills when it is first asked for.

    Raises:
        NotInstalled: it cannot be filled.
    """
    folder = _home() / name
    with one_at_a_time():
        if not folder.exists():
            # Beside it first: an installation that was cut off is none.
            beginning = folder.with_suffix(".beginning")
            shutil.rmtree(beginning, ignore_errors=True)
            beginning.mkdir()
            install(beginning)
            beginning.rename(folder)
    return folder


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Install inside; other processes wait meanwhile."""
    home = _home()
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def do(argv: Sequence[str], folder: Path | None = None) -> None:
    """Run a step of an installation.

    Raises:
        NotInstalled: there is no such program, it fails, or takes too long.
    """
    try:
        done = subprocess.run(
            argv, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=_INSTALL_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(f"{' '.join(argv)}: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace")[-_TOLD_CHARACTERS:].strip()
        raise NotInstalled(f"{' '.join(argv)}: {said or done.returncode}")


def go_without(error: NotInstalled) -> NoReturn:
    """Leave tests out, and say why; where every test counts, they fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"not to be had on this machine: {error}", pytrace=False)
    pytest.skip(f"NOT TESTED, as it is not to be had on this machine: {error}")


def _home() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "studyspot-tests"
