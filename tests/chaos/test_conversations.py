"""The judge on single conversations: what a correct server may do, and what it may not."""

import pytest

from studyspot.checker.log import Log
from studyspot.checker.passages import Delivery
from studyspot.checker.records import Record
from studyspot.checker.rooms import Rooms
from studyspot.checker.verdict import Kind
from tests.chaos import recorded_day as day
from tests.chaos.conversation import Conversation

LIBRARY, STAFF, OWNERS = "library:L1", "library:L1:staff", "role:library_owner"


def live_in_the_library(conversation: Conversation, after: int) -> Conversation:
    """Everything that s1 sees in the library and by themself after a position."""
    rooms = ("user:s1", "role:student", LIBRARY)
    for record in conversation.records[after:]:
        if Rooms(Log(conversation.records)).views_of(record.position).keys() & set(rooms):
            conversation.event(record.position, *rooms)
    return conversation


def test_a_live_room_is_clean() -> None:
    conversation = live_in_the_library(Conversation().connect(LIBRARY, head=7), 7)
    assert conversation.verdict().clean, str(conversation.verdict())


def test_a_replay_by_join_may_interleave_with_other_rooms() -> None:
    conversation = Conversation().connect(head=9).event(10, "user:s1")
    conversation.join(LIBRARY, since=7, resume="replaying")
    conversation.event(8, LIBRARY).event(15, "user:s1").event(9, LIBRARY)
    # Another room has brought 10 already, and told more.
    for position in (11, 12, 13, 14):
        conversation.event(position, LIBRARY)
    conversation.caught_up(15, LIBRARY).heartbeat(15)
    assert conversation.verdict().clean, str(conversation.verdict())


def test_a_replay_by_join_that_leaves_one_out_is_found() -> None:
    conversation = Conversation().connect(head=15).join(LIBRARY, since=7, resume="replaying")
    for position in (8, 10, 11, 12, 13, 14):
        conversation.event(position, LIBRARY)
    assert conversation.caught_up(15, LIBRARY).found() == {(Kind.GAP, 9)}


def test_what_another_room_brought_counts_only_when_it_told_as_much() -> None:
    """An owner hears of a booking elsewhere as a summary: the library's room must still bring its seat."""
    conversation = Conversation("w2", "library_owner").connect(head=7)
    conversation.event(8, OWNERS).event(9, OWNERS)
    conversation.join(LIBRARY, since=7, resume="replaying").event(8, LIBRARY)
    conversation.event(10, LIBRARY)
    assert (Kind.GAP, 9) in conversation.found(settled=False)
    conversation = Conversation("w2", "library_owner").connect(head=7)
    conversation.event(8, OWNERS).event(9, OWNERS)
    conversation.join(LIBRARY, since=7, resume="replaying").event(8, LIBRARY).event(9, LIBRARY)
    assert conversation.event(10, LIBRARY).verdict(settled=False).clean


def test_a_room_joined_live_starts_wherever_the_server_is() -> None:
    conversation = Conversation().connect(head=8).join(LIBRARY)
    conversation.event(10, "user:s1", LIBRARY).event(12, LIBRARY)
    assert conversation.found(settled=False) == {(Kind.GAP, 11)}


def test_a_room_that_was_left_brings_nothing_more() -> None:
    conversation = Conversation().connect(LIBRARY, head=7).leave(LIBRARY)
    conversation.event(8, "user:s1").event(10, "user:s1").event(15, "user:s1").heartbeat(15)
    assert conversation.verdict().clean, str(conversation.verdict())
    assert (Kind.LEAK, 12) in conversation.event(12, LIBRARY).found()


def test_a_room_that_was_left_and_is_joined_from_before_comes_again() -> None:
    conversation = Conversation().connect(LIBRARY, head=7)
    conversation.event(8, "user:s1", LIBRARY).event(9, LIBRARY).leave(LIBRARY)
    conversation.join(LIBRARY, since=7, resume="replaying").event(9, LIBRARY)
    assert conversation.verdict(settled=False).clean, str(conversation.verdict(settled=False))
    # Another room of the session has brought 8, and more of it.
    assert conversation.event(8, LIBRARY).found(settled=False) == {(Kind.TWICE, 8)}


