"""The errors that a socket is answered with: one table of what can be said, and whether to try again."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from studyspot.wire.frames import Error, FrameId

RETRY_AFTER: Mapping[str, timedelta | None] = MappingProxyType(
    {
        "unknown-frame": None,
        "invalid-frame": None,
        "already-connected": None,
        "token-expired": None,
        "token-refused": None,
        "token-of-another": None,
        "keys-unsettled": timedelta(seconds=2),
    }
)
"""After which time the same may be asked again; none where it would be answered the same."""


def error(frame_id: FrameId | None, code: str, message: str) -> Error:
    """Return the frame of an error that the table has."""
    after = RETRY_AFTER[code]
    return Error(
        id=frame_id,
        code=code,
        message=message,
        temporary=after is not None,
        retry_after_ms=None if after is None else int(after / timedelta(milliseconds=1)),
    )
