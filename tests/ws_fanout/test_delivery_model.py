"""Against a model of the log: whatever happens, each client has what its rooms saw: all, once, in order.

Clients connect, resume, join, leave, stop reading and drop at random, one is hired and let go, while events
come and the hub's work is done a step at a time. The window is so small that many resumes are served from the
stream.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from studyspot.domain.events import Event, LibraryCreated
from studyspot.domain.people import Role
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.node import Now
from studyspot.ws_fanout.peers import Peer
from studyspot.ws_fanout.replays import Reading
from studyspot.ws_fanout.rooms import route
from studyspot.ws_fanout.routed import routed
from tests.ws_fanout import events as made
from tests.ws_fanout.events import EPOCH, message
from tests.ws_fanout.node import Client, Node

PEOPLE: dict[str, Role] = {
    "s1": "student",
    "s2": "student",
    "o1": "library_owner",
    "o2": "library_owner",
    "a1": "admin",
    "t1": "staff",
}
LIBRARIES = ("L1", "L2", "W1")
WORKPLACE = "library:W1:staff"
ROOMS = ("library:L1", "library:L2", "user:s1", "library:L1:staff")


@dataclass
class Person:
    """A client as CONTRACT describes it: it keeps a resume point for each room, over all its sockets."""

    user: str
    role: Role
    socket: Client | None = None
    peer: Peer | None = None
    seen: int = 0
    points: dict[str, int] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)
    """Each room with the position after which its events are owed."""
    shown: dict[int, int] = field(default_factory=dict)
    """The richest view of each position that was received on any socket."""
    here: dict[int, tuple[int, set[str]]] = field(default_factory=dict)
    """What this socket brought of each position: the view's richness, and by which rooms."""
    last: dict[str, int] = field(default_factory=dict)
    """The last position on this socket, by room."""
    hired_at: list[int] = field(default_factory=list)
    """The positions of which this socket has yet to be told that they let the person into a staff room."""


