"""What a closure, or a seat that cannot be used, asks for about each hold and booking that it hits."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from studyspot.domain.events import NoticeKind
from studyspot.policies.fold import Hit
from studyspot.policies.notices import as_text, sending
from studyspot.policies.tasks import Notice, Task, grounded_key

_KIND: NoticeKind = "booking-affected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """A hold or booking that stands where something hits it."""

    subject: str
    seat_id: str
    user_id: str
    start: datetime
    end: datetime


def tasks_of(hit: Hit, struck: Iterable[Struck]) -> Iterator[Task]:
    """Yield what is to be done about those hit."""
    for one in struck:
        kind, _, identifier = one.subject.partition(":")
        if kind == "hold":
            yield Task(
                key=grounded_key("release-hold", one.subject, hit.position),
                position=hit.position,
                kind="release-hold",
                subject=one.subject,
                due_at=hit.time,
                ground=hit.ground,
            )
        elif hit.revoke_at is not None:
            due_at = _revoked_at(hit, hit.revoke_at, one)
            yield Task(
                key=grounded_key("revoke-booking", one.subject, hit.position),
                position=hit.position,
                kind="revoke-booking",
                subject=one.subject,
                due_at=due_at,
                ground=hit.ground,
            )
            # Revoked at once, they are told of that.
            if due_at > hit.time and one.user_id != hit.actor:
                yield _notice(hit, one, identifier, due_at)


def _revoked_at(hit: Hit, revoke_at: datetime, one: Struck) -> datetime:
    """Return when it is revoked: before it is missed for what hits it, but who sits there has until then."""
    begins = one.start if hit.start is None else max(one.start, hit.start)
    return min(revoke_at, begins) if begins > hit.time else revoke_at


def _notice(hit: Hit, one: Struck, booking_id: str, revoke_at: datetime) -> Task:
    parameters: dict[str, str | int | bool | None] = {
        "bookingId": booking_id,
        "seatId": one.seat_id,
        "start": as_text(one.start),
        "end": as_text(one.end),
        "reason": "seat-out-of-service" if hit.closure_id is None else "closure",
        "closureId": hit.closure_id,
        "revokeAt": as_text(revoke_at),
    }
    notice = Notice(
        user_id=one.user_id,
        library_id=hit.library_id,
        kind=_KIND,
        parameters=parameters,
        cause=f"{hit.position}:{_KIND}:{booking_id}",
    )
    return sending(notice, hit.position, one.subject, hit.time, hit.ground)
