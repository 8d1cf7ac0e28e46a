"""A PostgreSQL data directory of our own: where it lies, its passwords, and how it is made."""

import json
import secrets
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from studyspot.embedded.errors import DiskFull, StartFailed
from studyspot.embedded.postgres_binaries import system_state
from studyspot.embedded.private_files import write_private
from studyspot.embedded.system_user import SystemUser

SUPERUSER = "postgres"
INITIALISE_LIMIT = timedelta(seconds=120)
NEEDED_BYTES = 128 * 1024 * 1024
# Nothing of the caller's environment (PGDATA, PGPORT, a locale) may change what the programs do.
ENVIRONMENT: Mapping[str, str] = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A data directory: `place` belongs to the user that runs PostgreSQL and holds `data`."""

    place: str
    superuser_password: str
    password: str

    @property
    def data(self) -> Path:
        return Path(self.place) / "data"


def open_cluster(home: Path, programs: Path, user: SystemUser | None) -> Cluster:
    """Return the cluster of `home`, made now if it has none.

    Raises:
        DiskFull: there is no room for it.
        StartFailed: it cannot be made, or its data are gone.
    """
    record = home / "postgres.json"
    if record.exists():
        cluster = _read(record)
    else:
        place = _choose_place(home, user)
        cluster = Cluster(str(place), secrets.token_urlsafe(24), secrets.token_urlsafe(24))
        write_private(record, json.dumps(asdict(cluster)))
    if cluster.data.exists():
        return cluster
    if (home / "postgres.made").exists():
        raise StartFailed(
            f"The database's files, {cluster.data}, are gone.",
            f"Restore them, or remove {home} to begin with nothing.",
        )
    _initialise(cluster, programs, user)
    (home / "postgres.made").touch()
    return cluster


def remove_cluster(home: Path) -> None:
    """Delete the cluster of `home` for ever; the server must have been stopped."""
    record = home / "postgres.json"
    if record.exists():
        shutil.rmtree(_read(record).place, ignore_errors=True)
        record.unlink()
        (home / "postgres.made").unlink(missing_ok=True)


def _read(record: Path) -> Cluster:
    try:
        return Cluster(**json.loads(record.read_text()))
    except (ValueError, TypeError) as error:
        raise StartFailed(
            f"{record} is damaged: {error}.", "Restore it: it holds the database's place and passwords."
        ) from error


def _choose_place(home: Path, user: SystemUser | None) -> Path:
    if user is None or user.can_search(home):
        return home / "postgres"
    # Random, not derived from the home's path: a later home at that path must not get this one's data.
    return system_state() / uuid.uuid4().hex


def _initialise(cluster: Cluster, programs: Path, user: SystemUser | None) -> None:
    place = Path(cluster.place)
    unfinished = place / "unfinished"
    password_file = place / "password"
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        _require_room(place)
        shutil.rmtree(unfinished, ignore_errors=True)
        write_private(password_file, cluster.superuser_password)
        if user is not None:
            shutil.chown(place, user.uid, user.gid)
            shutil.chown(password_file, user.uid, user.gid)
        _run_initdb(programs, unfinished, password_file, user)
        # Only a complete data directory has the name, so a crash halfway is begun again.
        unfinished.rename(cluster.data)
    except OSError as error:
        raise StartFailed(
            f"The database's files cannot be made in {place}: {error.strerror}.",
            "Check the disk and its permissions.",
        ) from error
    finally:
        password_file.unlink(missing_ok=True)


def _require_room(place: Path) -> None:
    free = shutil.disk_usage(place).free
    if free < NEEDED_BYTES:
        raise DiskFull(
            f"Only {free // 2**20} MB are free in {place}.",
            f"Free {NEEDED_BYTES // 2**20} MB, or set STUDYSPOT_HOME to another disk.",
        )


def _run_initdb(programs: Path, data: Path, password_file: Path, user: SystemUser | None) -> None:
    argv = [
        str(programs / "initdb"),
        f"--pgdata={data}",
        f"--username={SUPERUSER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
    ]
    try:
        result = subprocess.run(  # noqa: S603
            argv,
            cwd=data.parent,
            env=dict(ENVIRONMENT),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=INITIALISE_LIMIT.total_seconds(),
            check=False,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
        )
    except (subprocess.SubprocessError, OSError) as error:
        raise StartFailed(f"initdb cannot be run: {error}.", f"Check {argv[0]}.") from error
    if result.returncode != 0:
        said = " | ".join(result.stdout.decode(errors="replace").strip().splitlines()[-3:])
        if "No space left" in said:
            raise DiskFull(f"The disk of {data.parent} is full.", "Free some space there.")
        raise StartFailed(f"initdb failed: {said}.", f"Mend that, or remove {data.parent}.")
