"""The gate: how many connections are let in, how fast, and how many of one address."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from studyspot.wire.problems import Kind, Problem
from studyspot.ws_fanout.limits import Limits

TOO_MANY_CONNECTS = Kind("too-many-connects", "Too many are connecting", 503)
NODE_FULL = Kind("node-full", "No place for more sockets", 503)
TOO_MANY_SOCKETS = Kind("too-many-sockets", "Too many sockets of one address", 429)

_FULL_RETRY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Place:
    """One socket's place; `address` is what it is counted by, if it is."""

    address: str | None


class Gate:
    """Places for sockets, and turns to take them; whoever is refused takes neither.

    It waits for nothing itself: it says how long to wait.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        """Make it; `clock` tells seconds that never jump."""
        self._limits = limits
        self._clock = clock
        self._interval = 1 / limits.connects_per_second
        self._burst = (limits.connects_at_once - 1) * self._interval
        # When all turns taken so far have passed, at the pace that is kept in the long run.
        self._passed_at = 0.0
        self._taken = 0
        self._of_address: dict[str, int] = {}

    @property
    def taken(self) -> int:
        """How many places are taken."""
        return self._taken

    @property
    def addresses(self) -> int:
        """How many addresses they are counted by."""
        return len(self._of_address)

    def enter(self, address: str | None) -> tuple[Place, timedelta]:
        """Take a place, and return it with how long to wait for one's turn.

        Raises:
            Problem: `node-full`, `too-many-sockets` or `too-many-connects`, with a time to come again.
        """
        if self._taken >= self._limits.sockets:
            raise Problem(NODE_FULL, "This node has as many sockets as it may.", jittered(_FULL_RETRY))
        mine = 0 if address is None else self._of_address.get(address, 0)
        if mine >= self._limits.sockets_per_address:
            detail = f"Your address has {mine} sockets on this node, as many as it may."
            raise Problem(TOO_MANY_SOCKETS, detail, jittered(_FULL_RETRY))
        now = self._clock()
        passed_at = max(now, self._passed_at)
        wait = max(0.0, passed_at - now - self._burst)
        if wait > self._limits.turn_within.total_seconds():
            detail = "More are connecting than can be let in. Come again a little later."
            raise Problem(TOO_MANY_CONNECTS, detail, jittered(timedelta(seconds=wait)))
        self._passed_at = passed_at + self._interval
        self._taken += 1
        if address is not None:
            self._of_address[address] = mine + 1
        return Place(address), timedelta(seconds=wait)

    def leave(self, place: Place) -> None:
        """Give a place back."""
        self._taken -= 1
        if place.address is None:
            return
        left = self._of_address[place.address] - 1
        if left:
            self._of_address[place.address] = left
        else:
            del self._of_address[place.address]


def jittered(around: timedelta) -> timedelta:
    """Return a random time of that order: who is refused together is not to come again together."""
    return around * random.uniform(0.5, 1.5)  # noqa: S311 - nothing depends on its being unforeseeable
