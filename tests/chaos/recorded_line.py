"""A clean morning of accounts, staff and a waitlist: the log, and sockets of who was let go and shut out."""

from typing import Any

from studyspot.checker.judge import Evidence
from studyspot.checker.log import Log
from studyspot.checker.passages import Socket
from studyspot.checker.records import Record
from studyspot.checker.rooms import rooms_of
from studyspot.checker.witness import Witness
from tests.chaos import recorded_day as day
from tests.chaos.recorded_life import at, booking, hold, occupation, record, terms

STAFF_ROOM = "library:L1:staff"
HELD = occupation(2, "S1", "s1", "10:00", "12:00", "12:10")
TAKEN = occupation(3, "S1", "s2", "10:00", "12:00", "12:10")
FREED = occupation(1, "S1", "s9", "10:00", "12:00", "12:10")
TERMS = terms("09:45", "10:30", "09:00")
INVITED = {"libraryId": "L1", "invitationId": "I1", "userId": "t1"}
HIRED = {"userId": "t1", "role": "staff", "previousRole": "student"}
PERSONAL = {
    "notificationId": "N1",
    "userId": "s2",
    "libraryId": "L1",
    "kind": "personal",
    "parameters": {},
    "cause": "personal:N1",
    "textId": "text-1",
}
ANNOUNCED = {"announcementId": "A1", "title": "New rooms", "text": "Two libraries have opened."}


def place(number: int, user: str, status: str, **more: Any) -> dict[str, Any]:
    """A place in line for ten to twelve."""
    wanted: dict[str, Any] = {"start": at("10:00"), "end": at("12:00"), "zone": None, "attributes": {}}
    whose = {"entryId": f"W{number}", "libraryId": "L1", "userId": user}
    return {**whose, **wanted, "status": status, **more}


def registered(user: str) -> dict[str, Any]:
    return {"userId": user, "role": "student"}


def offer(number: int, of: dict[str, Any], entry: str, until: str, status: str = "held") -> dict[str, Any]:
    return {**hold(number, of, until, status), "entryId": entry}


LAPSED = place(1, "s1", "lapsed", holdId="H1", seatId="S1")
ACCEPTED = place(2, "s2", "accepted", holdId="H2", bookingId="B2")
HAPPENED: tuple[tuple[str, str | None, str, dict[str, Any]], ...] = (
    ("08:00", "w1", "library.created", day.library("L1", "w1")),
    ("08:01", "w1", "seat.added", day.seat("L1", "S1")),
    ("08:02", "s1", "account.registered", registered("s1")),
    ("08:03", "s2", "account.registered", registered("s2")),
    ("08:04", "t1", "account.registered", registered("t1")),
    ("08:05", "w1", "staff.invited", {**INVITED, "until": at("20:00")}),
    ("08:06", "t1", "staff.added", INVITED),
    ("08:06", "t1", "account.role-changed", HIRED),
    ("08:10", "s9", "booking.created", booking(1, FREED, "confirmed", **TERMS, holdId=None)),
    ("08:11", "s1", "waitlist.joined", place(1, "s1", "waiting", revokedBookingId=None)),
    ("08:12", "s2", "waitlist.joined", place(2, "s2", "waiting", revokedBookingId=None)),
    ("08:13", "t1", "waitlist.joined", place(3, "s3", "waiting", revokedBookingId=None)),
    ("08:20", "s9", "booking.cancelled", booking(1, FREED, "cancelled", late=False, keptMinor=0)),
    ("08:21", None, "hold.placed", offer(1, HELD, "W1", "08:31")),
    (
        "08:21",
        None,
        "waitlist.offered",
        place(1, "s1", "offered", holdId="H1", seatId="S1", until=at("08:31")),
    ),
    ("08:22", "s1", "notification.read", {"notificationId": "H1", "userId": "s1"}),
    ("08:31", None, "hold.lapsed", offer(1, HELD, "W1", "08:31", "lapsed")),
    ("08:31", None, "waitlist.offer-lapsed", LAPSED),
    ("08:32", None, "hold.placed", offer(2, TAKEN, "W2", "08:42")),
    (
        "08:32",
        None,
        "waitlist.offered",
        place(2, "s2", "offered", holdId="H2", seatId="S1", until=at("08:42")),
    ),
    ("08:35", "s2", "booking.created", booking(2, TAKEN, "confirmed", **TERMS, holdId="H2")),
    ("08:35", "s2", "waitlist.accepted", ACCEPTED),
    ("08:36", "s1", "waitlist.joined", place(4, "s1", "waiting", revokedBookingId=None)),
    ("08:37", "t1", "seat.updated", {**day.seat("L1", "S1"), "label": "By the window"}),
    ("08:38", "t1", "notification.sent", PERSONAL),
    ("08:39", "s2", "notification.read", {"notificationId": "N1", "userId": "s2"}),
    ("08:40", "w1", "staff.removed", {"libraryId": "L1", "userId": "t1"}),
    ("08:41", "a1", "account.disabled", {"userId": "s3"}),
    ("08:42", "a1", "account.enabled", {"userId": "s3"}),
    ("08:43", "s1", "waitlist.left", place(4, "s1", "left", reason="asked")),
    ("10:05", None, "waitlist.left", place(3, "s3", "left", reason="over")),
    ("10:06", "a1", "account.erased", {"userId": "s3"}),
    ("10:07", "a1", "announcement.made", ANNOUNCED),
    ("10:08", "w1", "seat.updated", day.seat("L1", "S1")),
)
HEAD = len(HAPPENED)


