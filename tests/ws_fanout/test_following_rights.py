"""Rights change while sockets are open: nothing after the event that ends a right reaches anyone by it."""

from datetime import timedelta
from typing import Any

import pytest

from studyspot.domain.events import AccountDisabled, AccountEnabled, AccountErased, Event
from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.events import (
    START,
    announced,
    booked,
    library_created,
    offered,
    pricing_updated,
    role_changed,
    staff_added,
    staff_removed,
)
from tests.ws_fanout.node import Client, Node, events, kinds, since

STAFF_OF_L1 = "library:L1:staff"
NOT_YOURS = "Only the owner and the staff of this library may be in this room."
SHUT_OUT = (CloseCode.REVOKED, "this account may not be used any more")
OUTDATED = (CloseCode.TOKEN_EXPIRED, "the token is of an earlier role: get a fresh one")


def by_staff_room(client: Client) -> list[int]:
    return [position for position, rooms in events(client) if STAFF_OF_L1 in rooms]


def test_who_becomes_staff_is_in_the_staff_room_from_that_event_on(node: Node) -> None:
    node.publish(library_created(), booked(booking="B1"))
    worker, _ = node.connect("t1", "staff")

    node.publish(booked(booking="B2"), staff_added(), booked(booking="B3"))

    assert worker.frames()[1] == {
        "type": "joined",
        "id": None,
        "rooms": [{"room": STAFF_OF_L1, "joined": True}],
        "resume": "live",
    }
    assert events(worker) == [(5, [STAFF_OF_L1])]


def test_staff_are_in_their_role_room_and_in_every_staff_room_of_theirs(node: Node) -> None:
    node.publish(library_created("L1"), library_created("L2"), staff_added("L1"), staff_added("L2"))

    worker, peer = node.connect("t1", "staff")

    assert worker.frames()[0]["rooms"] == [
        {"room": STAFF_OF_L1, "joined": True},
        {"room": "library:L2:staff", "joined": True},
    ]
    assert [*peer.session.lanes.main.rooms] == [
        *("everyone", "user:t1", "role:staff", STAFF_OF_L1, "library:L2:staff")
    ]


def test_who_is_removed_leaves_the_staff_room_at_that_event(node: Node) -> None:
    node.publish(library_created("L1"), library_created("L2"), staff_added("L1"), staff_added("L2"))
    worker, peer = node.connect("t1", "staff")

    node.publish(booked(booking="B1"), staff_removed(), booked(booking="B2"), booked("L2", booking="B3"))

    assert worker.frames()[2] == {"type": "left", "id": None, "rooms": [STAFF_OF_L1], "reason": NOT_YOURS}
    assert events(worker) == [(5, [STAFF_OF_L1]), (8, ["library:L2:staff"])]
    node.send(peer, {"type": "join", "id": 2, "rooms": [STAFF_OF_L1]})
    assert worker.frames()[-1]["rooms"][0]["code"] == "room-forbidden"


def test_a_resume_from_before_a_removal_brings_nothing_of_the_staff_room(node: Node) -> None:
    node.publish(library_created(), staff_added(), booked(), staff_removed(), booked(booking="B8"))

    worker, _ = node.connect("t1", "staff", rooms=["library:L1", STAFF_OF_L1], since=since(2))

    assert worker.frames()[0]["rooms"][1]["joined"] is False
    assert events(worker) == [(3, ["library:L1"]), (5, ["library:L1"])]


def test_a_replay_goes_on_without_the_room_that_was_lost_meanwhile(node: Node) -> None:
    node.publish(library_created(), staff_added(), *(booked(booking=f"B{n}") for n in range(300)))
    worker, peer = node.open(Client(full_bytes=20_000, reads=False))
    connect = {"type": "connect", "token": node.token("t1", "staff"), "since": since(2)}
    node.send(peer, connect | {"rooms": ["library:L1"]})

    node.publish(staff_removed())
    while worker.unread:
        node.read(worker, peer)

    left = kinds(worker).index("left")
    after_it = [frame["rooms"] for frame in worker.frames()[left:] if frame["type"] == "event"]
    assert 0 < len(by_staff_room(worker)) < 300
    assert after_it == [["library:L1"]] * (300 - len(by_staff_room(worker)))
    assert worker.frames()[-1]["type"] == "caught-up"


