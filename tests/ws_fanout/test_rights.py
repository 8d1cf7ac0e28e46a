"""Rights: folded from events, each once, in order."""

from studyspot.domain.events import LibraryDeleted
from studyspot.ws_fanout.rights import Granted, Rights
from tests.ws_fanout.events import booked, library_created


def test_who_creates_a_library_belongs_in_its_staff_room() -> None:
    rights = Rights()

    assert rights.apply(1, library_created("L1", "o1")) == (Granted("o1", "library:L1:staff"),)
    assert rights.apply(2, library_created("L2", "o2")) == (Granted("o2", "library:L2:staff"),)
    assert rights.apply(3, booked()) == ()
    assert rights.apply(4, library_created("L3", "o1")) == (Granted("o1", "library:L3:staff"),)

    assert rights.staff_rooms_of("o1") == ("library:L1:staff", "library:L3:staff")
    assert rights.staff_rooms_of("s1") == ()


def test_an_event_that_was_taken_in_changes_nothing() -> None:
    rights = Rights()
    rights.apply(7, library_created("L1", "o1"))

    assert rights.apply(7, library_created("L1", "o1")) == ()
    assert rights.apply(3, library_created("L2", "o1")) == ()
    assert rights.staff_rooms_of("o1") == ("library:L1:staff",)


def test_the_history_of_a_retired_library_stays_its_owners() -> None:
    rights = Rights()
    rights.apply(1, library_created("L1", "o1"))

    assert rights.apply(2, LibraryDeleted(library_id="L1")) == ()
    assert rights.staff_rooms_of("o1") == ("library:L1:staff",)
