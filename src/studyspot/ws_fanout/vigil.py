"""What a socket must do by when: connect, answer pings, renew its token, read; and how often it may speak.

All times are seconds of the clock that never jumps.
"""

import math
from datetime import datetime
from enum import Enum, auto

from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.node import Now


class Due(Enum):
    """What a moment calls for."""

    NO_CONNECT = auto()
    TOKEN_EXPIRED = auto()
    NO_PONG = auto()
    STALLED = auto()
    HEARTBEAT = auto()


class Vigil:
    """The deadlines of one socket."""

    __slots__ = (
        "_allowance",
        "_allowed_at",
        "_connect_by",
        "_heartbeat_at",
        "_limits",
        "_pong_by",
        "_read_by",
        "_token_until",
    )

    def __init__(self, limits: Limits, now: Now) -> None:
        self._limits = limits
        self._connect_by = now.seconds + limits.connect_within.total_seconds()
        self._token_until = self._heartbeat_at = self._pong_by = self._read_by = math.inf
        self._allowance = float(limits.frames_at_once)
        self._allowed_at = now.seconds

    @property
    def next(self) -> float:
        """When something may be due."""
        return min(self._connect_by, self._token_until, self._pong_by, self._read_by, self._heartbeat_at)

    @property
    def is_behind(self) -> bool:
        """Whether the socket was too slow, and has not caught up."""
        return self._read_by < math.inf

    def allows_frame(self, now: Now) -> bool:
        """Count a frame, and return whether the socket may send that many."""
        earned = (now.seconds - self._allowed_at) * self._limits.frames_per_second
        self._allowance = min(float(self._limits.frames_at_once), self._allowance + earned) - 1
        self._allowed_at = now.seconds
        return self._allowance >= 0

    def identified(self, now: Now) -> None:
        """Note that the client has connected in time: what is looked up for it may take some, too."""
        self._connect_by = now.seconds + self._limits.connect_within.total_seconds()

    def connected(self, now: Now, expires_at: datetime) -> None:
        self._connect_by = math.inf
        self._heartbeat_at = now.seconds + self._limits.heartbeat_every.total_seconds()
        self.renewed(now, expires_at)

    def renewed(self, now: Now, expires_at: datetime) -> None:
        self._token_until = now.seconds + (expires_at - now.time).total_seconds()

    def heard_pong(self) -> None:
        self._pong_by = math.inf

    def fell_behind(self, now: Now) -> None:
        self._read_by = now.seconds + self._limits.stalled_for.total_seconds()

    def has_read(self, now: Now) -> None:
        """Note that a reader which is behind has taken something."""
        if self.is_behind:
            self.fell_behind(now)

    def caught_up(self) -> None:
        self._read_by = math.inf

    def due(self, now: Now) -> Due | None:
        """Return what this moment calls for; a heartbeat is called for once, and its ping awaits a pong."""
        if now.seconds >= self._connect_by:
            return Due.NO_CONNECT
        if now.seconds >= self._token_until:
            return Due.TOKEN_EXPIRED
        if now.seconds >= self._pong_by:
            return Due.NO_PONG
        if now.seconds >= self._read_by:
            return Due.STALLED
        if now.seconds >= self._heartbeat_at:
            self._heartbeat_at = now.seconds + self._limits.heartbeat_every.total_seconds()
            self._pong_by = min(self._pong_by, now.seconds + self._limits.pong_within.total_seconds())
            return Due.HEARTBEAT
        return None
