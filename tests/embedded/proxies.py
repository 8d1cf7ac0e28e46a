"""The real nginx and Caddy: the machine's, else Debian's, unpacked into a folder that is kept."""

from pathlib import Path

from studyspot.embedded.proxy import InstalledProxy, Kind, installed_proxy
from tests.ws_fanout.socket_io.machine_cache import NotInstalled, do, go_without, installed

_PROGRAMS: dict[Kind, str] = {"caddy": "usr/bin/caddy", "nginx": "usr/sbin/nginx"}


def a_proxy(kind: Kind) -> InstalledProxy:
    """Return the machine's, or Debian's; where there is none, tests that ask for it are left out."""
    if (found := installed_proxy((kind,))) is not None:
        return found

    def unpack(folder: Path) -> None:
        try:
            do(["apt-get", "download", kind], folder)
        except NotInstalled:
            # Nobody has asked yet what there is; root may.
            do(["apt-get", "update"])
            do(["apt-get", "download", kind], folder)
        for package in folder.glob("*.deb"):
            do(["dpkg", "--extract", str(package), str(folder)])

    try:
        return InstalledProxy(kind, installed(f"debian-{kind}", unpack) / _PROGRAMS[kind])
    except NotInstalled as error:
        go_without(error)
