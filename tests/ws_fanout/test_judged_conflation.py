"""The judge of conflation: it excuses exactly what may be left out, and nothing else."""

import pytest

from studyspot.checker.verdict import Kind
from tests.chaos.conversation import Conversation

LIBRARY, OWNERS = "library:L1", "role:library_owner"

# Of the recorded day: 8 is replaced by 10, 9 by 12 and both by 13; 11 and 14 by nothing.
MAIN = ("everyone", "user:s3", "role:student", LIBRARY)


def conflated(user: str = "s3", role: str = "student") -> Conversation:
    return Conversation(user, role).connect(LIBRARY, head=7, conflate=True)


def behind(position: int = 7) -> Conversation:
    begun = Conversation("s3").connect(LIBRARY, head=7)
    return begun.receive({"type": "behind", "position": position})


def test_who_asked_may_be_told_the_newest_alone() -> None:
    conversation = conflated()
    for position in (10, 11, 13, 14):
        conversation.event(position, LIBRARY)
    assert conversation.heartbeat(15).verdict().clean, str(conversation.verdict())


def test_what_stands_for_it_has_come_before_the_next_promise() -> None:
    conversation = conflated().event(10, LIBRARY).event(11, LIBRARY)
    assert conversation.heartbeat(11).found(settled=False) == {(Kind.GAP, 9)}


@pytest.mark.parametrize("newest", [11, 13, 14])
def test_the_newest_is_never_left_out(newest: int) -> None:
    conversation = conflated()
    for position in {10, 11, 13, 14} - {newest}:
        conversation.event(position, LIBRARY)
    assert (Kind.GAP, newest) in conversation.heartbeat(15).found()


def test_what_was_left_out_comes_no_more() -> None:
    conversation = conflated().event(10, LIBRARY).event(8, LIBRARY)
    assert conversation.found(settled=False) == {(Kind.OUT_OF_ORDER, 8)}


def test_another_room_of_the_event_misses_nothing() -> None:
    conversation = conflated("w9", "library_owner")
    for position in (10, 11, 13, 14):
        conversation.event(position, LIBRARY)
    # 8, 9 and 11 are new bookings, of which every owner hears.
    assert {(Kind.GAP, 8), (Kind.GAP, 9)} <= conversation.heartbeat(15).found()
    told = conflated("w9", "library_owner").event(8, OWNERS, LIBRARY).event(9, OWNERS, LIBRARY)
    for position, rooms in ((10, [LIBRARY]), (11, [OWNERS, LIBRARY]), (13, [LIBRARY]), (14, [LIBRARY])):
        told.event(position, *rooms)
    assert told.event(15, OWNERS).heartbeat(15).verdict().clean, str(told.verdict())


def test_ones_own_booking_is_not_public_alone() -> None:
    conversation = conflated("s1").event(10, "user:s1", LIBRARY)
    assert (Kind.GAP, 8) in conversation.heartbeat(10).found(settled=False)


def test_who_is_behind_may_be_told_the_newest_alone_until_it_has_caught_up() -> None:
    conversation = behind()
    for position in (10, 11, 13, 14):
        conversation.event(position, LIBRARY)
    assert conversation.caught_up(15, *MAIN).verdict().clean, str(conversation.verdict())


def test_nothing_is_left_out_before_it_is_behind() -> None:
    conversation = behind(9)
    for position in (10, 11, 13, 14):
        conversation.event(position, LIBRARY)
    found = conversation.caught_up(15, *MAIN).found()
    assert found == {(Kind.GAP, 8), (Kind.GAP, 9)}


def test_nothing_is_left_out_after_it_has_caught_up() -> None:
    conversation = behind().event(8, LIBRARY).event(9, LIBRARY).caught_up(9, *MAIN)
    for position in (10, 11, 13, 14):
        conversation.event(position, LIBRARY)
    assert conversation.heartbeat(15).found() == {(Kind.GAP, 12)}


def test_a_room_that_is_being_joined_is_not_behind() -> None:
    conversation = Conversation("s3").connect(head=7).join(LIBRARY, since=7, resume="replaying")
    conversation.receive({"type": "behind", "position": 7})
    for position in (10, 11, 13, 14):
        conversation.event(position, LIBRARY)
    found = conversation.caught_up(15, LIBRARY).found()
    assert found == {(Kind.GAP, 8), (Kind.GAP, 9), (Kind.GAP, 12)}


def test_what_was_left_out_may_come_with_a_resume_and_is_not_handed_over() -> None:
    conversation = conflated()
    conversation.socket.delivered = []
    conversation.event(10, LIBRARY).heartbeat(10).drop()
    found = conversation.found(settled=False)
    assert (Kind.GAP, 9) in found, "nothing stands for it yet"
    assert (Kind.GAP, 8) not in found
    conversation.connect(LIBRARY, head=15, since=7, resume="replaying", conflate=True).event(8, LIBRARY)
    assert (Kind.GAP, 8) not in conversation.found(settled=False)
