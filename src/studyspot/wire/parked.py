"""Answers about what stands still: a change of it could not be applied, and waits for an operator."""

from datetime import timedelta
from operator import not_

from pydantic import Field

from studyspot.wire.problems import PARKED, Problem
from studyspot.wire.shape import CamelModel

PARKED_HEADER = "StudySpot-Parked"
"""`true` beside every answer that carries `parked`."""

LOOK_AGAIN = timedelta(seconds=30)


class MayBeParked(CamelModel):
    """What is complete as of the position of its answer, unless it says that it is not."""

    parked: bool = Field(
        default=False,
        exclude_if=not_,
        description="A change of it could not be applied; it may be older than the position says."
        " Left out where it is not so.",
    )


def withheld() -> Problem:
    """Return the answer where nothing can be told: it may be there, and its beginning is parked."""
    return Problem(PARKED, "A change of it could not be applied yet, so it cannot be shown.", LOOK_AGAIN)
