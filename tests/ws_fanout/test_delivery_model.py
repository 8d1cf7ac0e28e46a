"""Against a model of the log: whatever happens, a socket gets what the contract promises, and only that.

People connect, resume, join, leave, refresh their tokens, stop reading and drop at random; are hired, let go,
disabled and given other roles; the history begins anew; and the hub does its work a step at a time.
"""

from datetime import timedelta

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from studyspot.domain.people import Role
from studyspot.wire.frames import CloseCode
from tests.ws_fanout.model.contract import Contract
from tests.ws_fanout.model.log import Happening, Kind
from tests.ws_fanout.model.play import JUST_FORGOTTEN, OLD_EPOCH, OLDEST_KNOWN, ROLES, Play
from tests.ws_fanout.model.sockets import HOUR

LIBRARIES = ("L1", "L2")
# The same few again and again: of public frames about one, the newest may stand for all.
BOOKINGS = ("", "X1", "X2", "X3")
ROOMS = (
    *("library:L1", "library:L2", "library:L3", "library:L1:staff", "library:L2:staff"),
    *("everyone", "user:s1", "role:student", "role:library_owner", "pantry"),
)
SHOWN: tuple[Kind, ...] = (
    *("booked", "booked", "booked", "cancelled", "checked-in", "moved", "paid", "held", "released"),
    *("service", "seat", "priced", "library-updated", "notified", "announced"),
)
people = st.sampled_from(tuple(ROLES))
some_rooms = st.lists(st.sampled_from(ROOMS), max_size=4)
# How far back from the head; it is beyond it where that is negative, and nothing is known where it is none.
backs = st.one_of(st.none(), st.integers(-3, 25), st.sampled_from((OLD_EPOCH, JUST_FORGOTTEN, OLDEST_KNOWN)))
anyone = st.integers(0, 30)


