"""Rows about notices, and about what is shown to nobody."""

from typing import Any

from studyspot.domain.events import (
    AccountDisabled,
    AccountEnabled,
    AccountErased,
    AccountRegistered,
    Event,
    NotificationRead,
    StaffAdded,
    StaffInvited,
    StaffRemoved,
    WaitlistAccepted,
    WaitlistJoined,
    WaitlistLeft,
    WaitlistOfferLapsed,
)
from tests.ws_fanout import events as given
from tests.ws_fanout.socket_io.rows import AN_INSTANT, Row, Sight, View
from tests.ws_fanout.socket_io.told import Packet
from tests.ws_fanout.socket_io.viewers import EVERYONE, STUDENT


def notice_rows() -> list[Row]:
    sent: dict[str, Any] = {
        "notificationId": "N1",
        "userId": "s1",
        "libraryId": "L1",
        "kind": "booking-revoked",
        "parameters": {"bookingId": "B7", "seatLabel": "17"},
        "textId": None,
    }
    personal = sent | {"notificationId": "N2", "kind": "personal", "parameters": {}, "textId": "text-4"}
    offer = {
        "notificationId": "H1",
        "userId": "s1",
        "libraryId": "L1",
        "kind": "waitlist-offered",
        "parameters": {
            "entryId": "W1",
            "holdId": "H1",
            "seatId": "S17",
            "start": "2026-12-01T09:00:00Z",
            "end": "2026-12-01T11:00:00Z",
            "until": "2026-12-01T08:10:00Z",
        },
    }
    announced = {"announcementId": "A1", "title": "New rooms", "text": "Two libraries have opened."}
    to_all = {"id": "A1", **announced, "message": announced["text"], "timestamp": AN_INSTANT}
    sight = Sight(
        *("global:notification", View.PUBLIC, " ".join(announced)),
        announced,
        (Packet("global:notification", to_all),),
    )
    return [
        Row("notification.sent", given.notified(), {STUDENT: _notice(sent)}),
        Row("notification.sent, with a text", given.personal_notice(), {STUDENT: _notice(personal)}),
        Row("waitlist.offered", given.offered(), {STUDENT: _notice(offer)}),
        Row("announcement.made", given.announced(), {EVERYONE: sight}),
    ]


def _notice(data: dict[str, Any]) -> Sight:
    payload = {"id": data["notificationId"], **data, "timestamp": AN_INSTANT}
    return Sight("notification", View.FULL, " ".join(data), data, (Packet("notification", payload),))


def rows_of_nobody() -> list[Row]:
    """What changes rights, or a place in line, and is shown in no room."""
    place = given.place()
    unseen: list[Event] = [
        StaffInvited(library_id="L1", invitation_id="I1", user_id="u1", until=given.END),
        StaffAdded(library_id="L1", user_id="u1", invitation_id="I1"),
        StaffRemoved(library_id="L1", user_id="u1"),
        AccountRegistered(user_id="u1", role="student"),
        given.role_changed("u1", "staff", "student"),
        AccountDisabled(user_id="u1"),
        AccountEnabled(user_id="u1"),
        AccountErased(user_id="u1"),
        WaitlistJoined(**place),
        WaitlistOfferLapsed(**place, status="lapsed", hold_id="H1", seat_id="S17"),
        WaitlistAccepted(**place, hold_id="H1", booking_id="B7"),
        WaitlistLeft(**place, reason="asked"),
        NotificationRead(notification_id="N1", user_id="s1"),
    ]
    return [Row(type(event).__name__, event, {}) for event in unseen]
