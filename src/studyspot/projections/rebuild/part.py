"""A part of a rebuild, or of a verification: what one process is to do."""

from dataclasses import dataclass

from studyspot.projections.builds import Build
from studyspot.projections.rebuild.shares import Share


@dataclass(frozen=True, slots=True)
class Target:
    """A build that rows go into: those of the events up to `until`, without the `dropped` positions.

    `counter` is its place among what the processes count.
    """

    build: Build
    until: int
    dropped: frozenset[int]
    counter: int


@dataclass(frozen=True, slots=True)
class Part:
    """A share of the events, and the builds that their rows go into, all in one reading of the log.

    Of a `sample`, only the events whose keys are in it as well.
    """

    database_url: str
    share: Share
    targets: tuple[Target, ...]
    sample: Share | None = None
