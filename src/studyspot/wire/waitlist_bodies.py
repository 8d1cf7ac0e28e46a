"""The body of joining a waitlist, and what joining and leaving are answered with."""

from typing import Literal

from pydantic import ConfigDict, Field

from studyspot.wire.bodies import Attributes, Positioned
from studyspot.wire.shape import ClosedModel, Identifier, Instant, Moment, ShortText


class JoinWaitlistBody(ClosedModel):
    """Wait for any seat of the library during [start, end), or for one of `zone` with all of `attributes`.

    Who lost `revokedBookingId` there waits for some of its time, before all others.
    """

    library_id: Identifier
    start: Moment
    end: Moment
    zone: ShortText | None = None
    attributes: Attributes = Field(default_factory=dict)
    revoked_booking_id: Identifier | None = None
    user_id: Identifier | None = None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "libraryId": "0193a2f0-5e7c-7a11-8c1f-2b9d6a1e0c01",
                    "start": "2026-12-01T09:00:00",
                    "end": "2026-12-01T13:00:00",
                    "zone": "quiet",
                }
            ]
        }
    )


class WaitingAnswer(Positioned):
    """A place in a waitlist; `place` is 1 for who is next in line, and none once a seat is offered."""

    id: str
    library_id: str
    user_id: str
    start: Instant
    end: Instant
    zone: str | None
    attributes: dict[str, bool | int | str]
    status: Literal["waiting", "offered"]
    place: int | None
    revoked_booking_id: str | None


class WaitlistLeftAnswer(Positioned):
    id: str
    status: Literal["left"]
