"""Strikes: who too often does not come cannot book for a while."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from studyspot.domain.booking import Booking, Confirmed, NoShow, is_missed
from studyspot.domain.rules import BookingRules

_INSTANT = timedelta(microseconds=1)


def strike_window(rules: BookingRules, at: datetime) -> tuple[datetime, datetime] | None:
    """Return within which time strikes can still block somebody at that moment, that moment included."""
    if rules.strikes is None:
        return None
    return at - timedelta(days=rules.strike_days + rules.block_days), at + _INSTANT


def strikes_of(bookings: Iterable[Booking], library_id: str, user_id: str, at: datetime) -> list[datetime]:
    """Return when the student missed bookings in this library, oldest first; those not swept yet count.

    Where check-in closes before the start, a strike counts from the start: only bookings that have begun are
    known for certain.
    """
    times = []
    for booking in bookings:
        if booking.facts.library_id != library_id or booking.facts.user_id != user_id:
            continue
        if isinstance(booking, NoShow):
            times.append(max(booking.missed_at, booking.facts.start))
        elif isinstance(booking, Confirmed) and is_missed(booking, at):
            times.append(max(booking.facts.check_in_until, booking.facts.start))
    return sorted(time for time in times if time <= at)


def blocked_until(strikes: list[datetime], rules: BookingRules, at: datetime) -> datetime | None:
    """Return when the student's block ends; none where there is none at that moment."""
    if rules.strikes is None:
        return None
    window, block = timedelta(days=rules.strike_days), timedelta(days=rules.block_days)
    for strike in reversed(strikes):
        recent = [earlier for earlier in strikes if strike - window < earlier <= strike]
        if len(recent) >= rules.strikes and at < strike + block:
            return strike + block
    return None