def test_so_it_does_where_the_rooms_that_stay_see_less() -> None:
    conversation = Conversation("w2", "library_owner").connect(LIBRARY, head=7)
    conversation.event(8, OWNERS, LIBRARY).event(9, OWNERS, LIBRARY).leave(LIBRARY)
    conversation.join(LIBRARY, since=7, resume="replaying").event(8, LIBRARY)
    assert conversation.verdict(settled=False).clean, str(conversation.verdict(settled=False))
    conversation.event(8, LIBRARY).event(10, LIBRARY)
    assert conversation.found(settled=False) == {(Kind.TWICE, 8), (Kind.GAP, 9)}


def test_what_happened_before_the_server_joined_a_room_live_is_not_handed_over() -> None:
    """A resume from another room's lower point brings it; the client has seen a later one of the room."""
    conversation = Conversation().connect(head=8).join(LIBRARY).event(12, LIBRARY).drop()
    conversation.connect(LIBRARY, head=15, since=8, resume="replaying")
    live_in_the_library(conversation, 8)
    rooms = {10: "user:s1", 12: LIBRARY, 13: LIBRARY, 14: LIBRARY, 15: "user:s1"}
    handed_over = [Delivery(position, [room], frozenset({"seatId"})) for position, room in rooms.items()]
    conversation.socket.delivered = handed_over
    assert conversation.verdict().clean, str(conversation.verdict())
    del handed_over[1]
    assert conversation.found() == {(Kind.GAP, 12)}


def test_a_room_joined_live_begins_where_its_client_is_when_that_is_answered() -> None:
    conversation = Conversation().connect(head=7).event(8, "user:s1").asks_to_join(LIBRARY)
    conversation.event(10, "user:s1").has_joined(LIBRARY)
    conversation.drop().connect(LIBRARY, head=15, since=7, resume="replaying")
    live_in_the_library(conversation, 7)
    rooms = {8: "user:s1", 10: "user:s1", **dict.fromkeys(range(11, 15), LIBRARY), 15: "user:s1"}
    handed_over = [Delivery(position, [room], frozenset({"seatId"})) for position, room in rooms.items()]
    conversation.socket.delivered = handed_over
    assert conversation.verdict().clean, str(conversation.verdict())
    del handed_over[2]
    assert conversation.found() == {(Kind.GAP, 11)}


def test_a_new_epoch_begins_anew() -> None:
    conversation = Conversation().connect(LIBRARY, head=7).drop()
    conversation.connect(LIBRARY, head=14, since=7, resume="snapshot-required").event(15, "user:s1")
    assert conversation.verdict().clean, str(conversation.verdict())


def test_a_resume_from_before_the_drop_repeats_only_across_the_connections() -> None:
    conversation = Conversation().connect(head=7).event(8, "user:s1").drop()
    conversation.connect(head=15, since=7, resume="replaying")
    conversation.event(8, "user:s1").event(10, "user:s1").event(15, "user:s1")
    conversation.caught_up(15, "everyone", "user:s1", "role:student")
    assert conversation.verdict().clean, str(conversation.verdict())


def test_what_is_older_than_the_join_of_a_room_is_not_handed_over() -> None:
    """A resume from another room's lower point brings it again; the client has it from its snapshot."""
    conversation = Conversation().connect(head=7).join(LIBRARY, since=14)
    conversation.socket.delivered = []
    conversation.drop().connect(LIBRARY, head=15, since=7, resume="replaying")
    live_in_the_library(conversation, 7)
    for position, room in ((8, "user:s1"), (10, "user:s1"), (15, "user:s1")):
        conversation.socket.delivered.append(Delivery(position, [room], frozenset({"seatId"})))
    assert conversation.verdict().clean, str(conversation.verdict())
    del conversation.socket.delivered[1]
    assert conversation.found() == {(Kind.GAP, 10)}


def test_so_it_is_when_the_connection_was_lost_before_the_join_was_answered() -> None:
    conversation = Conversation().connect(head=7).asks_to_join(LIBRARY, since=11)
    conversation.drop().connect(LIBRARY, head=15, since=7, resume="replaying")
    live_in_the_library(conversation, 7)
    handed_over = [
        Delivery(position, [room], frozenset({"seatId"}))
        for position, room in ((8, "user:s1"), (10, "user:s1"), *((late, LIBRARY) for late in range(12, 16)))
    ]
    conversation.socket.delivered = handed_over
    assert conversation.verdict().clean, str(conversation.verdict())
    del handed_over[2]
    assert conversation.found() == {(Kind.GAP, 12)}


