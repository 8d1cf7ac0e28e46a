"""Positions as headers."""

from typing import Annotated

from fastapi import Header

POSITION = "StudySpot-Position"
MIN_POSITION = "StudySpot-Min-Position"

MinPosition = Annotated[
    int | None,
    Header(
        alias=MIN_POSITION,
        ge=0,
        le=2**63 - 1,
        description="Wait (at most 2 s) until the read model has reached this position.",
    ),
]
