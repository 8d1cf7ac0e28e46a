"""A PostgreSQL data directory of our own: where it lies, its passwords, and how it is made."""

import json
import secrets
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path

from studyspot.embedded.errors import DiskFull, StartFailed
from studyspot.embedded.postgres_binaries import make_passable
from studyspot.embedded.private_files import write_private
from studyspot.embedded.system_user import SystemUser

SUPERUSER = "postgres"
RECORD = "postgres.json"
INITIALISE_LIMIT = timedelta(seconds=120)
NEEDED_BYTES = 128 * 1024 * 1024
# Nothing of the caller's environment (PGDATA, PGPORT, a locale) may change what the programs do.
ENVIRONMENT: Mapping[str, str] = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A data directory: `place` belongs to the user that runs PostgreSQL; it holds `data` once `made`."""

    place: str
    superuser_password: str
    password: str
    made: bool = False

    @property
    def data(self) -> Path:
        return Path(self.place) / "data"

    def owner(self, otherwise: SystemUser | None) -> SystemUser | None:
        """Return who runs the server: the user whose data these are, or `otherwise` while there are none."""
        if otherwise is None or not self.made:  # Not root, or the first start.
            return otherwise
        status = Path(self.place).stat()
        return SystemUser(status.st_uid, status.st_gid)


def open_cluster(home: Path, user: SystemUser | None, system_state: Path) -> Cluster:
    """Return the cluster that `home` records; a new record is made if it has none, for `user` to run.

    Raises:
        StartFailed: the record is damaged, or its data are gone.
    """
    if not (home / RECORD).exists():
        place = _choose_place(home, user, system_state)
        return _record(home, Cluster(str(place), secrets.token_urlsafe(24), secrets.token_urlsafe(24)))
    cluster = _read(home)
    # Beginning again in silence would look as if every booking had been lost.
    if cluster.made and not cluster.data.exists():
        raise StartFailed(
            f"The database's files, {cluster.data}, are gone.",
            f"Restore them, or remove {home} to begin with nothing.",
        )
    return cluster


def make_data(home: Path, cluster: Cluster, programs: Path, user: SystemUser | None) -> Cluster:
    """Return `cluster` with its data made, if they were not.

    Raises:
        DiskFull: there is no room for them.
        StartFailed: they cannot be made.
    """
    if cluster.made:
        return cluster
    if not cluster.data.exists():
        _initialise(cluster, programs, user)
    return _record(home, replace(cluster, made=True))


def remove_cluster(home: Path) -> None:
    """Delete the cluster of `home` for ever; the server must have been stopped."""
    if (home / RECORD).exists():
        shutil.rmtree(_read(home).place, ignore_errors=True)
        (home / RECORD).unlink()


def _read(home: Path) -> Cluster:
    record = home / RECORD
    try:
        return Cluster(**json.loads(record.read_text()))
    except (ValueError, TypeError) as error:
        raise StartFailed(
            f"{record} is damaged: {error}.", "Restore it: it holds the database's place and passwords."
        ) from error


def _record(home: Path, cluster: Cluster) -> Cluster:
    write_private(home / RECORD, json.dumps(asdict(cluster)))
    return cluster


def _choose_place(home: Path, user: SystemUser | None, system_state: Path) -> Path:
    if user is None or user.can_search(home):
        return home / "postgres"
    # Random, not derived from the home's path: a later home at that path must not get this one's data.
    return make_passable(system_state) / uuid.uuid4().hex


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
        if "No space left on device" in said:
            raise DiskFull(f"The disk of {data.parent} is full.", "Free some space there.")
        raise StartFailed(f"initdb failed: {said}.", f"Mend that, or remove {data.parent}.")
