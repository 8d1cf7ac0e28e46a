"""Rights: folded from events, each once, in order."""

from datetime import UTC, datetime, timedelta

import pytest

from studyspot.access.tokens import Identity
from studyspot.broker.subjects import covers
from studyspot.catalogue.cloudevents import from_message
from studyspot.domain.events import AccountDisabled, AccountEnabled, AccountErased, Event, LibraryDeleted
from studyspot.domain.people import Role
from studyspot.ws_fanout.rights import (
    RIGHTS_SUBJECTS,
    Change,
    Granted,
    Rights,
    RoleChanged,
    ShutOut,
    Standing,
    Withdrawn,
)
from tests.ws_fanout.events import (
    START,
    booked,
    library_created,
    message,
    one_of_each,
    role_changed,
    staff_added,
    staff_removed,
)

STAFF_OF_L1 = "library:L1:staff"


def apply(rights: Rights, position: int, event: Event, time: datetime = START) -> tuple[Change, ...]:
    return rights.apply(from_message(message(position, event, time=time).body))


def folded(*events: Event) -> Rights:
    rights = Rights()
    for position, event in enumerate(events, start=1):
        apply(rights, position, event)
    return rights


def person(user: str = "t1", role: Role = "student", *, issued_at: datetime = START) -> Identity:
    return Identity(user, role, None, issued_at, issued_at + timedelta(hours=1))


def standings(rights: Rights) -> tuple[object, ...]:
    owned, worked = rights.staff_rooms_of("o1", "library_owner"), rights.staff_rooms_of("t1", "staff")
    return (rights.standing_of(person("u1")), owned, worked)


def test_who_creates_a_library_belongs_in_its_staff_room() -> None:
    rights = Rights()

    assert apply(rights, 1, library_created("L1", "o1")) == (Granted("o1", STAFF_OF_L1),)
    assert apply(rights, 2, library_created("L2", "o2")) == (Granted("o2", "library:L2:staff"),)
    assert apply(rights, 3, booked()) == ()
    assert apply(rights, 4, library_created("L3", "o1")) == (Granted("o1", "library:L3:staff"),)

    assert rights.staff_rooms_of("o1", "library_owner") == (STAFF_OF_L1, "library:L3:staff")
    assert rights.staff_rooms_of("s1", "student") == ()


def test_an_event_that_was_taken_in_changes_nothing() -> None:
    rights = Rights()
    apply(rights, 7, library_created("L1", "o1"))

    assert apply(rights, 7, library_created("L1", "o1")) == ()
    assert apply(rights, 3, library_created("L2", "o1")) == ()
    assert rights.staff_rooms_of("o1", "library_owner") == (STAFF_OF_L1,)


def test_the_history_of_a_retired_library_stays_its_owners() -> None:
    rights = folded(library_created("L1", "o1"))

    assert apply(rights, 2, LibraryDeleted(library_id="L1")) == ()
    assert rights.staff_rooms_of("o1", "library_owner") == (STAFF_OF_L1,)


def test_staff_belong_in_the_staff_room_from_their_acceptance_to_their_removal() -> None:
    rights = folded(library_created("L1", "o1"))

    assert apply(rights, 2, staff_added()) == (Granted("t1", STAFF_OF_L1),)
    assert rights.staff_rooms_of("t1", "staff") == (STAFF_OF_L1,)
    assert apply(rights, 3, staff_removed()) == (Withdrawn("t1", STAFF_OF_L1),)
    assert rights.staff_rooms_of("t1", "staff") == ()
    assert apply(rights, 4, staff_removed()) == ()
    assert apply(rights, 5, staff_added()) == (Granted("t1", STAFF_OF_L1),)


def test_what_is_their_own_nobody_is_removed_from() -> None:
    rights = folded(library_created("L1", "o1"), staff_added("L1", "o1"), staff_removed("L1", "o1"))

    assert rights.staff_rooms_of("o1", "library_owner") == (STAFF_OF_L1,)


def test_who_has_another_role_now_belongs_in_no_staff_room_by_the_old_one() -> None:
    rights = folded(library_created("L1", "o1"), staff_added("L1", "t1"))

    assert rights.staff_rooms_of("o1", "student") == rights.staff_rooms_of("o1", "staff") == ()
    assert rights.staff_rooms_of("t1", "student") == rights.staff_rooms_of("t1", "library_owner") == ()


def test_the_disabled_are_shut_out_until_they_are_enabled_and_the_erased_for_good() -> None:
    rights = Rights()

    assert apply(rights, 1, AccountDisabled(user_id="t1")) == (ShutOut("t1"),)
    assert rights.standing_of(person()) is Standing.SHUT_OUT
    assert rights.standing_of(person("t2")) is Standing.GOOD
    assert apply(rights, 2, AccountEnabled(user_id="t1")) == ()
    assert rights.standing_of(person()) is Standing.GOOD
    assert apply(rights, 3, AccountErased(user_id="t1")) == (ShutOut("t1"),)
    assert apply(rights, 4, AccountEnabled(user_id="t1")) == ()
    assert rights.standing_of(person()) is Standing.SHUT_OUT


@pytest.mark.parametrize(
    ("role", "age", "standing"),
    [
        ("student", timedelta(seconds=1), Standing.OUTDATED),
        ("staff", timedelta(seconds=1), Standing.GOOD),
        # Of another role, from after the change: whoever signed it knows better.
        ("student", timedelta(minutes=-1), Standing.GOOD),
        # It may have been asked for while the change was on its way into the log.
        ("student", timedelta(seconds=-1), Standing.OUTDATED),
        ("admin", timedelta(hours=5), Standing.OUTDATED),
    ],
)
def test_older_tokens_of_another_role_are_outdated(role: Role, age: timedelta, standing: Standing) -> None:
    rights = Rights()

    assert apply(rights, 1, role_changed("t1", "staff", "student")) == (RoleChanged("t1"),)
    assert rights.standing_of(person(role=role, issued_at=START - age)) is standing


def test_the_newest_change_of_role_counts() -> None:
    rights = Rights()
    later = START + timedelta(minutes=5)
    apply(rights, 1, role_changed("t1", "staff", "student"))
    apply(rights, 2, role_changed("t1", "student", "staff"), later)

    assert rights.standing_of(person(role="staff", issued_at=START)) is Standing.OUTDATED
    assert rights.standing_of(person(role="student", issued_at=START - timedelta(days=1))) is Standing.GOOD
    assert rights.standing_of(person(role="staff", issued_at=datetime(2026, 12, 24, tzinfo=UTC))) is (
        Standing.GOOD
    )


@pytest.mark.parametrize("event", one_of_each(), ids=lambda event: type(event).__name__)
def test_every_event_that_changes_a_right_is_read_at_the_start(event: Event) -> None:
    # Everybody is on the staff, shut out and of another role, so that whatever can change does.
    rights = folded(
        library_created("L0", "o1"),
        staff_added(),
        AccountDisabled(user_id="u1"),
    )
    before = standings(rights)

    changes = apply(rights, 9, event if event != staff_added() else staff_added(person="t2"))

    after = standings(rights)
    is_read = any(covers(wanted, message(9, event).subject) for wanted in RIGHTS_SUBJECTS)
    assert is_read is (bool(changes) or before != after)
