"""A headless Chromium: the machine's, else Debian's, else the one that Playwright downloads."""

import os
import shutil
import sys

from tests.ws_fanout.socket_io.machine_cache import NotInstalled, do, one_at_a_time

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PACKAGE = "chromium-headless-shell"


def chromium() -> str | None:
    """Return the browser's path, and install one where there is none; None is Playwright's own.

    Raises:
        NotInstalled: there is none, and none can be had.
    """
    with one_at_a_time():
        found = _of_machine()
        if found is not None:
            return found
        try:
            _install_by_apt()
        except NotInstalled as not_by_apt:
            try:
                do([sys.executable, "-m", "playwright", "install", _PACKAGE])
            except NotInstalled as not_by_playwright:
                raise NotInstalled(f"{not_by_apt}; {not_by_playwright}") from not_by_playwright
        return _of_machine()


def _of_machine() -> str | None:
    return next((found for name in _NAMES if (found := shutil.which(name)) is not None), None)


def _install_by_apt() -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NotInstalled("only root installs Debian's Chromium")
    do(["apt-get", "update"])
    do(
        [
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "install",
            "-y",
            "--no-install-recommends",
            _PACKAGE,
        ]
    )
