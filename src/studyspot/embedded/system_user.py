"""The unprivileged user that PostgreSQL runs as when StudySpot runs as root, and what that user may reach."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from studyspot.embedded.errors import StartFailed

CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class SystemUser:
    """A user of the operating system, by number; member of its own group alone."""

    uid: int
    gid: int

    def can_search(self, directory: Path) -> bool:
        """Say whether this user may reach what lies in `directory`, by mode bits of it and its parents."""
        # Both the way that is written and the one that its links lead along.
        ways = {directory.absolute(), directory.resolve()}
        return all(self._may_search(part) for way in ways for part in (way, *way.parents))

    def _may_search(self, directory: Path) -> bool:
        status = directory.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def unprivileged_user() -> SystemUser | None:
    """Return the user to run PostgreSQL as, or None when this process is not root and needs no other.

    Raises:
        StartFailed: this process is root, and the system has no unprivileged user.
    """
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return SystemUser(entry.pw_uid, entry.pw_gid)
    raise StartFailed(
        "PostgreSQL refuses to run as root, and the system has no unprivileged user for it.",
        f"Create the user {CANDIDATES[0]!r}, or run StudySpot as an ordinary user.",
    )
