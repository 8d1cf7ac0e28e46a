"""The languages that a node speaks, each with what its sockets share."""

from collections.abc import Callable
from typing import assert_never

from studyspot.ws_fanout.encoder import FrameEncoder
from studyspot.ws_fanout.language import Language, Wire
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.native import Native
from studyspot.ws_fanout.node import Now
from studyspot.ws_fanout.session import Session
from studyspot.ws_fanout.socket_io.conversation import SocketIo
from studyspot.ws_fanout.socket_io.encoder import PacketEncoders
from studyspot.ws_fanout.socket_io.scene import Scene


class Languages:
    """Gives each socket its language."""

    def __init__(self, name_of: Callable[[str], str], clock: Callable[[], Now], limits: Limits) -> None:
        self._limits = limits
        self._frames = FrameEncoder(name_of, most_bytes=limits.encoded_bytes)
        self._packets = PacketEncoders(name_of, clock, most_bytes=limits.encoded_bytes)

    @property
    def scene(self) -> Scene:
        """What is told beyond events."""
        return self._packets.scene

    def of(self, wire: Wire, session: Session) -> Language:
        """Return how this session is spoken with over that wire."""
        match wire:
            case Wire.STUDYSPOT:
                return Native(session, self._frames)
            case Wire.SOCKET_IO:
                return SocketIo(session, self._packets, self._limits)
            case _ as unreachable:
                assert_never(unreachable)

    def begin(self, scene: Scene) -> None:
        """Begin in another history, with what is known of it."""
        self._packets.scene = scene
        self.forget()

    def forget(self) -> None:
        """Forget every frame that was made: positions or names begin to mean others."""
        self._frames.forget()
        self._packets.forget()
