"""What the clock has ended, whether or not anybody noticed."""

from datetime import datetime

from studyspot.domain.agenda import Agenda, Live
from studyspot.domain.booking import CheckedIn, Confirmed, is_missed, missed
from studyspot.domain.events import BookingNoShow, HoldLapsed, WaitlistOfferLapsed
from studyspot.domain.hold import Held, has_lapsed
from studyspot.domain.waiting import offer_ended

Lapse = HoldLapsed | BookingNoShow | WaitlistOfferLapsed


def lapse_of(live: Live, at: datetime) -> HoldLapsed | BookingNoShow | None:
    """Return the event by which the clock has ended this; none while it has not."""
    match live:
        case Held():
            return HoldLapsed(**live.facts.facts()) if has_lapsed(live, at) else None
        case Confirmed():
            return missed(live) if is_missed(live, at) else None
        case CheckedIn():
            return None


def lapses_of(live: Live, agenda: Agenda, at: datetime) -> tuple[Lapse, ...]:
    """Return that event, and what it makes of a place in line to which the hold was an offer."""
    lapse = lapse_of(live, at)
    if lapse is None:
        return ()
    return (lapse, *offer_ended(agenda.entries, live.facts)) if isinstance(live, Held) else (lapse,)