class Fanout(Play, RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.publish([self.new("library-created", library, "o1") for library in LIBRARIES])
        self.all_connect()

    # What happens in the world.

    @rule(
        kinds=st.lists(
            st.tuples(
                st.sampled_from(SHOWN),
                st.sampled_from(LIBRARIES),
                st.sampled_from(("s1", "s2")),
                st.sampled_from(BOOKINGS),
            ),
            min_size=1,
            max_size=8,
        )
    )
    def things_happen(self, kinds: list[tuple[Kind, str, str, str]]) -> None:
        self.publish([self.new(*kind) for kind in kinds])

    @rule(batches=st.integers(1, 4), library=st.sampled_from(LIBRARIES), booking=st.sampled_from(BOOKINGS))
    def much_happens(self, batches: int, library: str, booking: str) -> None:
        for _ in range(batches):
            happened = [self.new("booked", library, "s1") for _ in range(3)]
            about_one = [self.new(kind, library, "s1", booking) for kind in ("booked", "checked-in")]
            self.publish([*happened, *about_one])

    @rule(owner=st.sampled_from(("o1", "s2")))
    def a_library_opens(self, owner: str) -> None:
        library = f"N{self.happened}"
        opened = [self.new("library-created", library, owner), self.new("priced", library, owner)]
        self.publish([self.new("booked", "L1", "s1"), *opened, self.new("held", library, "s1")])

    @rule(user=st.sampled_from(("t1", "s1", "o1", "a1")), library=st.sampled_from(LIBRARIES))
    def somebody_is_hired_or_let_go(self, user: str, library: str) -> None:
        kind: Kind = "let-go" if self.contract.town.works_at(user, library) else "hired"
        self.publish([self.new("booked", library, "s1"), self.new(kind, library, user)])
        self.publish([self.new(kind, library, "s1") for kind in ("held", "booked")])

    @rule(user=people)
    def somebody_is_disabled_or_enabled(self, user: str) -> None:
        kind: Kind = "enabled" if self.contract.town.is_disabled(user) else "disabled"
        around = self.new("booked", "L1", "s1"), self.new("notified", "L1", user)
        self.publish([around[0], self.new(kind, "_", user), around[1], self.new("announced", "_", user)])

    @rule(user=people, role=st.sampled_from(("student", "library_owner", "staff")))
    def somebody_gets_another_role(self, user: str, role: Role) -> None:
        changed = Happening("role-changed", "_", user, "role", role)
        self.publish([self.new("booked", "L1", "s1"), changed, self.new("notified", "L1", user)])

    @rule(minutes=st.sampled_from((0.002, 0.005, 0.5, 1, 20, 50)))
    def time_passes(self, minutes: float) -> None:
        self.node.pass_time(timedelta(minutes=minutes))
        for socket in self.sockets:
            if socket.talk.expires_at is not None and socket.talk.expires_at <= self.node.now.time:
                socket.talk.must_end(CloseCode.TOKEN_EXPIRED, len(self.contract.log) + 1)

    @rule()
    def the_stream_falls_silent_or_is_heard_again(self) -> None:
        is_silent = self.node.hub.stale_since is None
        before = {socket: socket.talk.beats for socket in self.sockets}
        self.node.hub.tell_staleness(self.node.now.time if is_silent else None)
        self.settle()
        for socket, beats in before.items():
            if socket.line.reads and socket.talk.ends is None:
                assert socket.talk.beats > beats
                assert socket.talk.stale_told == is_silent

    @rule(back=st.integers(0, 30))
    def the_stream_forgets(self, back: int) -> None:
        self.settle()
        first = max(self.contract.first_position, len(self.contract.log) - back)
        # Nobody is being served from what is forgotten: whoever reads the stream turns those away.
        if all(socket.line.reads for socket in self.sockets):
            self.contract.first_position = self.node.hub.first_position = first
            for back in (JUST_FORGOTTEN, OLDEST_KNOWN):
                self.connect("s3", ["library:L1"], self.since(back))

    @rule(anew=st.integers(0, 3))
    def the_node_follows_anew(self, anew: int) -> None:
        for socket in self.sockets:
            socket.talk.must_end(CloseCode.RESTART, len(self.contract.log) + 1)
        if anew == 0:
            self.epochs += 1
            self.contract = Contract(f"k{self.epochs}")
        self.node.begin(self.contract.epoch, self.contract.first_position)
        self.judge()
        if anew == 0:
            self.begin()
        else:
            self.all_connect()

    @rule()
    def the_hub_takes_a_step(self) -> None:
        self.node.hub.step()

    @rule(count=st.integers(1, 6))
    def the_stream_is_read(self, count: int) -> None:
        self.node.read_stream(count)

    # What clients do.

    @rule(
        user=people,
        rooms=some_rooms,
        back=backs,
        role=st.none() | st.sampled_from(("student", "staff")),
        conflate=st.booleans(),
    )
    def connects(
        self, user: str, rooms: list[str], back: int | None, role: Role | None, conflate: bool
    ) -> None:
        self.connect(user, rooms, self.since(back), role, conflate=conflate)

    @precondition(lambda self: self.sockets)
    @rule(which=anyone, rooms=some_rooms, back=backs)
    def joins(self, which: int, rooms: list[str], back: int | None) -> None:
        socket, since = self.pick(which), self.since(back)
        frame = {"type": "join", "id": 2, "rooms": rooms} | ({"since": since.body()} if since else {})
        self.contract.joins(socket.talk, rooms, since)
        self.node.tell(socket.peer, frame)

    @precondition(lambda self: self.sockets)
    @rule(which=anyone, rooms=some_rooms, held=st.lists(anyone, max_size=3))
    def leaves(self, which: int, rooms: list[str], held: list[int]) -> None:
        socket = self.pick(which)
        its = list(socket.talk.held)
        asked = rooms + [its[index % len(its)] for index in held if its]
        self.contract.leaves(socket.talk, asked)
        self.node.tell(socket.peer, {"type": "leave", "id": 3, "rooms": asked})

    @precondition(lambda self: self.sockets)
    @rule(which=anyone, role=st.none() | st.sampled_from(("student", "staff", "library_owner", "admin")))
    def refreshes(self, which: int, role: Role | None) -> None:
        socket = self.pick(which)
        role = role or socket.talk.role
        self.contract.refreshes(socket.talk, role, self.node.now.time, self.node.now.time + HOUR)
        frame = {"type": "refresh", "id": 4, "token": self.node.token(socket.talk.user, role, HOUR)}
        self.node.tell(socket.peer, frame)

    @precondition(lambda self: self.sockets)
    @rule(which=anyone, what=st.sampled_from(("ping", "expired", "another", "garbage", "twice", "no-frame")))
    def asks_what_changes_nothing(self, which: int, what: str) -> None:
        self.pick(which).ask(what)

    @precondition(lambda self: self.sockets)
    @rule(which=anyone, what=st.sampled_from(("[]", "{", b"{}", "drops")))
    def ends(self, which: int, what: str | bytes) -> None:
        socket = self.pick(which)
        if what == "drops":
            socket.drop()
            self.sockets.remove(socket)
        else:
            socket.talk.must_end(CloseCode.MALFORMED, len(self.contract.log) + 1)
            self.node.tell(socket.peer, what)

    @precondition(lambda self: self.sockets)
    @rule(which=anyone)
    def stops_reading(self, which: int) -> None:
        self.pick(which).line.reads = False

    @precondition(lambda self: self.sockets)
    @rule(which=anyone, most=st.integers(1, 6000))
    def reads_some(self, which: int, most: int) -> None:
        self.pick(which).take(most)

    # What must hold.

    @invariant()
    def nothing_wrong_has_been_received(self) -> None:
        self.judge()

    @rule()
    def everything_arrives_in_the_end(self) -> None:
        while stalled := [socket for socket in self.sockets if not socket.line.reads]:
            for socket in stalled:
                socket.take(10**6)
        self.settle()
        # Long enough for what waits for newer frames.
        self.node.pass_time(timedelta(seconds=1))
        self.settle()
        for socket in self.sockets:
            socket.has_everything()

    def teardown(self) -> None:
        self.everything_arrives_in_the_end()
        self.judge()


Fanout.TestCase.settings = settings(
    # `--hypothesis-profile=random` searches for minutes.
    max_examples=60 if settings().derandomize else 3000,
    stateful_step_count=60,
    deadline=None,
    # Shrinking so long a story takes minutes; the story as found is told instead.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestFanout = Fanout.TestCase
