"""Messages that come in parts."""

from websockets.frames import Frame, Opcode


class Parts:
    """The frames of one message that has begun, put together as they come.

    The protocol object has seen to their order, and to the size of the whole.
    """

    __slots__ = ("_data", "_opcode")

    def __init__(self, first: Frame) -> None:
        self._opcode = first.opcode
        self._data = bytearray(first.data)

    def add(self, frame: Frame) -> None:
        """Take the next part."""
        self._data += frame.data

    def whole(self) -> Frame:
        """Return the message as if it had come in one frame."""
        return Frame(self._opcode, self._data)


def message_of(frame: Frame) -> str | bytes:
    """Return the message that came in this frame.

    Raises:
        UnicodeDecodeError: a text is not UTF-8.
    """
    return str(frame.data, "utf-8") if frame.opcode is Opcode.TEXT else bytes(frame.data)
