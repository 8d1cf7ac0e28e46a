"""Who of us is in which room: several may want one, and it is left when nobody does."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from studyspot.client.errors import RoomRefused, SnapshotNeeded
from studyspot.wire.frames import Connected, Joined, RoomAnswer


@dataclass(slots=True)
class Membership:
    """A room that `holders` want; `entered` is done once the server has answered."""

    entered: asyncio.Future[None]
    exact: bool
    holders: int = 1


@dataclass(slots=True)
class Rooms:
    """The rooms that we joined by request."""

    memberships: dict[str, Membership] = field(default_factory=dict)
    leaving: dict[str, asyncio.Future[None]] = field(default_factory=dict)

    def hold(self, room: str, *, exact: bool) -> Membership | None:
        """Count one more who wants the room; return the membership when it has to be joined now."""
        if (known := self.memberships.get(room)) is not None:
            known.holders += 1
            return None
        membership = Membership(asyncio.get_running_loop().create_future(), exact)
        self.memberships[room] = membership
        return membership

    def release(self, room: str) -> bool:
        """Count one less; say whether that was the last, so that the room has to be left."""
        membership = self.memberships.get(room)
        if membership is None:
            return False
        membership.holders -= 1
        if membership.holders:
            return False
        self.lose(room)
        return True

    def lose(self, room: str) -> None:
        """Forget a room in which we are no longer, whoever wants it."""
        membership = self.memberships.pop(room, None)
        if membership is not None:
            membership.entered.cancel()

    def leave(self, room: str) -> None:
        """Note that the server was told."""
        self.leaving[room] = asyncio.get_running_loop().create_future()

    def left(self, rooms: Iterable[str]) -> None:
        """Wake who waits for these rooms to have been left."""
        for room in rooms:
            if (leaving := self.leaving.pop(room, None)) is not None:
                leaving.set_result(None)

    def answered(self, frame: Connected | Joined) -> None:
        """Wake who waits for the rooms that the server has answered."""
        needs_snapshot = frame.resume == "snapshot-required"
        for answer in frame.rooms:
            membership = self.memberships.get(answer.room)
            if membership is None or membership.entered.done():
                continue
            if not answer.joined:
                membership.entered.set_exception(_refusal(answer))
            elif needs_snapshot and membership.exact:
                membership.entered.set_exception(SnapshotNeeded(answer.room))
            else:
                membership.entered.set_result(None)

    def refused(self, rooms: Iterable[str], code: str, message: str) -> None:
        """Tell who waits for these rooms that the request for them failed."""
        for room in rooms:
            membership = self.memberships.get(room)
            if membership is not None and not membership.entered.done():
                membership.entered.set_exception(RoomRefused(room, code, message))

    def fail(self, reason: Exception) -> None:
        """Tell all who wait that nothing will come."""
        for membership in self.memberships.values():
            if not membership.entered.done():
                membership.entered.set_exception(reason)
        self.left(tuple(self.leaving))


def _refusal(answer: RoomAnswer) -> RoomRefused:
    return RoomRefused(answer.room, answer.code or "room-refused", answer.reason or "it is refused")
