"""Why a rebuild or a verification does not end."""


class RebuildError(Exception):
    """It did not end; `mend` says what to do."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(f"{reason}; {mend}")
        self.reason = reason
        self.mend = mend


class RebuildRunning(RebuildError):
    """Another process rebuilds, or verifies, the same projection."""

    def __init__(self, name: str, doing: str = "rebuilt") -> None:
        super().__init__(
            f"the projection {name} is being {doing} by another process", "wait until it has ended"
        )


class RebuildOvertaken(RebuildError):
    """What it was to end with is of no use any more.

    Either the log's epoch changed, and what was read may be of another history; or readers moved to a build
    that came later, such as that of a next version.
    """

    def __init__(self, name: str, by: str) -> None:
        super().__init__(f"{by} while {name} was rebuilt", "begin the rebuild again")


class RowsNotIndexable(RebuildError):
    """A row is in its table, and an index cannot hold it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"a row of {name} cannot be indexed ({reason})",
            "a release whose tables can hold it is needed; readers go on with the build that they have",
        )


class RebuildStopped(Exception):
    """It was asked to stop; what is done is kept, and a later one goes on from there."""