def test_a_join_that_waits_for_the_stream_ends_with_the_right_to_it() -> None:
    node = Node(Limits(window_events=5))
    node.publish(library_created(), staff_added(), *(booked(booking=f"B{n}") for n in range(20)))
    worker, peer = node.connect("t1", "staff")
    node.send(peer, {"type": "leave", "rooms": [STAFF_OF_L1]})
    node.hub.receive(
        peer, f'{{"type":"join","rooms":["{STAFF_OF_L1}"],"since":{{"epoch":"k3","position":2}}}}'
    )
    node.hub.step()
    [reading] = node.hub.replays.take_readings()

    node.publish(staff_removed())

    assert not reading.is_wanted()
    node.hub.replays.give_up(reading)
    node.settle()
    assert events(worker) == []
    assert kinds(worker) == ["connected", "left", "joined", "left"]


def test_a_slow_reader_gets_nothing_of_the_room_that_it_has_lost(node: Node) -> None:
    node.publish(library_created(), staff_added())
    worker, peer = node.open(Client(reads=False))
    node.send(peer, {"type": "connect", "token": node.token("t1", "staff")})
    for number in range(400):
        node.publish(booked(booking=f"B{number}"))
    assert "behind" in str(worker.unread)

    node.publish(staff_removed(), booked(booking="last"))
    while worker.unread:
        node.read(worker, peer)

    came = by_staff_room(worker)
    assert 0 < len(came) < 400
    assert came == [*range(3, 3 + len(came))], "all that came was written before the right ended"


def test_an_owner_and_an_admin_stay_where_another_right_takes_them(node: Node) -> None:
    node.publish(library_created("L1", "o1"), staff_added("L1", "o1"), staff_added("L1", "a1"))
    owner, _ = node.connect("o1", "library_owner")
    admin, _ = node.connect("a1", "admin", rooms=[STAFF_OF_L1])

    node.publish(staff_removed("L1", "o1"), staff_removed("L1", "a1"), booked())

    assert by_staff_room(owner) == by_staff_room(admin) == [6]
    assert "left" not in kinds(owner) + kinds(admin)


@pytest.mark.parametrize(("user", "former"), [("o1", "library_owner"), ("t1", "staff")])
def test_who_has_lost_the_role_sees_nothing_of_the_staff_room_any_more(
    node: Node, user: str, former: Any
) -> None:
    node.publish(library_created("L1", "o1"), staff_added("L1", "t1"), role_changed(user, "student", former))

    fresh, peer = node.connect(user, "student", since=since(1))
    node.send(peer, {"type": "join", "id": 2, "rooms": [STAFF_OF_L1]})
    assert fresh.frames()[-1]["rooms"][0]["code"] == "room-forbidden"
    node.publish(library_created("L2", user), staff_added("L2", user), booked(), booked("L2", booking="B2"))

    assert not any(room.endswith(":staff") for _, rooms in events(fresh) for room in rooms)
    assert kinds(fresh).count("joined") == 1


def test_who_was_removed_and_comes_back_is_in_the_room_again(node: Node) -> None:
    node.publish(library_created(), staff_added())
    worker, _ = node.connect("t1", "staff")

    node.publish(staff_removed(), booked(booking="B1"), staff_added(), booked(booking="B2"))

    assert kinds(worker) == ["connected", "left", "joined", "event"]
    assert by_staff_room(worker) == [6]


