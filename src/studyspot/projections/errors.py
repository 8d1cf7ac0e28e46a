"""Why a projection stops. None of these passes by itself.

A rebuild raises them in other processes: each is pickled by what it was made of, which Python keeps as `args`
where `Exception.__init__` is not given anything else.
"""


class ProjectionStopped(Exception):
    """A projection cannot go on without an operator; `mend` says what they do."""

    def __init__(self, name: str, reason: str, mend: str) -> None:
        self.name = name
        self.reason = reason
        self.mend = mend

    def __str__(self) -> str:
        return f"projection {self.name} stopped: {self.reason}"


class PoisonEvent(ProjectionStopped):
    """An event that can neither be applied nor parked, as its key cannot be read."""

    def __init__(self, name: str, position: int, reason: str) -> None:
        super().__init__(
            name,
            f"the event at {position} can neither be applied nor parked: {reason}",
            "restore its stored data, or start a release that can read it; the projection goes on from there",
        )
        self.position = position


class TablesLost(ProjectionStopped):
    """The tables are gone, or not as the description says."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, f"its tables are not as they should be: {reason}", _rebuild(name))


class ProjectionAhead(ProjectionStopped):
    """The rows tell of events that the log no longer has, as after the restore of an older backup."""

    def __init__(self, name: str, position: int, head: int) -> None:
        super().__init__(
            name,
            f"it is at position {position}, beyond the log's head {head}",
            _rebuild(name),
        )


class NewerVersionServed(ProjectionStopped):
    """Readers read what a later release has built."""

    def __init__(self, name: str, version: int, served: int) -> None:
        super().__init__(
            name,
            f"readers read its version {served}, and this release has version {version}",
            f"end this process; or go back to this release for good with {_rebuild(name)}",
        )


class BuildSuperseded(Exception):
    """Another build has taken the place of the one that was kept up."""


def _rebuild(name: str) -> str:
    return f"`studyspot projections rebuild {name}`"