def records() -> list[Record]:
    return [record(position, *one) for position, one in enumerate(HAPPENED, start=1)]


def brought(witness: Witness, rooms: set[str], after: int, until: int) -> None:
    """The socket gets what these rooms see in (after, until]."""
    for known in records()[after:until]:
        if rooms_of(known).keys() & rooms:
            witness.received(day.frame(known, rooms))


def opened(witness: Witness, role: str, head: int, *staff_rooms: str, since: int | None = None) -> set[str]:
    """The socket connects when the log has reached `head`; return its rooms."""
    user = witness.socket.user
    witness.opened()
    connect: dict[str, Any] = {"type": "connect", "id": 1, "token": "secret"}
    if since is not None:
        connect["since"] = {"epoch": day.EPOCH, "position": since}
    witness.sent(connect)
    witness.received(
        {
            "type": "connected",
            "id": 1,
            "epoch": day.EPOCH,
            "head": head,
            "resume": "live" if since is None else "replaying",
            "user": user,
            "role": role,
            "rooms": [{"room": room, "joined": True} for room in staff_rooms],
        }
    )
    return {"everyone", f"user:{user}", f"role:{role}", *staff_rooms}


def worker() -> Socket:
    """Hired at 7, in their new role from 8 on, and let go at 27; one connection for each role."""
    witness = Witness("t1", "t1", "staff")
    rooms = opened(witness, "staff", 8, STAFF_ROOM, since=1)
    brought(witness, rooms, 1, 27)
    left = {"type": "left", "id": None, "rooms": [STAFF_ROOM], "reason": "Only the staff may be there."}
    witness.received(left)
    brought(witness, rooms - {STAFF_ROOM}, 27, HEAD)
    witness.received({"type": "heartbeat", "position": HEAD, "serverNow": at("10:09")})
    return _frames_alone(witness)


def later_worker() -> Socket:
    """Let go already: the replay from before brings nothing of the staff room."""
    witness = Witness("t1 later", "t1", "staff")
    rooms = opened(witness, "staff", 30, since=8)
    brought(witness, rooms, 8, HEAD)
    witness.received({"type": "caught-up", "position": HEAD, "rooms": sorted(rooms)})
    return _frames_alone(witness)


def shut_out() -> Socket:
    """Sent away at 28."""
    witness = Witness("s3", "s3", "student")
    brought(witness, opened(witness, "student", 1), 1, 28)
    witness.closed(4503)
    return _frames_alone(witness)


def of_former_role() -> Socket:
    """Of a token that names the role of before 8."""
    witness = Witness("t1 before", "t1", "student")
    brought(witness, opened(witness, "student", 1), 1, 8)
    witness.closed(4001)
    return _frames_alone(witness)


def _frames_alone(witness: Witness) -> Socket:
    made = witness.socket
    made.delivered = None
    return made


def evidence() -> Evidence:
    """The whole morning; each call makes it anew."""
    log = records()
    assert Log(log).head == HEAD
    sockets = [worker(), later_worker(), shut_out(), of_former_role()]
    return Evidence(records=log, messages=[day.message(known) for known in log], sockets=sockets)