@pytest.mark.parametrize("ending", [AccountDisabled(user_id="s1"), AccountErased(user_id="s1")])
def test_who_is_shut_out_is_closed_at_that_event_on_every_socket(node: Node, ending: Event) -> None:
    first, _ = node.connect("s1", rooms=["library:L1"])
    second, _ = node.connect("s1")
    other, _ = node.connect("s2", rooms=["library:L1"])

    node.publish(library_created(), booked(booking="B1"), ending, booked(booking="B2"), announced())

    assert first.closed == second.closed == SHUT_OUT
    assert [position for position, _ in events(first)] == [1, 2]
    assert [position for position, _ in events(second)] == [1, 2]
    assert other.closed is None
    assert [position for position, _ in events(other)] == [1, 2, 4, 5]


def test_who_is_shut_out_is_not_let_in_until_they_are_enabled(node: Node) -> None:
    node.publish(AccountDisabled(user_id="s1"))

    refused, _ = node.connect("s1", since=since(0))
    node.publish(AccountEnabled(user_id="s1"))
    welcome, _ = node.connect("s1")

    assert (refused.closed, refused.frames()) == (SHUT_OUT, [])
    assert (welcome.closed, kinds(welcome)) == (None, ["connected"])


def test_a_change_of_role_closes_the_sockets_of_older_tokens_and_no_others(node: Node) -> None:
    before, _ = node.connect("t1", "student")
    already, _ = node.connect("t1", "staff")

    node.publish(library_created(), role_changed("t1", "staff", "student"), pricing_updated(), announced())

    assert before.closed == OUTDATED
    assert [position for position, _ in events(before)] == [1]
    assert already.closed is None
    assert [position for position, _ in events(already)] == [4]


def test_a_token_of_an_earlier_role_is_not_let_in_and_a_fresh_one_is(node: Node) -> None:
    node.publish(role_changed("t1", "staff", "student"))

    old, _ = node.connect("t1", "student")
    fresh, _ = node.connect("t1", "staff")
    node.pass_time(START - node.now.time + timedelta(minutes=1))
    from_elsewhere, _ = node.connect("t1", "student")

    assert (old.closed, old.frames()) == (OUTDATED, [])
    assert kinds(fresh)[0] == kinds(from_elsewhere)[0] == "connected"


@pytest.mark.parametrize(("role", "end"), [("student", OUTDATED), ("staff", None)])
def test_a_refresh_in_place_is_asked_the_same(node: Node, role: Any, end: Any) -> None:
    client, peer = node.connect("t1", "staff")
    node.publish(role_changed("t1", "staff", "student"))

    node.send(peer, {"type": "refresh", "id": 2, "token": node.token("t1", role)})

    assert client.closed == end


def test_an_offer_reaches_the_student_alone_and_an_announcement_everyone(node: Node) -> None:
    node.publish(library_created())
    student, _ = node.connect("s1", rooms=["library:L1"])
    owner, _ = node.connect("o1", "library_owner")
    other, _ = node.connect("s2", rooms=["library:L1"])

    node.publish(offered(), announced())

    assert events(student) == [(2, ["user:s1"]), (3, ["everyone"])]
    assert [frame["name"] for frame in student.frames()[1:]] == ["notification", "global:notification"]
    assert events(owner) == events(other) == [(3, ["everyone"])]
    assert other.frames()[-1]["event"].keys() == {"id", "type", "time", "sequence", "data"}


def test_a_deleted_name_is_not_shown_by_frames_that_were_made_before(node: Node) -> None:
    node.names["s1"] = "Asha"
    node.publish(library_created("L1", "o1"))
    owner, _ = node.connect("o1", "library_owner")
    node.publish(booked())

    del node.names["s1"]
    node.hub.forget_names()
    again, _ = node.connect("o1", "library_owner", since=since(1))

    assert owner.frames()[-1]["event"]["data"]["studentName"] == "Asha"
    assert again.frames()[1]["event"]["data"]["studentName"] == "s1"
