"""A part of a rebuild, or of a verification: what one process is to do."""

from dataclasses import dataclass

from studyspot.projections.builds import Build
from studyspot.projections.rebuild.shares import Share


@dataclass(frozen=True, slots=True)
class Part:
    """The share of a projection's keys, up to a position of the log, and the build that their rows go into.

    Of a `sample`, only the keys that are in it as well; the `dropped` positions are left out.
    """

    database_url: str
    build: Build
    until: int
    share: Share
    dropped: frozenset[int]
    sample: Share | None = None

    @property
    def shares(self) -> tuple[Share, ...]:
        return (self.share, self.sample) if self.sample is not None else (self.share,)
