"""Who may do what over HTTP: for every operation, the roles that may ask, and what they must be to it.

Roles are judged before anything else is read. The relation is judged where it is known, by the operation's
decider or query: it stands here so that one page tells all.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from studyspot.domain.people import Role

Relation = Literal[
    "public", "anyone", "own", "party", "runs-library", "owns-library", "invited", "owner-or-self", "admin"
]
"""What the caller must be to what they ask for:

- `public`: nobody in particular; no token is taken.
- `anyone`: whoever has a token, asking for themself or for what all may know.
- `own`: the person whom it concerns, whatever role they have now.
- `party`: that person, or who runs the library, day by day: its owner or its staff.
- `runs-library`, `owns-library`: its owner or its staff; its owner alone.
- `invited`: the person to whom the invitation was sent.
- `owner-or-self`: the library's owner, or the person whom it concerns.
- `admin`: the role alone.
"""


@dataclass(frozen=True, slots=True)
class Access:
    """`roles` may ask, none where no token is needed; each must be in `relation` to what they ask for.

    Where no token is needed, who comes with one may ask for more, in the relation `more`.
    """

    roles: tuple[Role, ...]
    relation: Relation
    more: Relation | None = None


EVERYONE: tuple[Role, ...] = get_args(Role)

_PUBLIC = Access((), "public")
_ANYONE = Access(EVERYONE, "anyone")
_OWN = Access(EVERYONE, "own")
_PARTY = Access(EVERYONE, "party")
_FOR_A_STUDENT = Access(("student", "library_owner", "staff"), "party")
_RUNS = Access(("library_owner", "staff"), "runs-library")
_OWNS = Access(("library_owner",), "owns-library")
_ADMIN = Access(("admin",), "admin")

POLICY: dict[tuple[str, str], Access] = {
    # Libraries, and what their owners alone decide.
    ("GET", "/api/libraries"): Access((), "public", more="anyone"),
    ("POST", "/api/libraries"): Access(("library_owner",), "anyone"),
    ("GET", "/api/libraries/{library_id}"): _PUBLIC,
    ("PATCH", "/api/libraries/{library_id}"): _OWNS,
    ("DELETE", "/api/libraries/{library_id}"): _OWNS,
    ("PUT", "/api/libraries/{library_id}/pricing"): _OWNS,
    ("PUT", "/api/libraries/{library_id}/hours"): _OWNS,
    ("PUT", "/api/libraries/{library_id}/rules"): _OWNS,
    ("POST", "/api/libraries/{library_id}/invitations"): _OWNS,
    ("GET", "/api/invitations"): _OWN,
    ("POST", "/api/invitations/{invitation_id}/accept"): Access(("student", "staff"), "invited"),
    ("DELETE", "/api/libraries/{library_id}/staff/{user_id}"): Access(EVERYONE, "owner-or-self"),
    # Running a library day by day.
    ("GET", "/api/libraries/{library_id}/seats"): Access((), "public", more="runs-library"),
    ("POST", "/api/libraries/{library_id}/seats"): _RUNS,
    ("PATCH", "/api/libraries/{library_id}/seats/{seat_id}"): _RUNS,
    ("DELETE", "/api/libraries/{library_id}/seats/{seat_id}"): _RUNS,
    ("GET", "/api/libraries/{library_id}/affected"): _RUNS,
    ("POST", "/api/libraries/{library_id}/affected/resolve"): _RUNS,
    ("GET", "/api/libraries/{library_id}/desk-code"): _RUNS,
    ("GET", "/api/libraries/{library_id}/stats"): _RUNS,
    # Booking: students for themselves, libraries for the student they name.
    ("POST", "/api/libraries/{library_id}/quote"): _FOR_A_STUDENT,
    ("GET", "/api/libraries/{library_id}/quota"): _FOR_A_STUDENT,
    ("POST", "/api/holds"): _FOR_A_STUDENT,
    ("DELETE", "/api/holds/{hold_id}"): _PARTY,
    ("POST", "/api/bookings"): _FOR_A_STUDENT,
    ("POST", "/api/bookings/series"): _FOR_A_STUDENT,
    ("POST", "/api/bookings/series/preview"): _FOR_A_STUDENT,
    ("GET", "/api/bookings"): _PARTY,
    ("GET", "/api/bookings/stats"): _PARTY,
    ("GET", "/api/bookings.ics"): _PUBLIC,
    ("POST", "/api/bookings/calendar"): _OWN,
    ("DELETE", "/api/bookings/calendar"): _OWN,
    ("GET", "/api/bookings/{booking_id}"): _PARTY,
    ("GET", "/api/bookings/{booking_id}/history"): _PARTY,
    ("PATCH", "/api/bookings/{booking_id}"): _PARTY,
    ("POST", "/api/bookings/{booking_id}/cancel"): _PARTY,
    ("POST", "/api/bookings/{booking_id}/check-in"): _PARTY,
    ("POST", "/api/bookings/{booking_id}/check-out"): _PARTY,
    ("POST", "/api/bookings/{booking_id}/revoke"): _RUNS,
    ("POST", "/api/bookings/{booking_id}/payments"): _RUNS,
    # Waiting for a seat.
    ("POST", "/api/waitlist"): _FOR_A_STUDENT,
    ("GET", "/api/waitlist"): _PARTY,
    ("DELETE", "/api/waitlist/{entry_id}"): _PARTY,
    # Notices.
    ("GET", "/api/notifications"): _OWN,
    ("POST", "/api/notifications"): _RUNS,
    ("POST", "/api/notifications/{notification_id}/read"): _OWN,
    ("GET", "/api/notifications/muted"): _OWN,
    ("PUT", "/api/notifications/muted"): _OWN,
    ("GET", "/api/announcements"): _ANYONE,
    ("POST", "/api/announcements"): _ADMIN,
    # People.
    ("POST", "/api/auth/register"): _PUBLIC,
    ("POST", "/api/auth/login"): _PUBLIC,
    ("POST", "/api/auth/refresh"): _PUBLIC,
    ("POST", "/api/auth/logout"): _PUBLIC,
    ("GET", "/api/auth/me"): _OWN,
    ("GET", "/api/libraries/{library_id}/staff"): _RUNS,
    ("GET", "/api/people"): _ADMIN,
    ("GET", "/api/people/{user_id}"): _ADMIN,
    ("PATCH", "/api/people/{user_id}"): _ADMIN,
    ("GET", "/api/audit"): _ADMIN,
    # The service, and its documents.
    ("GET", "/api/config"): _PUBLIC,
    ("GET", "/api/health"): _PUBLIC,
    ("GET", "/api/ready"): _PUBLIC,
    ("GET", "/.well-known/jwks.json"): _PUBLIC,
    ("GET", "/openapi.json"): _PUBLIC,
    ("GET", "/asyncapi.json"): _PUBLIC,
    ("GET", "/schemas/{name}"): _PUBLIC,
    ("GET", "/docs"): _PUBLIC,
}
"""Every operation by its method and path template. One that has no row here is not served."""

_CALLED: dict[Role, str] = {
    "student": "students",
    "library_owner": "library owners",
    "staff": "the staff of libraries",
    "admin": "administrators",
}


def sentence_for(access: Access) -> str:
    """Return who may do it, for somebody who may not."""
    called = [_CALLED[role] for role in access.roles]
    names = called[0] if len(called) == 1 else f"{', '.join(called[:-1])} and {called[-1]}"
    return f"Only {names} may do this. Sign in as one of them, or ask one."