class Deliveries(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.node = Node(Limits(window_events=5, unsent_bytes=4000, frames_at_once=10**6))
        self.hub = self.node.hub
        self.log: list[Event] = []
        self.people = {user: Person(user, role) for user, role in PEOPLE.items()}
        self.readings: list[tuple[Reading, int]] = []
        self.bookings = 0
        self.is_hired = False
        self.let_go_at = 0

    @initialize()
    def begin(self) -> None:
        self.publish([made.library_created("L1", "o1"), made.library_created("W1", "o2")])
        for user in ("s1", "o2", "a1", "t1"):
            self.connect(self.people[user], ["library:L1"], None)

    # What happens in the world.

    @rule(
        kinds=st.lists(
            st.tuples(st.sampled_from("bbbcpsn"), st.sampled_from(LIBRARIES), st.sampled_from(("s1", "s2"))),
            min_size=1,
            max_size=6,
        )
    )
    def things_happen(self, kinds: list[tuple[str, str, str]]) -> None:
        self.publish([self.event(*kind) for kind in kinds])

    @rule(batches=st.integers(1, 4), library=st.sampled_from(LIBRARIES))
    def much_happens(self, batches: int, library: str) -> None:
        for _ in range(batches):
            self.publish([self.event("b", library, "s1") for _ in range(5)])

    @rule(owner=st.sampled_from(("o1", "o2")))
    def a_library_opens(self, owner: str) -> None:
        self.publish([made.library_created(f"N{len(self.log)}", owner)])

    @rule()
    def somebody_is_hired_or_let_go(self) -> None:
        worker = self.people["t1"]
        self.is_hired = not self.is_hired
        change = made.staff_added("W1", "t1") if self.is_hired else made.staff_removed("W1", "t1")
        self.publish([self.event("b", "W1", "s1"), change, self.event("b", "W1", "s2")])
        if not self.is_hired:
            self.let_go_at = len(self.log) - 1
        elif worker.socket is not None:
            worker.hired_at.append(len(self.log) - 1)

    @rule()
    def the_hub_takes_a_step(self) -> None:
        self.hub.step()

    @rule(count=st.integers(1, 4))
    def the_stream_is_read(self, count: int) -> None:
        self.readings += [(reading, self.hub.head) for reading in self.hub.replays.take_readings()]
        readings, self.readings = self.readings, []
        for reading, until in readings:
            after = reading.lane.cursor
            batch = [self.routed(position) for position in range(after + 1, min(after + count, until) + 1)]
            if not reading.is_wanted() or not self.hub.replays.bring(reading, batch):
                self.hub.replays.give_up(reading)
            elif after + count >= until:
                self.hub.replays.finish(reading, until)
            else:
                # The filter may leave out what no room of the lane sees.
                reading.lane.cursor = max(reading.lane.cursor, after + len(batch))
                self.readings.append((reading, until))

    @rule()
    def time_passes(self) -> None:
        for person in self.people.values():
            if person.peer is not None:
                self.hub.heard_pong(person.peer)
        self.node.now = Now(self.node.now.seconds + 26, self.node.now.time)
        for person in self.people.values():
            if person.peer is not None:
                self.hub.heard_pong(person.peer)
                person.peer.session.has_read(self.node.now)
        self.hub.tick()

    # What clients do.

    @precondition(lambda self: any(person.peer is None for person in self.people.values()))
    @rule(which=st.integers(0, 9), rooms=st.sets(st.sampled_from(ROOMS), max_size=2), anew=st.integers(0, 3))
    def connects(self, which: int, rooms: set[str], anew: int) -> None:
        away = [person for person in self.people.values() if person.peer is None]
        person = away[which % len(away)]
        if anew or not person.points:
            person.points, person.wanted, person.shown = {}, {}, {}
            self.connect(person, sorted(rooms), None)
        else:
            held = [room for room in person.points if room.startswith("library:") or room in ROOMS]
            self.connect(person, sorted(held), min(person.points.values()))

    @precondition(lambda self: self.readers())
    @rule(which=st.integers(0, 9), room=st.integers(0, 9), back=st.integers(0, 20), exact=st.integers(0, 3))
    def joins(self, which: int, room: int, back: int, exact: int) -> None:
        person = self.readers()[which % len(self.readers())]
        rooms = [room for room in ROOMS if room not in person.points]
        if rooms:
            self.join(person, rooms[room % len(rooms)], back if exact else None)

    @precondition(lambda self: self.readers())
    @rule(which=st.integers(0, 9), room=st.integers(0, 9))
    def leaves(self, which: int, room: int) -> None:
        person = self.readers()[which % len(self.readers())]
        rooms = [room for room in person.points if room.startswith("library:") and room != WORKPLACE]
        if rooms:
            left = rooms[room % len(rooms)]
            self.tell(person, {"type": "leave", "id": 3, "rooms": [left]})
            self.listen(person)
            self.forget(person, left)

    @precondition(lambda self: self.readers())
    @rule(which=st.integers(0, 9))
    def drops(self, which: int) -> None:
        self.drop(self.readers()[which % len(self.readers())])

    @precondition(lambda self: self.readers())
    @rule(which=st.integers(0, 9))
    def stops_reading(self, which: int) -> None:
        socket = self.readers()[which % len(self.readers())].socket
        assert socket is not None
        socket.reads = False

    @precondition(lambda self: self.stalled())
    @rule(which=st.integers(0, 9), most=st.integers(1, 6000))
    def reads_some(self, which: int, most: int) -> None:
        self.take(self.stalled()[which % len(self.stalled())], most)

    # What must hold.

    @invariant()
    def nothing_wrong_has_been_received(self) -> None:
        for person in self.people.values():
            if person.socket is not None:
                assert person.socket.closed is None
                self.listen(person)

    @precondition(lambda self: self.log)
    @rule()
    def everything_arrives_in_the_end(self) -> None:
        for person in self.stalled():
            while person in self.stalled():
                self.take(person, 10**6)
        self.settle()
        for person in self.people.values():
            if person.socket is not None:
                self.listen(person)
                self.has_all(person, self.hub.head)

    def teardown(self) -> None:
        if self.log:
            self.everything_arrives_in_the_end()

    # How the test goes about it.

    def readers(self) -> list[Person]:
        return [
            person for person in self.people.values() if person.socket is not None and person.socket.reads
        ]

    def stalled(self) -> list[Person]:
        return [
            person for person in self.people.values() if person.socket is not None and not person.socket.reads
        ]

    def connect(self, person: Person, rooms: list[str], since: int | None) -> None:
        frame: dict[str, Any] = {"type": "connect", "token": self.node.token(person.user, person.role)}
        frame["rooms"] = rooms
        if since is not None:
            frame["since"] = {"epoch": EPOCH, "position": since}
        person.socket = Client(full_bytes=1500)
        person.peer = self.hub.open(person.socket)
        person.seen, person.here, person.last, person.hired_at = 0, {}, {}, []
        self.tell(person, frame)
        [connected] = self.new_frames(person)
        own = ["everyone", f"user:{person.user}", f"role:{person.role}"]
        for answer in connected["rooms"]:
            if not answer["joined"]:
                person.points.pop(answer["room"], None)
                person.wanted.pop(answer["room"], None)
        for room in own + [answer["room"] for answer in connected["rooms"] if answer["joined"]]:
            start = connected["head"] if since is None else since
            person.points.setdefault(room, start)
            person.wanted.setdefault(room, start)

    def join(self, person: Person, room: str, back: int | None) -> None:
        self.listen(person)
        frame: dict[str, Any] = {"type": "join", "rooms": [room]}
        start = self.hub.head
        if back is not None:
            start = max(0, self.hub.head - back)
            frame["since"] = {"epoch": EPOCH, "position": start}
        self.tell(person, frame)
        joined = [new for new in self.listen(person) if new["type"] == "joined"][-1]
        if joined["rooms"][0]["joined"]:
            person.points[room] = person.wanted[room] = start

    def take(self, person: Person, most: int) -> None:
        assert person.socket is not None
        assert person.peer is not None
        was_full = person.socket.is_full()
        person.socket.received += person.socket.unread[:most]
        del person.socket.unread[:most]
        person.socket.reads = not person.socket.unread
        if was_full and not person.socket.is_full():
            self.hub.drained(person.peer)
        self.listen(person)

    def event(self, kind: str, library: str, student: str) -> Event:
        self.bookings += 1
        booking = f"B{self.bookings}"
        match kind:
            case "b":
                return made.booked(library, student, booking)
            case "c":
                return made.cancelled(library, student, booking)
            case "p":
                return made.pricing_updated(library, self.bookings)
            case "s":
                return made.service_changed(library)
            case _:
                return made.seat_added(library, f"S{self.bookings}")

    def routed(self, position: int) -> Any:
        return routed(message(position, self.log[position - 1]))[0]

    def publish(self, events: list[Event]) -> None:
        first = len(self.log) + 1
        self.log += events
        self.hub.publish([routed(message(first + index, event)) for index, event in enumerate(events)])

    def settle(self) -> None:
        while self.hub.step() or self.hub.replays.has_readings or self.readings:
            self.the_stream_is_read(100)

    def tell(self, person: Person, frame: dict[str, Any]) -> None:
        assert person.peer is not None
        self.hub.receive(person.peer, orjson.dumps(frame).decode())

    def drop(self, person: Person) -> None:
        if person.peer is not None:
            self.listen(person)
            self.hub.gone(person.peer)
            person.peer = person.socket = None

    def new_frames(self, person: Person) -> list[dict[str, Any]]:
        assert person.socket is not None
        frames = person.socket.frames()
        new = frames[person.seen :]
        person.seen = len(frames)
        return new

    def listen(self, person: Person) -> list[dict[str, Any]]:
        new = self.new_frames(person)
        for frame in new:
            match frame["type"]:
                case "event":
                    self.hears(person, frame)
                case "joined" if frame["rooms"] and frame["rooms"][0]["room"] not in ROOMS:
                    self.is_granted(person, frame["rooms"][0]["room"])
                case "left" if frame["id"] is None:
                    assert (person.user, frame["rooms"]) == ("t1", [WORKPLACE])
                    self.forget(person, WORKPLACE)
                case "caught-up":
                    for room in frame["rooms"]:
                        if room in person.points:
                            person.points[room] = max(person.points[room], frame["position"])
                case "heartbeat":
                    self.has_all(person, frame["position"])
                    for room in person.points:
                        person.points[room] = max(person.points[room], frame["position"])
                case "behind":
                    assert frame["position"] <= self.hub.head
        return new

    def hears(self, person: Person, frame: dict[str, Any]) -> None:
        position, rooms = frame["position"], frame["rooms"]
        sights = route(self.log[position - 1]).sights
        assert rooms == [room for room in sights if room in rooms]
        if person.user == "t1" and WORKPLACE in rooms:
            assert WORKPLACE in person.points, f"{position} came for a room that was left"
            assert self.is_hired or position < self.let_go_at, f"{position} came after t1 was let go"
        richness = max(sights[room].view.richness for room in rooms)
        before, by_rooms = person.here.get(position, (0, set()))
        assert richness > before, f"{person.user} got {position} twice"
        assert not by_rooms & set(rooms)
        person.here[position] = (richness, by_rooms | set(rooms))
        person.shown[position] = max(person.shown.get(position, 0), richness)
        for room in rooms:
            assert position > person.last.get(room, 0), f"{room} of {person.user} went back to {position}"
            person.last[room] = position
            if room in person.points:
                person.points[room] = max(person.points[room], position)

    def forget(self, person: Person, left: str) -> None:
        for book in (person.points, person.wanted, person.last):
            book.pop(left, None)
        # Who leaves a room and comes back asks anew for what it alone had brought, or shown as richly.
        for position, (_, rooms_here) in tuple(person.here.items()):
            staying = rooms_here - {left}
            if staying:
                sights = route(self.log[position - 1]).sights
                person.here[position] = (max(sights[room].view.richness for room in staying), staying)
            else:
                del person.here[position]

    def is_granted(self, person: Person, room: str) -> None:
        if room == WORKPLACE:
            start = person.hired_at.pop(0) - 1
            person.points[room] = person.wanted[room] = start
            return
        library = room.removeprefix("library:").removesuffix(":staff")
        [created] = [
            position
            for position, event in enumerate(self.log, start=1)
            if isinstance(event, LibraryCreated) and event.library_id == library
        ]
        person.points.setdefault(room, created - 1)
        person.wanted.setdefault(room, created - 1)

    def has_all(self, person: Person, until: int) -> None:
        """Everything that these rooms see, up to a position, has been shown as richly as they see it."""
        for position, event in enumerate(self.log[:until], start=1):
            sights = route(event).sights
            owed = [
                sights[room].view.richness for room in sights if person.wanted.get(room, position) < position
            ]
            if owed:
                assert person.shown.get(position, 0) >= max(owed), f"{person.user} has not got {position}"


Deliveries.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=60,
    deadline=None,
    # Shrinking so long a story takes minutes; the story as found is told instead.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestDeliveries = Deliveries.TestCase
