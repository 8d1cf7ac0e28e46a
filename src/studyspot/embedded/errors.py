"""What can go wrong with the engines and processes that StudySpot starts itself."""

import errno
from pathlib import Path


class EngineError(Exception):
    """An own engine or process cannot do its work; says what happened, and how to mend it, in one line."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(f"{what} {mend}")
        self.what = what
        self.mend = mend


class HomeInUse(EngineError):
    """Another `studyspot up` runs on the same home."""


class EngineMissing(EngineError):
    """The package that holds an engine's binaries is not installed."""


class DiskFull(EngineError):
    """There is no room for an engine's data."""


class StartFailed(EngineError):
    """An engine or process ended, or stayed silent, instead of becoming ready."""


class PortTaken(StartFailed):
    """Something else listens on the port that an engine has to have."""


def cannot_write(place: Path, error: OSError) -> EngineError:
    """Return what to raise when writing at `place` failed."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"The disk is full: {place} cannot be written.", "Free some space there.")
    return StartFailed(
        f"{place} cannot be used: {error.strerror}.",
        "Check its permissions, or set STUDYSPOT_HOME to another folder.",
    )
