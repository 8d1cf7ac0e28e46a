"""Conflation: who asked, or is behind, gets of each occupation's public frames the newest, in order."""

from datetime import timedelta
from typing import Any

import pytest

from studyspot.domain.events import Event
from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.dispatch import HELD_BYTES
from studyspot.ws_fanout.limits import Limits
from tests.ws_fanout.events import (
    booked,
    cancelled,
    checked_in,
    checked_out,
    library_created,
    pricing_updated,
    seat_added,
    service_changed,
)
from tests.ws_fanout.node import Client, Node, events, kinds, since

TURN = Limits().conflate_every


def positions(client: Client) -> list[int]:
    return [position for position, _ in events(client)]


def asked(node: Node, *, user: str = "s1", rooms: tuple[str, ...] = ("library:L1",)) -> Client:
    client, _ = node.connect(user, rooms=list(rooms), conflate=True)
    return client


def stay(booking: str = "B1", student: str = "s9") -> tuple[Event, ...]:
    """One occupation, from its booking to its end."""
    return (
        booked(student=student, booking=booking),
        checked_in(student=student, booking=booking),
        checked_out(student=student, booking=booking),
    )


def test_the_newest_of_an_occupation_comes_at_its_own_place_and_others_get_all(node: Node) -> None:
    conflated, (prompt, _) = asked(node), node.connect("s2", rooms=["library:L1"])

    node.publish(booked(student="s9", booking="B1"), booked(student="s8", booking="B2"))
    node.publish(checked_in(student="s9", booking="B1"))
    node.pass_time(TURN)

    assert positions(conflated) == [2, 3]
    assert [frame["event"]["data"]["state"] for frame in conflated.frames()[1:]] == ["booked", "occupied"]
    assert positions(prompt) == [1, 2, 3]


def test_public_seat_frames_wait_no_longer_than_a_turn(node: Node) -> None:
    conflated = asked(node)
    for _ in range(3):
        node.pass_time(TURN / 5)
    node.publish(booked(student="s9"))
    node.pass_time(TURN / 5)
    assert positions(conflated) == []

    for _ in range(4):
        node.pass_time(TURN / 5)
    assert positions(conflated) == [1]
    node.pass_time(TURN)
    node.publish(cancelled(student="s9"))
    assert positions(conflated) == [1]
    node.pass_time(TURN)
    assert positions(conflated) == [1, 2]


def test_any_other_event_goes_out_at_once_and_after_what_waits(node: Node) -> None:
    conflated = asked(node)

    node.publish(*stay())
    assert positions(conflated) == []
    node.publish(pricing_updated(), booked(student="s8", booking="B2"))

    assert positions(conflated) == [3, 4]
    node.publish(seat_added())
    assert positions(conflated) == [3, 4, 5, 6]


def test_what_waits_goes_out_before_an_answer(node: Node) -> None:
    client, peer = node.connect("s1", rooms=["library:L1"], conflate=True)
    node.publish(*stay())

    node.send(peer, {"type": "ping", "id": 5})

    assert kinds(client) == ["connected", "event", "pong"]
    assert positions(client) == [3]


def test_a_heartbeat_promises_nothing_that_still_waits(node: Node) -> None:
    client, peer = node.connect("s1", rooms=["library:L1"], conflate=True)
    node.publish(*stay())
    node.hub.tell_staleness(node.now.time)
    node.settle()

    assert kinds(client) == ["connected", "event", "heartbeat"]
    assert (positions(client), client.frames()[-1]["position"]) == ([3], 3)

    node.pass_time(timedelta(seconds=24))
    node.publish(booked(student="s8", booking="B2"))
    node.hub.heard_pong(peer)
    node.pass_time(timedelta(seconds=1))
    assert (positions(client), client.frames()[-1]["position"]) == ([3, 4], 4)


