"""What the clock has ended, whether or not anybody noticed."""

from datetime import datetime

from studyspot.domain.agenda import Live
from studyspot.domain.booking import CheckedIn, Confirmed, is_missed, missed
from studyspot.domain.events import BookingNoShow, HoldLapsed
from studyspot.domain.hold import Held, has_lapsed

Lapse = HoldLapsed | BookingNoShow


def lapse_of(live: Live, at: datetime) -> Lapse | None:
    """Return the event by which the clock has ended this; none while it has not."""
    match live:
        case Held():
            return HoldLapsed(**live.facts.facts()) if has_lapsed(live, at) else None
        case Confirmed():
            return missed(live) if is_missed(live, at) else None
        case CheckedIn():
            return None
