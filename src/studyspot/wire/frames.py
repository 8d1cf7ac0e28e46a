"""Frames of the WebSocket subprotocol `studyspot.v1`: text, one JSON object each, both ways."""

from datetime import datetime
from enum import IntEnum
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field, StrictBool, StringConstraints, TypeAdapter, ValidationError

from studyspot.domain.people import Role
from studyspot.wire.shape import CamelModel, ClosedModel

SUBPROTOCOL = "studyspot.v1"
LARGEST_FRAME_BYTES = 8 * 1024
"""Of what a client sends; a larger frame closes the socket with 1009."""
MOST_ROOMS_AT_ONCE = 100


class CloseCode(IntEnum):
    """Why a socket is closed: below 4500 the client comes back, from there on it stays away."""

    DONE = 1000
    """The client has said goodbye."""
    RESTART = 1012
    OVERLOAD = 1013
    TOKEN_EXPIRED = 4001
    DRAINING = 4002
    NO_PONG = 4003
    TOO_SLOW = 4008
    TOO_MANY_FRAMES = 4013
    BAD_TOKEN = 4500
    NO_CONNECT = 4501
    MALFORMED = 4502
    REVOKED = 4503
    TOO_MANY_SOCKETS = 4504


FrameId = (
    Annotated[int, Field(strict=True, ge=0, le=2**53)] | Annotated[str, StringConstraints(max_length=64)]
)
Resume = Literal["live", "replaying", "snapshot-required"]
Position = Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)]
Rooms = Annotated[
    tuple[Annotated[str, StringConstraints(min_length=1, max_length=128)], ...],
    Field(max_length=MOST_ROOMS_AT_ONCE),
]


class Since(ClosedModel):
    """Everything up to `position` of this epoch is known already."""

    epoch: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    position: Position


class Connect(ClosedModel):
    type: Literal["connect"] = "connect"
    id: FrameId | None = None
    token: str
    rooms: Rooms = ()
    since: Since | None = None
    conflate: StrictBool = False


class Join(ClosedModel):
    type: Literal["join"] = "join"
    id: FrameId | None = None
    rooms: Rooms
    since: Since | None = None


class Leave(ClosedModel):
    type: Literal["leave"] = "leave"
    id: FrameId | None = None
    rooms: Rooms


class Refresh(ClosedModel):
    type: Literal["refresh"] = "refresh"
    id: FrameId | None = None
    token: str


class Ping(ClosedModel):
    type: Literal["ping"] = "ping"
    id: FrameId | None = None


ClientFrame = Annotated[Connect | Join | Leave | Refresh | Ping, Field(discriminator="type")]


def _absent(value: object) -> bool:
    return value is None


class RoomAnswer(CamelModel):
    """Whether the socket is now in the room, and why not."""

    room: str
    joined: bool
    code: str | None = Field(None, exclude_if=_absent)
    reason: str | None = Field(None, exclude_if=_absent)


class Connected(CamelModel):
    """`expires_in` and `heartbeat` in seconds."""

    type: Literal["connected"] = "connected"
    id: FrameId | None
    session: str
    epoch: str
    head: int
    user: str
    role: Role
    expires_in: int
    server_now: datetime
    heartbeat: int
    rooms: tuple[RoomAnswer, ...]
    resume: Resume


class Joined(CamelModel):
    """The answer to `join`; without an id it comes unasked, to someone who has become entitled."""

    type: Literal["joined"] = "joined"
    id: FrameId | None
    rooms: tuple[RoomAnswer, ...]
    resume: Resume


class Left(CamelModel):
    """The rooms that the socket is no longer in; without an id it comes unasked, and says why."""

    type: Literal["left"] = "left"
    id: FrameId | None
    rooms: tuple[str, ...]
    reason: str | None = Field(None, exclude_if=_absent)


class Refreshed(CamelModel):
    type: Literal["refreshed"] = "refreshed"
    id: FrameId | None
    expires_in: int


class Pong(CamelModel):
    type: Literal["pong"] = "pong"
    id: FrameId | None
    server_now: datetime


class EventFrame(CamelModel):
    """One event in the richest view of `rooms`, those of the event's rooms by which it comes."""

    type: Literal["event"] = "event"
    name: str
    position: int
    rooms: tuple[str, ...]
    event: dict[str, Any]


class CaughtUp(CamelModel):
    """Everything in these rooms up to `position` has been sent."""

    type: Literal["caught-up"] = "caught-up"
    position: int
    rooms: tuple[str, ...]


class Heartbeat(CamelModel):
    """Everything that the socket is entitled to, up to `position`, has been sent."""

    type: Literal["heartbeat"] = "heartbeat"
    position: int
    server_now: datetime
    stale_since: datetime | None = Field(None, exclude_if=_absent)


class Behind(CamelModel):
    """The socket was too slow: what follows `position` comes again from the log, in order."""

    type: Literal["behind"] = "behind"
    position: int


class Error(CamelModel):
    type: Literal["error"] = "error"
    id: FrameId | None
    code: str
    message: str
    temporary: bool = False
    retry_after_ms: int | None = None


ServerFrame = (
    Connected | Joined | Left | Refreshed | Pong | EventFrame | CaughtUp | Heartbeat | Behind | Error
)

_client_frame: TypeAdapter[ClientFrame] = TypeAdapter(ClientFrame)
_server_frame: TypeAdapter[ServerFrame] = TypeAdapter(Annotated[ServerFrame, Field(discriminator="type")])
_frame_id: TypeAdapter[FrameId | None] = TypeAdapter(FrameId | None)


class FrameMalformed(ValueError):
    """Not text, or not a JSON object: whoever sends this does not speak the protocol."""


class FrameInvalid(ValueError):
    """An object that is none of the protocol's frames.

    Attributes:
        code: `unknown-frame` or `invalid-frame`.
        id: the frame's id, where it has one.
    """

    def __init__(self, code: str, message: str, frame_id: FrameId | None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.id = frame_id


def read_client_frame(data: str | bytes) -> ClientFrame:
    """Return the frame that a client sent.

    Raises:
        FrameMalformed: it is binary, or not a JSON object.
        FrameInvalid: its type is unknown, or its fields are not those of its type.
    """
    if isinstance(data, bytes):
        raise FrameMalformed("frames are text")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise FrameMalformed("the frame is not JSON") from None
    if not isinstance(value, dict):
        raise FrameMalformed("the frame is not a JSON object")
    try:
        return _client_frame.validate_python(value)
    except ValidationError as error:
        raise _invalid(value, error) from None


def read_server_frame(data: str | bytes) -> ServerFrame:
    """Return the frame that a server sent.

    Raises:
        FrameMalformed: it is none of ours.
    """
    try:
        return _server_frame.validate_json(data)
    except ValidationError as error:
        raise FrameMalformed(str(error)) from error


def write_frame(frame: ServerFrame) -> bytes:
    """Return the frame's JSON."""
    return frame.model_dump_json(by_alias=True).encode()


def _invalid(value: dict[str, Any], error: ValidationError) -> FrameInvalid:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    try:
        frame_id = _frame_id.validate_python(value.get("id"))
    except ValidationError:
        frame_id = None
    if first["type"].startswith("union_tag"):
        return FrameInvalid("unknown-frame", "The frame's type is missing or unknown.", frame_id)
    field = ".".join(str(part) for part in first["loc"][1:])
    return FrameInvalid("invalid-frame", f"{field}: {first['msg']}.", frame_id)
