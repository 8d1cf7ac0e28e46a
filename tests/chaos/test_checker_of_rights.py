"""The judge knows what is whose at each position: what follows the rights passes, each breach is found."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from studyspot.access.keys import SigningKey
from studyspot.checker.passages import Delivery
from studyspot.checker.records import Record
from studyspot.checker.tokens import Claims
from studyspot.checker.verdict import Kind
from studyspot.checker.witness import Witness
from tests.chaos import recorded_day as day
from tests.chaos.conversation import Conversation

LIBRARY, STAFF = "library:L1", "library:L1:staff"
NOON, ONE, TWO = (f"2026-12-01T{hour}:00:00Z" for hour in (12, 13, 14))
INVITED = {"libraryId": "L1", "userId": "t1", "until": "2026-12-08T10:00:00Z"}
HIRED_AGAIN = {"libraryId": "L1", "userId": "t1", "invitationId": "I2"}
AFTERWARDS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("staff.invited", "w1", {**INVITED, "invitationId": "I1"}),
    ("staff.added", "t1", {"libraryId": "L1", "userId": "t1", "invitationId": "I1"}),
    ("booking.created", "s2", day.created("B5", "S2", "s2", day.ELEVEN, NOON)),
    ("staff.removed", "w1", {"libraryId": "L1", "userId": "t1"}),
    ("booking.created", "s2", day.created("B6", "S2", "s2", NOON, ONE)),
    ("staff.invited", "w1", {**INVITED, "invitationId": "I2"}),
    ("staff.added", "t1", HIRED_AGAIN),
    ("booking.created", "s2", day.created("B7", "S2", "s2", ONE, TWO)),
    ("account.registered", "a1", {"userId": "a1", "role": "student"}),
    ("account.role-changed", "boss", {"userId": "a1", "role": "staff", "previousRole": "student"}),
    ("pricing.updated", "w1", {**day.PRICES, "priceVersion": 2}),
)
FIRST = day.HEAD + 1
HIRED, DURING, REMOVED, BETWEEN = FIRST + 1, FIRST + 2, FIRST + 3, FIRST + 4
REHIRED, AGAIN, CHANGED, PRICED = FIRST + 6, FIRST + 7, FIRST + 9, FIRST + 10
EARLIER = int(datetime(2026, 12, 1, 7, 59, tzinfo=UTC).timestamp())
LATER = int(datetime(2026, 12, 1, 8, 59, tzinfo=UTC).timestamp())


def conversation(user: str, role: str) -> Conversation:
    begun = Conversation(user, role)
    begun.records += [
        Record(position, day.EPOCH, event_type, day.stored(position, actor, facts))
        for position, (event_type, actor, facts) in enumerate(AFTERWARDS, start=FIRST)
    ]
    return begun


def a_worker_is_hired() -> Conversation:
    begun = conversation("t1", "staff").connect(head=day.HEAD, claims=Claims("t1", "staff", EARLIER))
    return begun.granted(STAFF)


def is_let_go(worker: Conversation) -> Conversation:
    return worker.event(DURING, STAFF).revoked(STAFF)


def a_worker_is_let_go() -> Conversation:
    return is_let_go(a_worker_is_hired())


def is_hired_again(worker: Conversation) -> Conversation:
    return is_let_go(worker).granted(STAFF).event(AGAIN, STAFF).event(PRICED, STAFF)


def a_worker_is_hired_again() -> Conversation:
    return is_hired_again(a_worker_is_hired())


def an_owner() -> Conversation:
    begun = conversation("w1", "library_owner")
    begun.connect(STAFF, head=HIRED, claims=Claims("w1", "library_owner", EARLIER))
    return begun.event(DURING, STAFF, "role:library_owner")


def an_owner_becomes_a_student() -> Conversation:
    """Until the next token: a provider may say this today and that tomorrow."""
    begun = an_owner().refresh(Claims("w1", "student", EARLIER))
    return begun.revoked(STAFF, "role:library_owner").granted("role:student")


def an_account(role: str, *, issued_at: int, head: int) -> Conversation:
    return conversation("a1", "student").connect(head=head, claims=Claims("a1", role, issued_at))


def an_account_is_refreshed() -> Conversation:
    """With the role of their new token, before the node has heard of it."""
    begun = an_account("student", issued_at=EARLIER, head=CHANGED - 1)
    begun.refresh(Claims("a1", "staff", LATER))
    return begun.revoked("role:student").granted("role:staff")


def an_administrator_becomes_staff() -> Conversation:
    """And is in all rooms of the new role already: nothing is entered for it."""
    begun = conversation("t1", "admin")
    begun.connect("role:staff", head=day.HEAD, claims=Claims("t1", "admin", EARLIER))
    return begun.refresh(Claims("t1", "staff", EARLIER)).revoked("role:admin")


def everything_once_more() -> Conversation:
    """A room is asked for again from further back: what it has brought comes again."""
    begun = conversation("s1", "student").connect(LIBRARY, head=REMOVED).event(BETWEEN, LIBRARY)
    return begun.join(LIBRARY, since=REMOVED, resume="replaying").event(BETWEEN, LIBRARY)


def is_let_go_before_all_came() -> Conversation:
    """Rights are those of its day for the whole of a replay: what they might have seen does not come."""
    begun = conversation("t1", "staff")
    begun.connect(STAFF, head=DURING, since=day.HEAD, resume="replaying").revoked(STAFF)
    return begun.caught_up(BETWEEN, "everyone", "user:t1", "role:staff")


CLEAN: tuple[Callable[[], Conversation], ...] = (
    lambda: a_worker_is_hired_again().heartbeat(PRICED),
    lambda: an_owner_becomes_a_student().event(PRICED, "role:student").heartbeat(PRICED),
    lambda: an_account_is_refreshed().heartbeat(PRICED),
    lambda: is_hired_again(an_administrator_becomes_staff().heartbeat(day.HEAD).granted(STAFF)),
    lambda: is_hired_again(an_administrator_becomes_staff().granted(STAFF)),
    lambda: an_account("staff", issued_at=EARLIER, head=PRICED),
    lambda: an_account("student", issued_at=LATER, head=PRICED),
    lambda: everything_once_more().event(AGAIN, LIBRARY).event(PRICED, "role:student", LIBRARY),
    lambda: conversation("s1", "student").connect(head=PRICED).refused(STAFF),
    lambda: conversation("boss", "admin").connect(head=PRICED).refused("nonsense", "room-unknown"),
    lambda: conversation("s1", "student").connect(head=PRICED).refused(LIBRARY, "too-many-rooms"),
    lambda: is_let_go_before_all_came().granted(STAFF).event(AGAIN, STAFF).event(PRICED, STAFF),
    lambda: (
        conversation("t1", "staff")
        .connect(head=BETWEEN)
        .refused(STAFF)
        .granted(STAFF)
        .event(AGAIN, STAFF)
        .event(PRICED, STAFF)
    ),
)

FAULTS: tuple[tuple[Callable[[], Conversation], Kind, int | None], ...] = (
    (lambda: a_worker_is_hired().heartbeat(BETWEEN), Kind.GAP, DURING),
    (lambda: a_worker_is_hired().event(DURING, STAFF).event(BETWEEN, STAFF), Kind.LEAK, BETWEEN),
    (lambda: a_worker_is_let_go().event(BETWEEN, STAFF), Kind.LEAK, BETWEEN),
    (lambda: a_worker_is_let_go().heartbeat(PRICED), Kind.GAP, AGAIN),
    (lambda: a_worker_is_let_go().granted(STAFF).event(BETWEEN, STAFF), Kind.LEAK, BETWEEN),
    (lambda: is_let_go_before_all_came().heartbeat(PRICED), Kind.GAP, AGAIN),
    (
        lambda: is_let_go_before_all_came().event(DURING, STAFF),
        Kind.LEAK,
        DURING,
    ),
    (lambda: a_worker_is_hired_again().revoked(STAFF), Kind.FALSE_REFUSAL, None),
    (lambda: a_worker_is_hired().revoked("everyone"), Kind.FALSE_REFUSAL, None),
    (lambda: an_owner().revoked(STAFF), Kind.FALSE_REFUSAL, None),
    (lambda: an_owner().refused(STAFF), Kind.FALSE_REFUSAL, None),
    (lambda: an_owner().refused(LIBRARY), Kind.FALSE_REFUSAL, None),
    (lambda: conversation("boss", "admin").connect(head=PRICED).refused(STAFF), Kind.FALSE_REFUSAL, None),
    (lambda: an_owner().refresh(Claims("w2", "library_owner", EARLIER)), Kind.LEAK, None),
    (lambda: an_owner_becomes_a_student().event(BETWEEN, STAFF), Kind.LEAK, BETWEEN),
    (lambda: an_owner_becomes_a_student().event(BETWEEN, "role:library_owner"), Kind.LEAK, BETWEEN),
    (lambda: an_owner_becomes_a_student().granted(STAFF), Kind.LEAK, None),
    (lambda: an_account("student", issued_at=EARLIER, head=PRICED), Kind.LEAK, None),
    (lambda: an_account("student", issued_at=EARLIER, head=CHANGED - 1), Kind.LEAK, CHANGED),
    (lambda: an_account_is_refreshed().event(PRICED, "role:student"), Kind.LEAK, PRICED),
    (lambda: an_administrator_becomes_staff().heartbeat(BETWEEN), Kind.GAP, DURING),
    (lambda: everything_once_more().event(BETWEEN, LIBRARY), Kind.TWICE, BETWEEN),
    (lambda: everything_once_more().event(PRICED, "role:student", LIBRARY), Kind.GAP, AGAIN),
    (lambda: conversation("s1", "student").connect(head=PRICED).closed(4503), Kind.FALSE_REFUSAL, None),
)


@pytest.mark.parametrize("converse", CLEAN)
def test_what_follows_the_rights_is_clean(converse: Callable[[], Conversation]) -> None:
    verdict = converse().verdict()
    assert verdict.clean, str(verdict)


@pytest.mark.parametrize(
    ("converse", "kind", "position"),
    FAULTS,
    ids=[f"{number}-{kind}-{position}" for number, (_, kind, position) in enumerate(FAULTS)],
)
def test_each_breach_of_rights_is_found(
    converse: Callable[[], Conversation], kind: Kind, position: int | None
) -> None:
    assert (kind, position) in converse().found(settled=kind is Kind.LEAK)


def test_what_was_in_a_room_before_it_was_given_to_its_client_is_not_handed_over() -> None:
    """A resume from another room's lower point brings it, by the rights of its own day."""
    worker = conversation("t1", "staff").connect(head=REMOVED).granted(STAFF).event(AGAIN, STAFF)
    worker.drop().connect(STAFF, head=PRICED, since=REMOVED, resume="replaying")
    for position in (BETWEEN, AGAIN, PRICED):
        worker.event(position, STAFF)
    worker.caught_up(PRICED, "everyone", "user:t1", "role:staff", STAFF)
    handed_over = [Delivery(position, [STAFF], frozenset({"seatId"})) for position in (AGAIN, PRICED)]
    worker.socket.delivered = handed_over
    assert worker.verdict().clean, str(worker.verdict())
    del handed_over[0]
    assert worker.found() == {(Kind.GAP, AGAIN)}


