"""Which process a pid means: a pid alone is given again to strangers, with its start time it is not."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
PS_LIMIT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process: its pid, and its start as the system tells it (text that is only compared)."""

    pid: int
    started: str

    def is_alive(self) -> bool:
        """Say whether this very process still runs (one that ended and awaits its parent does not)."""
        return identify(self.pid) == self


def identify(pid: int) -> ProcessIdentity | None:
    """Return the running process that `pid` now means, or None."""
    started = _started_by_proc(pid) if sys.platform == "linux" else _started_by_ps(pid)
    return None if started is None else ProcessIdentity(pid, started)


def processes_in(directory: Path) -> tuple[ProcessIdentity, ...]:
    """Return the running processes whose working directory is `directory` (none where there is no /proc)."""
    wanted = directory.resolve()
    found = []
    for entry in PROC.glob("[0-9]*"):
        try:
            inside = (entry / "cwd").readlink() == wanted
        except OSError:  # It ended meanwhile, or belongs to another user.
            continue
        if inside and (identity := identify(int(entry.name))) is not None:
            found.append(identity)
    return tuple(found)


def _started_by_proc(pid: int) -> str | None:
    try:
        status = (PROC / str(pid) / "stat").read_text()
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in brackets, may hold spaces; what follows it begins with the state (field 3).
    fields = status.rpartition(")")[2].split()
    state, ticks_since_boot = fields[0], fields[19]
    return None if state in "ZX" else f"{boot}+{ticks_since_boot}"


def _started_by_ps(pid: int) -> str | None:
    answer = subprocess.run(  # noqa: S603
        ["/bin/ps", "-o", "state=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        timeout=PS_LIMIT_SECONDS,
        check=False,
    )
    state, _, started = answer.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else started.strip()
