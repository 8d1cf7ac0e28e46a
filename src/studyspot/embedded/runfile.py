"""run.json, in which `up` tells the other commands of its home what runs where; and the lock of a home."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from studyspot.embedded.errors import HomeInUse, StartFailed, cannot_write
from studyspot.embedded.identity import ProcessIdentity, identify
from studyspot.embedded.private_files import write_private

FILE = "run.json"
LOCK = "lock"


class ServiceEntry(BaseModel):
    """One child of `up`: how it reaches NATS, as its own user, and where it serves /ready and /metrics."""

    model_config = ConfigDict(frozen=True)

    nats_url: str | None = None
    metrics_port: int | None = None


class RunFile(BaseModel):
    """What `up` runs; `settings` are defaults of every command's settings, by their field names."""

    model_config = ConfigDict(frozen=True)

    pid: int
    started: str
    settings: dict[str, JsonValue]
    services: dict[str, ServiceEntry]
    postgres_data: Path | None = None

    def is_running(self) -> bool:
        """Say whether the `up` that wrote this still runs."""
        return ProcessIdentity(self.pid, self.started).is_alive()


def write_run_file(
    home: Path,
    *,
    settings: dict[str, JsonValue],
    services: dict[str, ServiceEntry],
    postgres_data: Path | None = None,
) -> RunFile:
    """Write `home`/run.json for this process, mode 0600, replacing an older one as a whole.

    Raises:
        DiskFull, StartFailed: it cannot be written.
    """
    myself = identify(os.getpid())
    assert myself is not None
    run_file = RunFile(
        pid=myself.pid,
        started=myself.started,
        settings=settings,
        services=services,
        postgres_data=postgres_data,
    )
    try:
        write_private(home / FILE, run_file.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise cannot_write(home / FILE, error) from error
    return run_file


def read_run_file(home: Path) -> RunFile | None:
    """Return what `home`/run.json says, or None where `up` has never run.

    Raises:
        StartFailed: it is not a run file.
    """
    path = home / FILE
    try:
        return RunFile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise StartFailed(f"{path} is damaged.", "Remove it, and start `studyspot up` again.") from error


@contextmanager
def locked_home(home: Path) -> Iterator[None]:
    """Hold `home` for this process alone, as long as the context (or the process) lives.

    Raises:
        HomeInUse: another process holds it.
        DiskFull, StartFailed: the folder cannot be made or written.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        file = (home / LOCK).open("a+")
    except OSError as error:
        raise cannot_write(home, error) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise HomeInUse(
                f"StudySpot already runs on {home} (process {holder}).",
                "Stop it, or set STUDYSPOT_HOME to another folder.",
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