@pytest.mark.parametrize("is_taken_away", [True, False])
def test_a_room_that_was_taken_away_and_given_back_begins_anew(*, is_taken_away: bool) -> None:
    """The client has said that it is lost; then a resume brings what was in it before."""
    worker = conversation("t1", "staff").connect(STAFF, head=HIRED).event(DURING, STAFF)
    if is_taken_away:
        worker.refresh(Claims("t1", "student", EARLIER))
        worker.revoked(STAFF, "role:staff").granted("role:student")
    worker.drop().connect(STAFF, head=DURING, since=day.HEAD - 2, resume="replaying")
    worker.event(day.HEAD - 1, STAFF)
    worker.socket.delivered = [
        Delivery(position, [STAFF], frozenset({"seatId"})) for position in (DURING, day.HEAD - 1)
    ]
    found = (Kind.OUT_OF_ORDER, day.HEAD - 1) in worker.found(settled=False)
    assert found is not is_taken_away


def test_a_witness_keeps_what_a_token_claims_and_not_the_token() -> None:
    key = SigningKey.generate()
    now = datetime(2026, 12, 1, 8, tzinfo=UTC)
    token = key.sign(
        user_id="s1", role="student", issuer="i", audience="a", now=now, lifetime=timedelta(minutes=5)
    )
    witness = Witness("s1", "s1", "student")
    witness.opened()
    witness.sent({"type": "refresh", "id": 2, "token": token})
    witness.sent({"type": "refresh", "id": 3, "token": "no token"})
    first, second = (passage.frame for passage in witness.socket.connections[0].passages)
    assert first == {
        "type": "refresh",
        "id": 2,
        "claims": Claims("s1", "student", int(now.timestamp())),
    }
    assert second["claims"] is None
