"""Offsets: how far a client says that it is when it comes back."""

from studyspot.ws_fanout.limits import Limits

_LARGEST_POSITION = 2**63 - 1
_DIGITS = len(str(_LARGEST_POSITION))


def read_offset(offset: object) -> int | None:
    """Return the position that an offset names, 0 where there is none; nothing for what is no offset."""
    if offset is None:
        return 0
    if not isinstance(offset, str) or not (offset.isascii() and offset.isdigit()) or len(offset) > _DIGITS:
        return None
    position = int(offset)
    return position if position <= _LARGEST_POSITION else None


def is_beyond(position: int, head: int, limits: Limits) -> bool:
    """Return whether no node has told that position yet.

    A node may be a little behind the one that told it. One that is so far behind lets nobody in.
    """
    return position > head + limits.window_events