def test_what_waits_goes_out_before_the_close(node: Node) -> None:
    client, peer = node.connect("s1", rooms=["library:L1"], conflate=True)
    node.publish(*stay())

    node.hub.close(peer, CloseCode.DRAINING, "away")

    assert positions(client) == [3]


def test_what_waits_goes_out_before_the_close_for_too_many_pings(node: Node) -> None:
    client, peer = node.connect("s1", rooms=["library:L1"], conflate=True)
    node.publish(*stay())

    while client.closed is None:
        node.hub.heard_frame(peer)

    assert client.closed[0] is CloseCode.TOO_MANY_FRAMES
    assert positions(client) == [3]


def test_what_waits_goes_out_before_another_room_is_replayed(node: Node) -> None:
    node.publish(library_created("L2"), booked("L2", "s9", "B2"))
    client, peer = node.connect("s1", rooms=["library:L1"], conflate=True)
    node.publish(*stay())

    node.send(peer, {"type": "join", "id": 2, "rooms": ["library:L2"], "since": since(1)})

    assert positions(client) == [5, 2]
    assert client.frames()[-1] == {"type": "caught-up", "position": 5, "rooms": ["library:L2"]}


def test_what_is_not_public_alone_is_never_left_out(node: Node) -> None:
    node.publish(library_created("L1", "o1"))
    owner, _ = node.connect("o1", "library_owner", rooms=["library:L1"], conflate=True)
    student, _ = node.connect("s9", rooms=["library:L1"], conflate=True)
    rival, _ = node.connect("o2", "library_owner", rooms=["library:L1"], conflate=True)

    node.publish(*stay())
    node.pass_time(TURN)

    assert positions(owner) == [2, 3, 4]
    assert positions(student) == [2, 3, 4]
    # The summary of a new booking is another room's; that somebody came and went is the public's alone.
    assert events(rival) == [(2, ["role:library_owner", "library:L1"]), (4, ["library:L1"])]


def test_a_seats_service_has_no_occupation_and_is_of_the_seat(node: Node) -> None:
    conflated = asked(node, rooms=("library:L1", "library:L2"))

    node.publish(service_changed(), service_changed("L2"), booked(student="s9"))
    node.publish(service_changed(in_service=True), service_changed(seat="S18"))
    node.pass_time(TURN)

    assert positions(conflated) == [2, 3, 4, 5]


def test_what_waits_is_bounded(node: Node) -> None:
    client, peer = node.connect("s1", rooms=["library:L1"], conflate=True)
    assert peer.held is not None

    for number in range(500):
        node.publish(booked(student="s9", booking=f"B{number}"))
        assert peer.held.size_bytes < HELD_BYTES + 1000

    assert len(positions(client)) > 300
    node.pass_time(TURN)
    assert positions(client) == list(range(1, 501))


def test_a_socket_that_is_gone_waits_for_nothing(node: Node) -> None:
    client, peer = node.connect("s1", rooms=["library:L1"], conflate=True)
    node.publish(*stay())

    node.hub.gone(peer)
    node.pass_time(TURN)

    assert positions(client) == []
    assert node.hub.room_count == 0


@pytest.mark.parametrize("window_events", [100, 1], ids=["window", "stream"])
@pytest.mark.parametrize(("conflate", "brought"), [(True, [2, 5, 6]), (False, [2, 3, 4, 5, 6])])
def test_a_replay_leaves_out_only_for_who_asked(
    window_events: int, conflate: bool, brought: list[int]
) -> None:
    node = Node(Limits(window_events=window_events))
    node.publish(library_created(), pricing_updated(), *stay(), booked(student="s8", booking="B2"))

    client, _ = node.connect("s1", rooms=["library:L1"], since=since(1), conflate=conflate)

    if window_events == 100:
        assert positions(client) == brought
    else:
        # A page of the stream is one event in these tests: nothing is replaced in it.
        assert positions(client) == [2, 3, 4, 5, 6]
    assert client.frames()[-1]["type"] == "caught-up"


