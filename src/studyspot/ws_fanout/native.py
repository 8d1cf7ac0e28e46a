"""The language of our own clients: the subprotocol `studyspot.v1`."""

from collections.abc import Sequence
from typing import ClassVar, assert_never

from studyspot.wire.frames import (
    ClientFrame,
    CloseCode,
    Connect,
    FrameInvalid,
    FrameMalformed,
    Join,
    Leave,
    Ping,
    Refresh,
    ServerFrame,
    read_client_frame,
    write_frame,
)
from studyspot.ws_fanout.attendance import Wishes
from studyspot.ws_fanout.effects import Effect
from studyspot.ws_fanout.encoder import Encoder, text_frame
from studyspot.ws_fanout.entry import TurnedAway
from studyspot.ws_fanout.language import Wire
from studyspot.ws_fanout.node import Now
from studyspot.ws_fanout.outlet import Outlet
from studyspot.ws_fanout.session import Session, error


class Native:
    """One socket that speaks in the frames of `studyspot.v1`."""

    __slots__ = ("encoder", "session")

    wire: ClassVar = Wire.STUDYSPOT

    def __init__(self, session: Session, encoder: Encoder) -> None:
        self.session = session
        self.encoder: Encoder = encoder

    def begin(self) -> Sequence[Effect]:
        """Say nothing: the client begins."""
        return ()

    def receive(self, data: str | bytes, now: Now) -> Sequence[Effect]:
        """Answer a frame of the client."""
        flood = self.session.heard_frame(now)
        if self.session.closed:
            return flood
        try:
            frame = read_client_frame(data)
        except FrameMalformed as malformed:
            return self.session.close(CloseCode.MALFORMED, str(malformed))
        except FrameInvalid as invalid:
            return self._misheard(invalid)
        if self.session.identity is not None:
            return self._answer(frame, now)
        if isinstance(frame, Connect):
            return self._connect(frame, now)
        return self.session.close(CloseCode.MALFORMED, "the first frame must be connect")

    def put(self, frame: ServerFrame) -> bytes:
        """Return the frame as it is."""
        return text_frame(write_frame(frame))

    def ping(self, outlet: Outlet) -> None:
        outlet.send_ping()

    def close(self, outlet: Outlet, code: CloseCode, reason: str) -> None:
        outlet.begin_close(code, reason)

    def _answer(self, frame: ClientFrame, now: Now) -> Sequence[Effect]:
        match frame:
            case Connect():
                return error(frame.id, "already-connected", "This socket is connected already.")
            case Join():
                return self.session.join(frame)
            case Leave():
                return self.session.leave(frame.rooms, frame.id)
            case Refresh():
                return self.session.refresh(frame.token, frame.id, now)
            case Ping():
                return self.session.ping(frame.id, now)
            case _ as unreachable:
                assert_never(unreachable)

    def _connect(self, frame: Connect, now: Now) -> Sequence[Effect]:
        try:
            identity = self.session.identify(frame.token, now)
        except TurnedAway as end:
            return self.session.close(end.code, end.reason)
        wishes = Wishes(rooms=frame.rooms, since=frame.since, conflate=frame.conflate)
        return self.session.begin(identity, wishes, now, frame_id=frame.id)

    def _misheard(self, invalid: FrameInvalid) -> Sequence[Effect]:
        if self.session.identity is None:
            return self.session.close(CloseCode.MALFORMED, invalid.message)
        return error(invalid.id, invalid.code, invalid.message)
