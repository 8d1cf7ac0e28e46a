"""Which rooms one socket is in, and from where on each is brought."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from studyspot.access.tokens import Identity
from studyspot.wire.frames import FrameId, Join, Joined, Left, Resume, RoomAnswer, Since
from studyspot.ws_fanout.admission import TOO_MANY_ROOMS, own_rooms, refused
from studyspot.ws_fanout.effects import Effect, Listen, Send, Serve, Unlisten
from studyspot.ws_fanout.lanes import Lane, Lanes
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.node import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a client wants that connects.

    Attributes:
        rooms: those that it asks for, beside its own.
        floors: of some rooms, the position after which events are wanted at the earliest.
        since: up to where it has everything of all others.
        conflate: of public seat frames, it wants the newest alone.
    """

    rooms: Sequence[str] = ()
    floors: Mapping[str, int] = field(default_factory=dict)
    since: Since | None = None
    conflate: bool = False


class Attendance:
    """The rooms of a socket, entered and left as its person asks and may.

    Attributes:
        lanes: what of which rooms has been brought.
    """

    __slots__ = ("_limits", "_node", "lanes")

    def __init__(self, node: Node, limits: Limits) -> None:
        self.lanes = Lanes(Lane({}, node.head))
        self._node = node
        self._limits = limits

    def begin(self, wishes: Wishes, identity: Identity) -> tuple[tuple[RoomAnswer, ...], Resume]:
        """Enter the person's own rooms and those that are asked for.

        Returns:
            What is said of each room that was asked for, and of staff rooms beside; and how all continue.
        """
        staff_rooms = self._node.staff_rooms_of(identity)
        own = own_rooms(identity, staff_rooms)
        answers = self._answers(wishes.rooms, identity, held=own)
        resume, after = self._resume(wishes.since)
        rooms = (*own, *(answer.room for answer in answers if answer.joined))
        wanted = {room: max(after, wishes.floors.get(room, after)) for room in rooms}
        main = Lane(wanted, after, owes_caught_up=resume == "replaying")
        self.lanes = Lanes(main, conflates=wishes.conflate)
        unasked = (RoomAnswer(room=room, joined=True) for room in staff_rooms if room not in wishes.rooms)
        return (*answers, *unasked), resume

    def join(self, frame: Join, identity: Identity) -> Sequence[Effect]:
        """Enter the rooms that are asked for, where that is allowed."""
        answers = self._answers(frame.rooms, identity, held=self.lanes.rooms())
        wanted = [answer.room for answer in answers if answer.joined]
        resume, after = self._resume(frame.since if wanted else None)
        left: tuple[str, ...] = ()
        if frame.since is None:
            wanted = [room for room in wanted if not self.lanes.holds(room)]
        else:
            # Asked for again from some point: it is brought again from there.
            left = self.lanes.remove(wanted)
        if wanted:
            self.lanes.add(wanted, after=after, owes_caught_up=resume == "replaying")
        return (Unlisten(left), Send(Joined(id=frame.id, rooms=answers, resume=resume)), Serve())

    def enter(self, room: str, frame_id: FrameId | None, identity: Identity) -> Sequence[Effect]:
        """Enter a room, where that is allowed, from now on and in the main lane.

        So positions rise over all rooms of the socket, also while what it missed is being brought.
        """
        answers = self._answers((room,), identity, held=self.lanes.rooms())
        main = self.lanes.main
        entered = tuple(answer.room for answer in answers if answer.joined and answer.room not in main.rooms)
        main.rooms |= dict.fromkeys(entered, self._node.head)
        joined = Send(Joined(id=frame_id, rooms=answers, resume="live"))
        return (Listen(entered), joined) if main.live else (joined,)

    def can_resume(self, since: Since) -> bool:
        """Return whether what followed can still be brought."""
        return since.epoch == self._node.epoch and since.position >= self._node.first_position - 1

    def leave(self, rooms: Iterable[str], frame_id: FrameId | None) -> Sequence[Effect]:
        """Leave the rooms, as far as the socket is in them."""
        left = self.lanes.remove(rooms)
        return (Unlisten(left), Send(Left(id=frame_id, rooms=left)))

    def change_role(self, identity: Identity) -> Sequence[Effect]:
        """Another role: leave what it may not see, enter what is its own."""
        staff_rooms = self._node.staff_rooms_of(identity)
        held = [room for lane in self.lanes for room in lane.rooms]
        left = self.lanes.remove(room for room in held if refused(room, identity, staff_rooms))
        entered = [room for room in own_rooms(identity, staff_rooms) if not self.lanes.holds(room)]
        effects: list[Effect] = []
        if left:
            effects += Unlisten(left), Send(Left(id=None, rooms=left, reason="Your role is another now."))
        if entered:
            self.lanes.add(entered, after=self._node.head, owes_caught_up=False)
            answers = tuple(RoomAnswer(room=room, joined=True) for room in entered)
            effects += Send(Joined(id=None, rooms=answers, resume="live")), Serve()
        return effects

    def granted(self, room: str, position: int, identity: Identity) -> Sequence[Effect]:
        """The event at `position` entitles the person to this room: bring it, from that event on.

        Not on a socket of another role: that person comes back with a token of the role that it takes.
        """
        if self.lanes.holds(room) or room not in self._node.staff_rooms_of(identity):
            return ()
        main = self.lanes.main
        main.rooms[room] = position - 1
        joined = Send(Joined(id=None, rooms=(RoomAnswer(room=room, joined=True),), resume="live"))
        return (joined, Listen((room,))) if main.live else (joined,)

    def withdrawn(self, room: str, identity: Identity) -> Sequence[Effect]:
        """The person's place in the library has ended: bring no more of the room, if that was their right."""
        if not self.lanes.holds(room):
            return ()
        refusal = refused(room, identity, self._node.staff_rooms_of(identity))
        if refusal is None:
            return ()
        left = self.lanes.remove((room,))
        return (Unlisten(left), Send(Left(id=None, rooms=left, reason=refusal.reason)))

    def _answers(
        self, rooms: Iterable[str], identity: Identity, *, held: Collection[str]
    ) -> tuple[RoomAnswer, ...]:
        """Say of each room whether this person may be in it, on a socket that is in those `held` already."""
        staff_rooms = self._node.staff_rooms_of(identity)
        room_count = len(held)
        answers = []
        for room in dict.fromkeys(rooms):
            refusal = refused(room, identity, staff_rooms)
            if refusal is None and room not in held:
                room_count += 1
                refusal = TOO_MANY_ROOMS if room_count > self._limits.rooms_per_socket else None
            if refusal is None:
                answers.append(RoomAnswer(room=room, joined=True))
            else:
                answers.append(RoomAnswer(room=room, joined=False, code=refusal.code, reason=refusal.reason))
        return tuple(answers)

    def _resume(self, since: Since | None) -> tuple[Resume, int]:
        """Return how the rooms continue, and after which position."""
        head = self._node.head
        if since is None:
            return "live", head
        if not self.can_resume(since):
            return "snapshot-required", head
        if since.position < head:
            return "replaying", since.position
        return "live", since.position
