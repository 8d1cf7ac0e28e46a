"""The judge on clients that resume from before what they had, for the sake of one room."""

import pytest

from studyspot.checker.tokens import Claims
from studyspot.checker.verdict import Kind
from tests.chaos.conversation import Conversation

LIBRARY, STAFF, OWNERS, OWN = "library:L1", "library:L1:staff", "role:library_owner", "user:s1"


def goes_back(user: str, role: str, since: int) -> Conversation:
    """Live at 12; then the library is joined from earlier on, and the connection breaks at once."""
    live = Conversation(user, role).connect(head=12)
    return live.join(LIBRARY, since=since, resume="replaying").drop()


@pytest.mark.parametrize("since", [12, 15])
def test_what_came_before_is_not_owed_again(since: int) -> None:
    student = goes_back("s1", "student", 7)
    student.connect(LIBRARY, head=12, since=7, resume="replaying").leave(LIBRARY).drop()
    student.connect(head=15, since=since, resume="replaying" if since < 15 else "live")
    if since < 15:
        student.event(15, OWN).caught_up(15, "everyone", OWN, "role:student")
    assert student.found() == (set() if since < 15 else {(Kind.GAP, 15)})


def test_what_was_in_another_role_before_they_took_it_is_not_to_be_handed_over() -> None:
    owner = goes_back("w2", "library_owner", 2)
    owner.connect(LIBRARY, head=12, since=2, resume="replaying").drop()
    owner.connect(LIBRARY, head=12, since=2, resume="replaying", claims=Claims("w2", "student", 0))
    owner.event(3, LIBRARY).event(4, LIBRARY).event(5, "role:student")
    owner.socket.delivered = []
    assert owner.found(settled=False) == {(Kind.GAP, 3), (Kind.GAP, 4)}


@pytest.mark.parametrize("is_left", [True, False])
def test_what_is_on_its_way_of_a_room_that_is_left_need_not_be_handed_over(*, is_left: bool) -> None:
    """The other rooms of the event had brought it before."""
    owner = goes_back("w1", "library_owner", 7)
    owner.connect(LIBRARY, head=12, since=7, resume="replaying").event(8, OWNERS, LIBRARY, STAFF)
    if is_left:
        owner.leave(LIBRARY)
    owner.socket.delivered = []
    assert owner.found(settled=False) == (set() if is_left else {(Kind.GAP, 8)})


def test_a_role_that_is_taken_again_begins_where_it_is_taken() -> None:
    """Between the two, what is for that role is nobody's."""
    owner = Conversation("w2", OWNERS.partition(":")[2]).connect(head=7).drop()
    owner.connect(head=9, since=7, resume="replaying", claims=Claims("w2", "student", 0))
    owner.caught_up(12, "everyone", "user:w2", "role:student")
    owner.refresh(Claims("w2", "library_owner", 0)).revoked("role:student")
    owner.granted(OWNERS, "library:L2:staff").drop()
    owner.connect("library:L2:staff", head=15, since=12, resume="replaying")
    owner.event(15, OWNERS, "library:L2:staff").caught_up(
        15, "everyone", "user:w2", OWNERS, "library:L2:staff"
    )
    assert owner.verdict().clean, str(owner.verdict())


@pytest.mark.parametrize("is_left", [True, False])
def test_what_a_room_that_is_left_had_brought_may_come_again_by_others_that_are_not_so_far(
    *, is_left: bool
) -> None:
    """The prices at 7 came by the library, and its staff room was still being brought."""
    owner = Conversation("w1", "library_owner").connect(head=12, since=4, resume="replaying")
    owner.join(LIBRARY, since=6, resume="replaying").event(7, LIBRARY)
    if is_left:
        owner.leave(LIBRARY)
    owner.event(5, OWNERS).event(7, STAFF)
    assert owner.found(settled=False) == (set() if is_left else {(Kind.TWICE, 7)})
    if is_left:
        assert owner.event(7, STAFF).found(settled=False) == {(Kind.TWICE, 7)}
