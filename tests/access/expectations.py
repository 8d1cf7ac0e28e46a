"""Who may do what, as it should be: for every operation a request, and those who are not refused."""

from dataclasses import dataclass, field
from typing import Any

from tests.access.people import (
    ADMIN,
    ASHA,
    ASHA_AS_STAFF,
    DISABLED,
    EVERYBODY,
    KABIR,
    MEENA,
    NOBODY,
    OTHER_OWNER,
    OUTSIDER,
    OWNER,
    RAVI,
    Caller,
)

People = tuple[Caller, ...]

WITH_TOKEN: People = tuple(one for one in EVERYBODY if one not in (NOBODY, DISABLED))
OF_ASHA: People = (ASHA, ASHA_AS_STAFF)
LIBRARY: People = (OWNER, MEENA)
PARTY: People = (*OF_ASHA, *LIBRARY)
STUDENTS: People = (ASHA, RAVI, OUTSIDER)
OWNERS: People = (OWNER, OTHER_OWNER)
RUNNERS: People = (OWNER, OTHER_OWNER, MEENA, KABIR, ASHA_AS_STAFF)


@dataclass(frozen=True, slots=True)
class Expected:
    """A request, with ids of the town in braces, and who is not refused it.

    Of a list, everybody `allowed` is answered; `shown` is told only to those in `shown_to`.
    """

    method: str
    template: str
    allowed: People
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)
    shown: str | None = None
    shown_to: People = ()

    @property
    def operation(self) -> tuple[str, str]:
        return self.method, self.template

    def __str__(self) -> str:
        return f"{self.method} {self.template}"


_LIBRARY = "/api/libraries/{library_id}"
_BOOKING = "/api/bookings/{booking_id}"
_TIME = {"start": "{later}", "end": "{later_end}"}
_SEAT = {"seatId": "{free_seat_id}", **_TIME}
_PLACE = {"libraryId": "{library_id}", **_SEAT}
_FOR_ASHA = {"userId": "{asha}"}
_NEW_LIBRARY = {"name": "Vidya", "city": "Pune", "timeZone": "Asia/Kolkata"}
_WAITING = {"libraryId": "{library_id}", "start": "{full}", "end": "{full_end}"}
_SERIES = {
    "libraryId": "{library_id}",
    "seatId": "{free_seat_id}",
    "from": "{date}",
    "until": "{date}",
    "startTime": "05:00",
    "endTime": "06:00",
}
_PAYMENT = {"kind": "payment", "amountMinor": 1, "method": "cash"}
_NOBODYS_BOOKING = {"revoke": ["none"]}

