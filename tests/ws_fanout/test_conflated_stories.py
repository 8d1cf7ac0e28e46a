"""Whatever happens to sockets that conflate, or fall behind: the seats are the log's at each promise.

Positions rise over a socket, and nothing but public seat frames that newer ones stand for is missing.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from studyspot.client.items import Event
from studyspot.ws_fanout.conflation import seat_key
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.routed import routed
from tests.client.seat_days import STEPS, SeatDays, Step
from tests.ws_fanout.events import message
from tests.ws_fanout.node import Node
from tests.ws_fanout.watcher import Watcher

ROOM = "library:L1"
JOINABLE = (ROOM, "library:L2", "role:library_owner")


STORIES = settings(
    deadline=None,
    # Shrinking so long a story takes minutes; the story as found is told instead.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)


class Act(NamedTuple):
    """Something that a watcher does, or that happens around it; `which` and `amount` choose."""

    kind: str
    which: int
    amount: int


ACTS = st.lists(
    st.builds(
        Act,
        st.sampled_from(
            ("publish",) * 6
            + ("step", "step", "turn", "half a turn", "heartbeats", "ping", "join", "join", "leave")
            + ("stall", "stall", "read", "read", "drop", "come back")
        ),
        st.integers(0, 5),
        st.integers(0, 12),
    ),
    min_size=10,
    max_size=60,
)


class Story:
    """A node with a small window, and people of every kind who watch the same library."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.node = Node(
            Limits(window_events=6, unsent_bytes=3000, frames_at_once=10**6, stalled_for=timedelta(days=1))
        )
        self.coming = SeatDays(steps).events
        self.keys: list[Any] = []
        people: tuple[tuple[str, Any, bool], ...] = (
            ("s1", "student", True),
            ("s2", "student", False),
            ("student-of-o0", "student", True),
            ("owner", "library_owner", True),
            ("o2", "library_owner", True),
            ("a1", "admin", True),
        )
        self.watchers = [
            Watcher(self.node, user, role, conflate=conflate, full_bytes=1000)
            for user, role, conflate in people
        ]
        self.publish(2)
        for watcher in self.watchers:
            watcher.join(ROOM)
            watcher.connect()

    def do(self, act: Act) -> None:
        watcher = self.watchers[act.which]
        match act.kind:
            case "publish":
                self.publish(act.amount)
            case "step":
                self.node.hub.step()
                if act.amount % 3 == 0:
                    self.node.settle()
            case "turn":
                self.pass_time(0.25)
            case "half a turn":
                self.pass_time(0.125)
            case "heartbeats":
                self.pass_time(26)
            case "come back" if not watcher.is_connected:
                watcher.connect()
            case _ if not watcher.is_connected:
                return
            case "ping":
                watcher.ping()
            case "join":
                # The owners' room is an administrator's on request; owners are in it by themselves.
                room = JOINABLE[act.amount % (3 if watcher.role == "admin" else 2)]
                if not watcher.session.wants(room):
                    watcher.join(room, max(0, self.node.hub.head - act.amount * 3))
            case "leave" if watcher.client.reads:
                if watcher.session.wants(JOINABLE[1]):
                    watcher.leave(JOINABLE[1])
            case "stall":
                watcher.client.reads = False
            case "read":
                watcher.read(act.amount * 300 or None)
            case "drop":
                watcher.drop()
        self.listen()

    def publish(self, count: int) -> None:
        batch, self.coming = self.coming[:count], self.coming[count:]
        first = len(self.node.log) + 1
        self.keys += map(seat_key, batch)
        self.node.log += batch
        self.node.hub.publish(
            [routed(message(position, event)) for position, event in enumerate(batch, first)]
        )

    def pass_time(self, seconds: float) -> None:
        for watcher in self.watchers:
            if watcher.is_connected:
                self.node.hub.heard_pong(watcher.peer)
        self.node.pass_time(timedelta(seconds=seconds))

    def listen(self) -> None:
        for watcher in self.watchers:
            if watcher.is_connected:
                watcher.listen()

    def end(self) -> None:
        """Let everybody come back and read all there is."""
        self.publish(len(self.coming))
        for watcher in self.watchers:
            if not watcher.is_connected:
                watcher.connect()
        for seconds in (0.25, 0.25, 26, 0.25):
            self.node.settle()
            while any(watcher.client.unread for watcher in self.watchers):
                for watcher in self.watchers:
                    watcher.read()
                self.node.settle()
            self.pass_time(seconds)
        self.node.settle()
        self.listen()


@given(STEPS, ACTS)
@settings(STORIES, max_examples=40)
def test_the_judge_finds_no_fault_in_any_story(steps: list[Step], acts: list[Act]) -> None:
    story = Story(steps)
    for act in acts:
        story.do(act)
    story.end()

    for watcher in story.watchers:
        assert watcher.client.closed is None
        assert watcher.faults() == [], watcher.user
        assert newest(watcher.delivered) == newest_of_log(story.keys)


@given(STEPS, ACTS)
@settings(STORIES, max_examples=25)
def test_at_each_promise_the_seats_are_those_of_the_log(steps: list[Step], acts: list[Act]) -> None:
    story = Story(steps)
    for act in acts:
        # What one has on another room's account, or from before, is judged above.
        if act.kind not in ("join", "leave", "drop"):
            story.do(act)
    story.end()

    for watcher in story.watchers:
        seats: dict[Any, int] = {}
        last = 0
        for frame in watcher.told:
            if frame["type"] == "event":
                assert frame["position"] > last
                last = frame["position"]
                if (key := story.keys[last - 1]) is not None and key[0] == "L1":
                    seats[key] = last
            elif frame["type"] in ("caught-up", "heartbeat") and ROOM in frame.get("rooms", (ROOM,)):
                last = max(last, frame["position"])
                assert seats == newest_of_log(story.keys[: frame["position"]]), watcher.user


def newest(delivered: Sequence[Event]) -> dict[Any, int]:
    """The newest position of each occupation, and of each seat's service, in the library."""
    found: dict[Any, int] = {}
    for event in delivered:
        if (ROOM in event.rooms or event.data.get("libraryId") == "L1") and "state" in event.data:
            occupation = event.data["occupation"]
            key = ("L1", "occupation", occupation) if occupation else ("L1", "seat", event.data["seatId"])
            found[key] = max(found.get(key, 0), event.position)
    return found


def newest_of_log(keys: Sequence[Any]) -> dict[Any, int]:
    return {key: position for position, key in enumerate(keys, start=1) if key is not None and key[0] == "L1"}
