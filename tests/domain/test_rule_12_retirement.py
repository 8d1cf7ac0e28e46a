"""Rule 12: the end of a library."""

from dataclasses import replace
from datetime import datetime

import pytest

from studyspot.domain.book_seat import BOOK_SEAT
from studyspot.domain.endings import REVOKE_AFFECTED, RevokeAffected
from studyspot.domain.events import BookingRevoked
from studyspot.domain.libraries import (
    ANNOUNCE_CLOSURE,
    DELETE_LIBRARY,
    WITHDRAW_CLOSURE,
    AnnounceClosure,
    DeleteLibrary,
    WithdrawClosure,
)
from studyspot.domain.library import RETIREMENT
from studyspot.domain.refusals import FutureBookings, LibraryRetired
from tests.domain.given import (
    ASHA,
    ELEVEN,
    HOUR,
    NINE,
    NOON,
    NOW,
    OPEN,
    OWNER,
    RAVI,
    book,
    booked,
    closed,
    only,
)
from tests.domain.log import Log

BOOKED = booked(ASHA, amount_minor=10000, plan_id="hourly")
LATER = NOW + HOUR


def revoke(at: datetime = NOW) -> RevokeAffected:
    return RevokeAffected("B0", at)


def test_retiring_looks_first_and_revokes_only_when_it_is_meant() -> None:
    log = Log((*OPEN, BOOKED))
    probe = AnnounceClosure("L1", RETIREMENT, NOW, None, OWNER)
    log.run(ANNOUNCE_CLOSURE, probe)
    assert log.run(REVOKE_AFFECTED, revoke()) == ()
    with pytest.raises(FutureBookings) as refused:
        log.run(DELETE_LIBRARY, DeleteLibrary("L1", RETIREMENT, NOW, 1, OWNER))
    assert refused.value.count == 1
    assert log.run(ANNOUNCE_CLOSURE, probe) == ()
    (cascading,) = log.run(ANNOUNCE_CLOSURE, replace(probe, start=LATER, revoke_at=LATER))
    assert cascading == closed(NOW, None, closure_id=RETIREMENT, revoke_at=LATER)
    assert log.run(ANNOUNCE_CLOSURE, replace(probe, revoke_at=NINE)) == ()
    assert only(BookingRevoked, log.run(REVOKE_AFFECTED, revoke(LATER))).reason == "library-retired"
    assert log.run(DELETE_LIBRARY, DeleteLibrary("L1", RETIREMENT, NOW, 0, OWNER))
    with pytest.raises(LibraryRetired):
        log.run(BOOK_SEAT, book())


def test_who_only_looked_does_not_reopen_what_another_retires_with_all_its_bookings() -> None:
    log = Log((*OPEN, BOOKED))
    probe = AnnounceClosure("L1", RETIREMENT, NOW, None, OWNER)
    log.run(ANNOUNCE_CLOSURE, probe)
    log.run(ANNOUNCE_CLOSURE, replace(probe, revoke_at=NOW))
    assert log.run(WITHDRAW_CLOSURE, WithdrawClosure("L1", RETIREMENT, OWNER)) == ()
    log.run(REVOKE_AFFECTED, revoke())
    assert log.run(DELETE_LIBRARY, DeleteLibrary("L1", RETIREMENT, NOW, 0, OWNER))


def test_a_retirement_that_is_given_up_takes_bookings_again() -> None:
    log = Log((*OPEN, BOOKED))
    log.run(ANNOUNCE_CLOSURE, AnnounceClosure("L1", RETIREMENT, NOW, None, OWNER))
    log.run(WITHDRAW_CLOSURE, WithdrawClosure("L1", RETIREMENT, OWNER))
    assert log.run(BOOK_SEAT, book(RAVI, start=ELEVEN, end=NOON))