def test_a_connection_that_is_never_let_in_changes_nothing() -> None:
    conversation = Conversation().connect(LIBRARY, head=7).event(8, "user:s1", LIBRARY).drop().drop()
    conversation.connect(LIBRARY, head=15, since=9, resume="replaying")
    assert (Kind.GAP, 9) in conversation.found(settled=False)


def test_what_lies_at_or_below_the_resume_point_does_not_come() -> None:
    conversation = Conversation().connect(head=15, since=9, resume="replaying").event(8, "user:s1")
    assert (Kind.TWICE, 8) in conversation.found(settled=False)


def test_conflation_may_leave_out_what_a_newer_frame_of_the_occupation_replaces() -> None:
    def conversation(*, conflate: bool) -> Conversation:
        begun = Conversation("s3").connect(LIBRARY, head=7, conflate=conflate)
        # 8 is replaced by 10, and 9 and 12 by 13.
        for position in (10, 11, 13, 14):
            begun.event(position, LIBRARY)
        return begun.heartbeat(15)

    verdict = conversation(conflate=True).verdict()
    assert verdict.clean
    assert verdict.judged["frames left out"] == 3
    assert {(Kind.GAP, 8), (Kind.GAP, 9), (Kind.GAP, 12)} == conversation(conflate=False).found()


def test_an_owner_is_in_the_staff_room_of_a_new_library_from_its_creation_on() -> None:
    conversation = Conversation("w1", "library_owner").connect(head=0)
    conversation.event(1, OWNERS, LIBRARY, STAFF)
    for position in (2, 3, 4):
        conversation.event(position, STAFF)
    conversation.event(5, OWNERS).event(7, STAFF).event(8, OWNERS, STAFF)
    found = conversation.event(10, STAFF).found(settled=False)
    assert (Kind.GAP, 9) in found
    assert (Kind.LEAK, 1) in found, "library:L1 was never asked for"


@pytest.mark.parametrize(
    ("view", "shown"),
    [(["user:s1"], [LIBRARY]), ([STAFF], ["user:s1"]), (["user:s1"], [OWNERS])],
    ids=["full to the public", "staff to the student", "full to other owners"],
)
def test_a_view_in_the_wrong_room_is_a_leak(view: list[str], shown: list[str]) -> None:
    """The frame of one room, said to come by another."""
    conversation = Conversation("w2", "library_owner") if shown == [OWNERS] else Conversation()
    conversation.connect(*(room for room in shown if room == LIBRARY), head=7)
    frame = day.frame(conversation.records[7], view)
    if view == [STAFF]:
        frame["event"]["data"]["studentName"] = "Asha Rao"
    assert (Kind.LEAK, 8) in conversation.receive({**frame, "rooms": shown}).found(settled=False)


def test_the_three_frames_of_the_contracts_example_are_clean() -> None:
    """As the contract prints them, to the letter."""
    facts = {**day.created("B7", "S17", "s1", day.NINE, day.TEN), "occupation": "o9f"}
    stored = {
        "v": 1,
        "time": "2026-12-01T09:00:00Z",
        "actor": "s1",
        "commandid": "c",
        "traceparent": "00-a-b-01",
        "data": facts,
    }
    log = [Record(1, "k3", "library.created", day.stored(1, "w1", day.library("L1", "w1")))]
    log.append(Record(2, "k3", "seat.added", day.stored(2, "w1", day.seat("L1", "S17"))))
    log.append(Record(3, "k3", "booking.created", stored))
    envelope = {
        "id": "k3-3",
        "type": "studyspot.booking.created.v1",
        "time": "2026-12-01T09:00:00Z",
        "sequence": "3",
    }
    full = {**envelope, "actor": "s1", "commandid": "c", "traceparent": "00-a-b-01"}
    seat = {"seatId": "S17", "occupation": "o9f", "state": "booked", "start": day.NINE, "end": day.TEN}
    summary = {"libraryId": "L1", "start": day.NINE, "end": day.TEN}
    frames = [
        ("s1", "student", "booking:created", "user:s1", {**full, "data": {**facts, "state": "booked"}}),
        ("w2", "library_owner", "booking:created", OWNERS, {**envelope, "data": summary}),
        ("s3", "student", "seat:availability", LIBRARY, {**envelope, "data": seat}),
    ]
    for user, role, name, room, event in frames:
        conversation = Conversation(user, role)
        conversation.records = log
        conversation.connect(*([room] if room == LIBRARY else []), head=2)
        conversation.receive({"type": "event", "name": name, "position": 3, "rooms": [room], "event": event})
        assert conversation.verdict().clean, str(conversation.verdict())
