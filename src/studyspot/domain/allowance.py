"""What is left to a student in a library: told before, and not only in a refusal."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from studyspot.domain.agenda import OCCUPYING_EVENTS, Agenda, evolve_agenda
from studyspot.domain.decider import Boundary, Criterion, Decider
from studyspot.domain.events import Event
from studyspot.domain.library import open_for_changes, settings_of
from studyspot.domain.quota import Quota, Taker, quota_intervals, quotas
from studyspot.domain.strikes import blocked_until, strike_window, strikes_of
from studyspot.domain.tags import student_weeks


@dataclass(frozen=True, slots=True)
class AskAllowance:
    """What may this student still book, on the day and in the week of `start`?"""

    library_id: str
    user_id: str
    start: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Allowance:
    """The quotas that there are, the strikes that count today, and until when they block."""

    quotas: tuple[Quota, ...]
    strikes: int
    strikes_allowed: int | None
    blocked_until: datetime | None


def allowance_of(command: AskAllowance, agenda: Agenda) -> Allowance:
    """Return what is left.

    Raises:
        LibraryUnknown, LibraryRetired: there is nothing to be booked.
    """
    library = open_for_changes(agenda.library)
    rules = library.rules
    taker = Taker(command.library_id, command.user_id, command.at)
    limited = [
        quota
        for quota in quotas(agenda, taker, rules, command.start, library.zone)
        if quota.limit is not None
    ]
    strikes = strikes_of(agenda.bookings.values(), command.library_id, command.user_id, command.at)
    since = command.at - timedelta(days=rules.strike_days)
    recent = [strike for strike in strikes if strike > since]
    return Allowance(tuple(limited), len(recent), rules.strikes, blocked_until(strikes, rules, command.at))


def _boundary(command: AskAllowance, agenda: Agenda) -> Boundary:
    settings = settings_of(command.library_id)
    library = agenda.library
    if library is None:
        return settings
    intervals = [*quota_intervals(library.rules, command.start, command.at, library.zone)]
    strikes = strike_window(library.rules, command.at)
    if strikes is not None:
        intervals.append(strikes)
    weeks: dict[str, None] = {}
    for start, end in intervals:
        weeks |= dict.fromkeys(student_weeks(command.user_id, start, end))
    return (*settings, *(Criterion(OCCUPYING_EVENTS, tag) for tag in weeks))


def _decide(command: AskAllowance, agenda: Agenda) -> tuple[Event, ...]:
    allowance_of(command, agenda)
    return ()


ASK_ALLOWANCE = Decider(Agenda, evolve_agenda, _boundary, _decide)