EXPECTED: tuple[Expected, ...] = (
    Expected("GET", "/api/libraries", EVERYBODY),
    Expected(
        "GET",
        "/api/libraries",
        WITH_TOKEN,
        query={"mine": "true"},
        shown="{library_id}",
        shown_to=LIBRARY,
    ),
    Expected("POST", "/api/libraries", OWNERS, _NEW_LIBRARY),
    Expected("GET", _LIBRARY, EVERYBODY),
    Expected("PATCH", _LIBRARY, (OWNER,), {"city": "Pune"}),
    Expected("DELETE", _LIBRARY, (OWNER,)),
    Expected("PUT", f"{_LIBRARY}/pricing", (OWNER,), {"plans": []}),
    Expected("PUT", f"{_LIBRARY}/hours", (OWNER,), {"hours": None}),
    Expected("PUT", f"{_LIBRARY}/rules", (OWNER,), {}),
    Expected("POST", f"{_LIBRARY}/invitations", (OWNER,), {"userId": "somebody"}),
    Expected("GET", "/api/invitations", WITH_TOKEN),
    Expected("POST", "/api/invitations/{invitation_id}/accept", (MEENA,)),
    Expected("DELETE", f"{_LIBRARY}/staff/{{user_id}}", (OWNER, *OF_ASHA)),
    Expected("GET", f"{_LIBRARY}/staff", LIBRARY),
    Expected("GET", f"{_LIBRARY}/seats", EVERYBODY, query=_TIME),
    Expected("GET", f"{_LIBRARY}/seats", LIBRARY, query=_TIME | {"at": "{position}"}),
    Expected("POST", f"{_LIBRARY}/seats", LIBRARY, {"seats": [{"label": "A1"}]}),
    Expected("PATCH", f"{_LIBRARY}/seats/{{seat_id}}", LIBRARY, {}),
    Expected("DELETE", f"{_LIBRARY}/seats/{{seat_id}}", LIBRARY),
    Expected("GET", f"{_LIBRARY}/affected", LIBRARY, query={"seatId": "{seat_id}"}),
    Expected("POST", f"{_LIBRARY}/affected/resolve", LIBRARY, _NOBODYS_BOOKING),
    Expected("GET", f"{_LIBRARY}/desk-code", LIBRARY),
    Expected("GET", f"{_LIBRARY}/stats", LIBRARY),
    Expected("POST", f"{_LIBRARY}/quote", STUDENTS, _SEAT),
    Expected("POST", f"{_LIBRARY}/quote", (ASHA, *LIBRARY), _SEAT | _FOR_ASHA),
    Expected("GET", f"{_LIBRARY}/quota", STUDENTS),
    Expected("GET", f"{_LIBRARY}/quota", (ASHA, *LIBRARY), query=_FOR_ASHA),
    Expected("POST", "/api/holds", (ASHA, *LIBRARY), _PLACE | _FOR_ASHA),
    Expected("POST", "/api/bookings", (ASHA, *LIBRARY), _PLACE | _FOR_ASHA),
    Expected("POST", "/api/holds", STUDENTS, _PLACE),
    Expected("POST", "/api/bookings", STUDENTS, _PLACE),
    Expected("POST", "/api/bookings/series", STUDENTS, _SERIES),
    Expected("POST", "/api/bookings/series", (ASHA, *LIBRARY), _SERIES | _FOR_ASHA),
    Expected("POST", "/api/bookings/series/preview", STUDENTS, _SERIES),
    Expected("POST", "/api/bookings/series/preview", (ASHA, *LIBRARY), _SERIES | _FOR_ASHA),
    Expected("GET", "/api/bookings", WITH_TOKEN, shown="{booking_id}", shown_to=PARTY),
    Expected("GET", "/api/bookings/stats", WITH_TOKEN),
    Expected("GET", _BOOKING, PARTY, shown="{booking_id}", shown_to=PARTY),
    Expected("GET", f"{_BOOKING}/history", PARTY, shown="booking.created", shown_to=PARTY),
    Expected("PATCH", _BOOKING, PARTY, {}),
    Expected("POST", f"{_BOOKING}/check-in", PARTY),
    Expected("POST", f"{_BOOKING}/check-out", PARTY),
    Expected("POST", f"{_BOOKING}/payments", LIBRARY, _PAYMENT),
    Expected("POST", f"{_BOOKING}/revoke", LIBRARY),
    Expected("POST", f"{_BOOKING}/cancel", PARTY),
    Expected("DELETE", "/api/holds/{hold_id}", PARTY),
    Expected("GET", "/api/notifications", WITH_TOKEN, shown="{notification_id}", shown_to=OF_ASHA),
    Expected("POST", "/api/notifications/{notification_id}/read", OF_ASHA),
    Expected("GET", "/api/notifications/muted", WITH_TOKEN),
    Expected("PUT", "/api/notifications/muted", WITH_TOKEN, {"kinds": []}),
    Expected(
        "POST",
        "/api/notifications",
        LIBRARY,
        {"libraryId": "{library_id}", "userIds": ["{asha}"], "text": "The hall is painted on Monday."},
    ),
    Expected("GET", "/api/announcements", WITH_TOKEN),
    Expected("POST", "/api/announcements", (ADMIN,), {"title": "Diwali", "text": "A happy Diwali."}),
    Expected("POST", "/api/auth/register", EVERYBODY, {}),
    Expected("POST", "/api/auth/login", EVERYBODY, {}),
    Expected("POST", "/api/auth/refresh", EVERYBODY),
    Expected("POST", "/api/auth/logout", EVERYBODY),
    Expected("GET", "/api/auth/me", WITH_TOKEN),
    Expected("GET", "/api/people", (ADMIN,)),
    Expected("GET", "/api/people/{user_id}", (ADMIN,)),
    Expected("PATCH", "/api/people/{user_id}", (ADMIN,), {"status": "active"}),
    Expected("GET", "/api/audit", (ADMIN,)),
    Expected("GET", "/api/config", EVERYBODY),
    Expected("GET", "/api/health", EVERYBODY),
    Expected("GET", "/api/ready", EVERYBODY),
    Expected("GET", "/.well-known/jwks.json", EVERYBODY),
    Expected("GET", "/openapi.json", EVERYBODY),
    Expected("GET", "/asyncapi.json", EVERYBODY),
    Expected("GET", "/schemas/{name}", EVERYBODY),
    Expected("GET", "/docs", EVERYBODY),
    Expected("GET", "/api/bookings.ics", EVERYBODY, query={"key": "none"}),
    Expected("POST", "/api/bookings/calendar", WITH_TOKEN),
    Expected("DELETE", "/api/bookings/calendar", WITH_TOKEN),
    Expected("POST", "/api/waitlist", STUDENTS, _WAITING),
    Expected("POST", "/api/waitlist", (ASHA, *LIBRARY), _WAITING | _FOR_ASHA),
    Expected("GET", "/api/waitlist", WITH_TOKEN, shown="{entry_id}", shown_to=OF_ASHA),
    Expected(
        "GET",
        "/api/waitlist",
        (*STUDENTS, ADMIN, *LIBRARY),
        query={"libraryId": "{library_id}"},
        shown="{entry_id}",
        shown_to=(ASHA, *LIBRARY),
    ),
    Expected("DELETE", "/api/waitlist/{entry_id}", PARTY),
)
