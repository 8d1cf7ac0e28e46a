"""The header by which a read asks to reflect a position, as FastAPI takes it."""

from typing import Annotated

from fastapi import Header

from studyspot.wire.positions import MIN_POSITION

MinPosition = Annotated[
    int | None,
    Header(
        alias=MIN_POSITION,
        ge=0,
        le=2**63 - 1,
        description="Wait (at most 2 s) until the read model has reached this position.",
    ),
]