def test_who_is_behind_gets_the_newest_alone_until_it_has_caught_up() -> None:
    node = Node(Limits(unsent_bytes=4000))
    client, peer = node.connect("s1", rooms=["library:L1"])
    client.reads, client.full_bytes = False, 1000
    for number in range(20):
        node.publish(*stay(f"B{number}"))
    assert positions(client) == []

    client.reads = True
    node.read(client, peer)
    node.publish(*stay("B99"))

    frames = client.frames()
    [at] = [index for index, frame in enumerate(frames) if frame["type"] == "behind"]
    [end] = [index for index, frame in enumerate(frames) if frame["type"] == "caught-up"]
    before = [frame["position"] for frame in frames[1:at]]
    assert before == list(range(1, len(before) + 1)), "nothing is left out before"
    newest = [position for position in range(3, 61, 3) if position > len(before)]
    assert [frame["position"] for frame in frames[at + 1 : end]] == newest
    assert [frame["position"] for frame in frames[end + 1 :]] == [61, 62, 63], "nor after"


def test_what_waits_when_its_socket_falls_behind_follows_from_the_log() -> None:
    node = Node(Limits(unsent_bytes=1000))
    client, peer = node.connect("s1", rooms=["library:L1"], conflate=True)
    client.reads = False
    node.publish(pricing_updated(), pricing_updated(version=2))
    node.publish(pricing_updated(version=3), pricing_updated(version=4), booked(student="s9"))

    client.reads = True
    node.pass_time(TURN)
    node.read(client, peer)

    assert positions(client) == [1, 2, 3, 4, 5]
    assert kinds(client).count("behind") == 1


def test_a_heartbeat_within_a_replay_promises_nothing_whose_newer_one_is_to_come() -> None:
    node = Node(Limits(frames_at_once=10**6))
    first = [booked(student="s9", booking=f"B{number}") for number in range(600)]
    last = [cancelled(student="s9", booking=f"B{number}") for number in range(600)]
    for start in range(0, 600, 100):
        node.publish(*first[start : start + 100], *last[start : start + 100])
    client, peer = node.open(Client(full_bytes=1000, reads=False))
    node.send(
        peer,
        {
            "type": "connect",
            "token": node.token("s1"),
            "rooms": ["library:L1"],
            "since": since(0),
            "conflate": True,
        },
    )
    seen: dict[str, int] = {}
    promised = 0
    while client.unread or promised < node.hub.head:
        node.hub.tell_staleness(None)
        node.settle()
        heard = len(client.frames())
        node.read(client, peer, 5000)
        for frame in client.frames()[heard:]:
            if frame["type"] == "event":
                seen[frame["event"]["data"]["occupation"]] = frame["position"]
            elif "position" in frame:
                promised = frame["position"]
                owed: dict[Any, int] = {
                    event.occupation: position  # type: ignore[union-attr]
                    for position, event in enumerate(node.log[:promised], start=1)
                }
                assert {key: seen[key] for key in owed} == owed


def test_what_was_left_out_does_not_stand_for_what_another_room_shows_of_it(node: Node) -> None:
    """An administrator who saw a library at a glance joins the room that tells of every new booking."""
    admin, peer = node.connect("a1", "admin", rooms=["library:L1"], conflate=True)
    node.publish(*stay())
    node.pass_time(TURN)

    node.send(peer, {"type": "join", "rooms": ["role:library_owner"], "since": since(0)})

    assert events(admin) == [(3, ["library:L1"]), (1, ["role:library_owner"])]


def test_the_metrics_count_what_was_left_out(node: Node) -> None:
    asked(node)
    node.publish(*stay())
    node.pass_time(TURN)
    asked(node, user="s2").frames()
    node.connect("s3", rooms=["library:L1"], since=since(0), conflate=True)
    node.pass_time(TURN)

    samples = [sample for metric in node.hub.metrics._conflated.collect() for sample in metric.samples]
    assert [sample.value for sample in samples if sample.name.endswith("_total")] == [4.0]
