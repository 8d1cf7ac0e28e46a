"""The language of our own clients: the subprotocol `studyspot.v1`."""

from collections.abc import Sequence
from typing import ClassVar

from studyspot.wire.frames import (
    CloseCode,
    FrameInvalid,
    FrameMalformed,
    ServerFrame,
    read_client_frame,
    write_frame,
)
from studyspot.ws_fanout.effects import Effect
from studyspot.ws_fanout.encoder import text_frame
from studyspot.ws_fanout.language import Encoder, Wire
from studyspot.ws_fanout.node import Now
from studyspot.ws_fanout.outlet import Outlet
from studyspot.ws_fanout.session import Session


class Native:
    """One socket that speaks in the frames of `studyspot.v1`, which are the session's own."""

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
        except FrameMalformed as error:
            return self.session.close(CloseCode.MALFORMED, str(error))
        except FrameInvalid as error:
            return self.session.misheard(error)
        return self.session.take(frame, now)

    def put(self, frame: ServerFrame) -> bytes:
        """Return the frame as it is."""
        return text_frame(write_frame(frame))

    def ping(self, outlet: Outlet) -> None:
        outlet.send_ping()

    def close(self, outlet: Outlet, code: CloseCode, reason: str) -> None:
        outlet.begin_close(code, reason)
