"""Who did it: owners, staff and students, each what is theirs to do; and nobody anything for who is shut out.

A log does not tell roles that come from elsewhere, so what admins do is not judged by who they are. Nor is
what people do after they were shut out, unless the decision about it reads their account: each process learns
of it a moment later.
"""

from collections.abc import Iterator, Sequence

from studyspot.checker.people import People
from studyspot.checker.records import Record, instant
from studyspot.checker.verdict import Finding, Kind

_OF_OWNERS = frozenset(
    {
        *("library.updated", "library.deleted", "library.hours-set", "library.rules-set"),
        *("closure.announced", "closure.withdrawn", "pricing.updated", "staff.invited"),
    }
)
_OF_RUNNERS = frozenset(
    {"seat.added", "seat.updated", "seat.removed", "seat.availability-changed", "payment.recorded"}
)
_OF_PARTIES = frozenset(
    {
        *("hold.placed", "booking.created", "booking.rescheduled", "booking.cancelled"),
        *("booking.checked-in", "booking.checked-out", "waitlist.joined"),
    }
)
"""By the student, by who runs the library, or by nobody: what policies do has no actor."""
_FOR_THE_ACTIVE = frozenset(
    {"hold.placed", "booking.created", "booking.rescheduled", "waitlist.joined", "waitlist.offered"}
)
_OF_ADMINS = frozenset({"account.disabled", "account.enabled", "account.erased"})


def judge_act(people: People, record: Record, together: Sequence[Record]) -> Iterator[Finding]:
    """Find what the actor may not do, and what nobody may do to this person's account."""
    for sentence in (*_by_whom(people, record), *_for_whom(people, record), *_staff(people, record)):
        yield _finding(record, sentence)
    for sentence in (*_account(people, record, together), *_notice(people, record)):
        yield _finding(record, sentence)


def _by_whom(people: People, record: Record) -> Iterator[str]:
    facts, actor, library = record.facts, record.actor, record.facts.get("libraryId") or ""
    match record.type:
        case "library.created" if actor != facts["ownerId"]:
            yield f"{actor} opens a library of {facts['ownerId']}"
        case event_type if event_type in _OF_OWNERS and not people.owns(actor, library):
            yield f"{record.type} by {actor}, who does not own {library}"
        case event_type if event_type in _OF_RUNNERS and not people.runs(actor, library):
            yield f"{record.type} by {actor}, who does not run {library}"
        case event_type if event_type in _OF_PARTIES and actor not in (None, facts["userId"]):
            if not people.runs(actor, library):
                yield f"{record.type} of {facts['userId']} by {actor}, who does not run {library}"
        case "staff.removed" if actor != facts["userId"] and not people.owns(actor, library):
            yield f"{facts['userId']} is let go by {actor}, who does not own {library}"
        case _:
            pass


def _for_whom(people: People, record: Record) -> Iterator[str]:
    is_personal = record.type == "notification.sent" and record.facts["kind"] == "personal"
    if record.type in _FOR_THE_ACTIVE or is_personal:
        user = record.facts["userId"]
        if not people.is_active(user):
            yield f"{record.type} for {user}, who is shut out"


def _staff(people: People, record: Record) -> Iterator[str]:
    facts = record.facts
    if record.type == "staff.removed" and facts["userId"] not in people.staff[facts["libraryId"]]:
        yield f"{facts['userId']} is let go, who did not work for {facts['libraryId']}"
    if record.type != "staff.added":
        return
    user, invitation = facts["userId"], people.invitations.get(facts["invitationId"])
    if invitation is None or invitation["libraryId"] != facts["libraryId"]:
        yield f"{user} works for {facts['libraryId']}, to which nobody invited them"
        return
    if invitation["userId"] not in (None, user) or record.actor != user:
        yield f"the invitation of {invitation['userId']} is accepted for {user} by {record.actor}"
    if facts["invitationId"] in people.accepted:
        yield f"invitation {facts['invitationId']} is accepted again"
    if instant(record.stored["time"]) >= instant(invitation["until"]):
        yield f"invitation {facts['invitationId']} is accepted after {invitation['until']}"
    if not people.is_active(user):
        yield f"{user} works for {facts['libraryId']}, and is shut out"


def _account(people: People, record: Record, together: Sequence[Record]) -> Iterator[str]:
    if not record.type.startswith("account."):
        return
    user, account = record.facts["userId"], people.accounts[record.facts["userId"]]
    hired = any(other.type == "staff.added" and other.facts["userId"] == user for other in together)
    if account.erased:
        yield f"{record.type} of {user}, who is erased"
    if record.type in _OF_ADMINS and record.actor == user:
        yield f"{record.type} of {user} by themself"
    match record.type:
        case "account.registered" if account.role is not None:
            yield f"{user} registers again"
        case "account.disabled" if account.disabled:
            yield f"{user} is disabled, and was"
        case "account.enabled" if not account.disabled:
            yield f"{user} is enabled, and was not disabled"
        case "account.role-changed":
            before, role = record.facts["previousRole"], record.facts["role"]
            if account.role is None or before != account.role or role == before:
                yield f"{user} becomes {role} from {before}, and was {account.role}"
            if record.actor == user and not (hired and (before, role) == ("student", "staff")):
                yield f"{user} makes themself {role}"
        case _:
            pass


def _notice(people: People, record: Record) -> Iterator[str]:
    facts = record.facts
    match record.type:
        case "notification.read":
            notice, user = facts["notificationId"], facts["userId"]
            if people.told.get(notice) != user or record.actor != user:
                yield f"{record.actor} reads {notice} as {user}, and it is for {people.told.get(notice)}"
            if notice in people.read:
                yield f"{notice} is read again"
        case "notification.sent" if facts["kind"] == "personal":
            library, user = facts.get("libraryId") or "", facts["userId"]
            if not people.runs(record.actor, library):
                yield f"{record.actor} writes to {user}, and does not run {library}"
            if user not in people.students[library]:
                yield f"{record.actor} writes to {user}, who never booked in {library}"
        case _:
            pass


def _finding(record: Record, sentence: str) -> Finding:
    return Finding(Kind.IMPOSSIBLE, "log", record.position, sentence)
