"""Reminders go to who still has to come; marks are one's own; people who are gone are written nothing."""

from datetime import datetime, timedelta

import pytest

from studyspot.domain.announcements import MAKE_ANNOUNCEMENT, MakeAnnouncement
from studyspot.domain.events import (
    AccountErased,
    AnnouncementMade,
    BookingCancelled,
    BookingCheckedIn,
    Event,
    NotificationRead,
    NotificationSent,
    WaitlistOffered,
)
from studyspot.domain.marks import READ_NOTICE, ReadNotice
from studyspot.domain.notices import SendNotice
from studyspot.domain.people import Actor
from studyspot.domain.personal_notices import SEND_PERSONAL, Letter, SendPersonal
from studyspot.domain.refusals import LibraryUnknown, NotAdmin, NotificationUnknown, NotYourLibrary
from studyspot.domain.reminders import REMIND, REMINDED_BEFORE, RemindOfCheckIn, remind_at
from tests.domain.given import (
    ADMIN,
    ASHA,
    ELEVEN,
    INSTANT,
    LIBRARY,
    NINE,
    OTHER_OWNER,
    OWNER,
    RAVI,
    booked,
    when,
)

BOOKED = booked(booking_id="B1")
CLOSES = BOOKED.check_in_until
SOON = CLOSES - REMINDED_BEFORE


def reminding(at: datetime = SOON, check_in_until: datetime = CLOSES) -> RemindOfCheckIn:
    notice = SendNotice(
        notification_id="N1",
        user_id=ASHA.user_id,
        library_id="L1",
        kind="check-in-closing",
        parameters={"bookingId": "B1"},
        cause="7:check-in-closing",
    )
    return RemindOfCheckIn(notice, "B1", check_in_until, at)


REMINDED = reminding().notice.sent()


def test_who_has_not_come_is_reminded_until_check_in_closes() -> None:
    for at in (SOON, CLOSES - INSTANT):
        assert when(REMIND, (BOOKED,), reminding(at)) == (REMINDED,)
    assert when(REMIND, (BOOKED,), reminding(CLOSES)) == ()


@pytest.mark.parametrize(
    "since",
    [
        BookingCheckedIn(**BOOKED.facts()),
        BookingCancelled(**BOOKED.facts(), late=True),
        REMINDED,
    ],
    ids=["came", "cancelled", "reminded"],
)
def test_who_came_or_cancelled_or_knows_is_not_reminded(since: Event) -> None:
    assert when(REMIND, (BOOKED, since), reminding()) == ()


def test_a_reminder_of_another_time_of_check_in_is_void() -> None:
    assert when(REMIND, (BOOKED,), reminding(check_in_until=CLOSES + timedelta(hours=1))) == ()
    assert when(REMIND, (), reminding()) == ()


def test_who_books_when_check_in_is_about_to_close_needs_no_reminder() -> None:
    assert remind_at(BOOKED, SOON - INSTANT) == SOON
    assert remind_at(BOOKED, SOON) is None


def told(user_id: str = ASHA.user_id) -> NotificationSent:
    return NotificationSent(
        notification_id="N1", user_id=user_id, library_id="L1", kind="personal", parameters={}, cause="c"
    )


def offered() -> WaitlistOffered:
    return WaitlistOffered(
        entry_id="W1",
        library_id="L1",
        user_id=ASHA.user_id,
        start=NINE,
        end=ELEVEN,
        hold_id="N1",
        seat_id="S1",
        until=NINE,
    )


@pytest.mark.parametrize("known", [told(), offered()], ids=["notice", "offer"])
def test_what_one_was_told_is_marked_as_read_once(known: Event) -> None:
    read = NotificationRead(notification_id="N1", user_id=ASHA.user_id)
    assert when(READ_NOTICE, (known,), ReadNotice("N1", ASHA)) == (read,)
    assert when(READ_NOTICE, (known, read), ReadNotice("N1", ASHA)) == ()


@pytest.mark.parametrize("actor", [RAVI, OWNER, ADMIN])
def test_what_another_was_told_does_not_exist(actor: Actor) -> None:
    for given in ((told(),), (offered(),), ()):
        with pytest.raises(NotificationUnknown):
            when(READ_NOTICE, given, ReadNotice("N1", actor))


def writing(actor: Actor = OWNER) -> SendPersonal:
    letters = tuple(
        Letter(f"N-{person.user_id}", person.user_id, f"T-{person.user_id}") for person in (ASHA, RAVI)
    )
    return SendPersonal("L1", letters, actor)


def test_a_library_writes_to_each_by_a_text_of_their_own() -> None:
    sent = when(SEND_PERSONAL, (LIBRARY,), writing())
    assert [
        (event.user_id, event.text_id, event.kind) for event in sent if isinstance(event, NotificationSent)
    ] == [
        ("asha", "T-asha", "personal"),
        ("ravi", "T-ravi", "personal"),
    ]


def test_who_is_erased_is_written_nothing() -> None:
    (sent,) = when(SEND_PERSONAL, (LIBRARY, AccountErased(user_id="asha")), writing())
    assert isinstance(sent, NotificationSent)
    assert sent.user_id == "ravi"


def test_only_who_runs_a_library_writes_for_it() -> None:
    for actor in (OTHER_OWNER, ASHA, ADMIN):
        with pytest.raises(NotYourLibrary):
            when(SEND_PERSONAL, (LIBRARY,), writing(actor))
    with pytest.raises(LibraryUnknown):
        when(SEND_PERSONAL, (), writing())


def test_only_administrators_announce() -> None:
    made = AnnouncementMade(announcement_id="A1", title="Holiday", text="Closed.")
    assert when(MAKE_ANNOUNCEMENT, (), MakeAnnouncement("A1", "Holiday", "Closed.", ADMIN)) == (made,)
    for actor in (OWNER, ASHA):
        with pytest.raises(NotAdmin):
            when(MAKE_ANNOUNCEMENT, (), MakeAnnouncement("A1", "Holiday", "Closed.", actor))
