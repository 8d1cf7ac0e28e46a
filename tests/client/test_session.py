"""Whatever is dropped, resumed, joined and left: each event comes once, in order per room, none missing."""

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from studyspot.client.items import Event, SnapshotRequired
from studyspot.client.session import Session
from studyspot.wire.frames import Connect, Join, Leave, Since
from tests.client.model_server import AUTOMATIC, ModelServer

LIBRARIES = ("library:L1", "library:L2")
STAFF = ("library:L8:staff", "library:L9:staff")
happenings = st.lists(
    st.frozensets(st.sampled_from(["user:s1", *LIBRARIES, *LIBRARIES, *STAFF]), min_size=1, max_size=3),
    min_size=1,
    max_size=4,
)


class Conversation(RuleBasedStateMachine):
    """A client's session against the model of the fan-out, over connections that break at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.server = ModelServer()
        self.session = Session()
        self.requests: list[Connect | Join | Leave] = []
        self.granted: list[str] = []
        self.wanted_after: dict[str, int] = {}
        self.leaving: set[str] = set()
        self.delivered: list[Event] = []
        self.newest: dict[str, int] = {}
        self.given_up = 0
        self.is_connected = False
        self.was_connected = False

    @initialize(connects=st.booleans())
    def begin(self, connects: bool) -> None:
        if connects:
            self.connect()
            self.take_request()
            self.deliver(1)

    # What happens to the log.

    @rule(happened=happenings)
    def publish(self, happened: list[frozenset[str]]) -> None:
        for rooms in happened:
            self.server.publish(rooms - (set(STAFF) - set(self.granted)))

    @precondition(lambda self: len(self.granted) < len(STAFF))
    @rule(is_apart=st.booleans())
    def grant(self, is_apart: bool) -> None:
        room = STAFF[len(self.granted)]
        self.server.publish(frozenset({room}))
        self.server.grant(room, is_apart=is_apart)
        self.granted.append(room)
        if self.was_connected:
            self.wanted_after[room] = self.server.head - 1

    # What the network does.

    @rule()
    def drop(self) -> None:
        self.server.drop()
        self.requests.clear()
        self.leaving.clear()
        self.is_connected = False

    @precondition(lambda self: self.server.main is None and not self.requests)
    @rule()
    def connect(self) -> None:
        self.requests.append(self.session.connect("token", 1))

    @precondition(lambda self: self.server.main is None and self.was_connected)
    @rule()
    def begin_another_epoch(self) -> None:
        self.drop()
        self.server.epoch += 1

    @precondition(lambda self: self.requests)
    @rule()
    def take_request(self) -> None:
        match self.requests.pop(0):
            case Connect() as connect:
                self.server.connect(connect, self.granted)
            case Join() as join:
                self.server.join(join)
            case Leave() as leave:
                self.server.leave(leave)

    @precondition(lambda self: self.server.wire)
    @rule(frames=st.integers(1, 8))
    def deliver(self, frames: int) -> None:
        for _ in range(min(frames, len(self.server.wire))):
            frame = self.server.wire.popleft()
            for item in self.session.receive(frame):
                self.note(item)
            if frame.type == "connected":
                self.is_connected = True
                if not self.was_connected:
                    self.was_connected = True
                    # Staff rooms are named by `connected`; all begin at its head.
                    for room in (*AUTOMATIC, *self.granted):
                        self.wanted_after.setdefault(room, frame.head)
                self.requests += self.session.joins(self.session.missing_rooms)
            if frame.type == "left":
                self.leaving -= set(frame.rooms)

    # What the server does.

    @precondition(lambda self: self.server.main is not None)
    @rule(events=st.integers(1, 6))
    def serve(self, events: int) -> None:
        assert self.server.main is not None
        for _ in range(events):
            self.server.step(self.server.main)

    @precondition(lambda self: self.server.joining)
    @rule(events=st.integers(1, 6))
    def serve_a_join(self, events: int) -> None:
        lane = self.server.joining[0]
        for _ in range(events):
            if lane in self.server.joining:
                self.server.step(lane)

    @precondition(lambda self: self.server.main is not None)
    @rule()
    def beat(self) -> None:
        self.server.beat()

    # What the application does.

    @precondition(lambda self: self.was_connected)
    @rule(room=st.sampled_from(LIBRARIES), back=st.integers(0, 8))
    def join(self, room: str, back: int) -> None:
        if room in self.wanted_after or room in self.leaving:
            return
        position = max(self.given_up, self.server.head - back)
        since = Since(epoch=f"k{self.server.epoch}", position=position)
        if since.epoch != self.session.epoch:
            return
        self.session.want(room, since)
        self.wanted_after[room] = position
        self.newest[room] = 0
        if self.is_connected:
            self.requests += self.session.joins([room])

    @rule(room=st.sampled_from(LIBRARIES))
    def leave(self, room: str) -> None:
        if room not in self.wanted_after:
            return
        del self.wanted_after[room]
        self.session.unwant(room)
        if self.is_connected:
            self.leaving.add(room)
            self.requests.append(Leave(rooms=(room,)))
        elif self.server.main is not None or self.requests:
            # It was asked for by a connection that is being made: that one is left, and a new one made.
            self.drop()

    def note(self, item: object) -> None:
        match item:
            case Event():
                self.delivered.append(item)
                assert item.position > self.given_up
                for room in item.rooms:
                    assert self.newest.get(room, 0) < item.position, f"{item.position} is late in {room}"
                    self.newest[room] = item.position
            case SnapshotRequired(position=position):
                self.given_up = position
                for room in self.wanted_after:
                    self.wanted_after[room] = max(position, self.wanted_after[room])

    @invariant()
    def each_event_comes_once(self) -> None:
        positions = [event.position for event in self.delivered]
        assert len(set(positions)) == len(positions)

    def teardown(self) -> None:
        """Let everything arrive: then nothing is missing."""
        if self.server.main is not None:
            self.server.finish()
        elif not self.requests:
            self.connect()
        while self.requests or self.server.wire or self.server.main is None:
            if self.requests:
                self.take_request()
            else:
                self.deliver(5)
            if self.server.main is not None and not self.requests:
                self.server.finish()
        self.each_event_comes_once()
        got = {event.position for event in self.delivered}
        for position, rooms in enumerate(self.server.log, start=1):
            for room in rooms & self.wanted_after.keys():
                if position > self.wanted_after[room]:
                    assert position in got, f"{position} is missing in {room}"
        assert {room for event in self.delivered for room in event.rooms} <= {*AUTOMATIC, *LIBRARIES, *STAFF}


TestConversation = Conversation.TestCase
# A failure is printed as it was found: shrinking a conversation takes minutes.
TestConversation.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None, phases=[Phase.generate]
)
