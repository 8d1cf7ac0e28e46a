"""Everybody who may come to a library's door, with their tokens, and what there is that they ask for."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from studyspot.domain.events import AccountDisabled, NotificationSent
from studyspot.domain.people import Role
from tests.commands.conftest import bearer
from tests.projections.system import Log

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a token of this role; `role` none has no token."""

    user_id: str
    role: Role | None

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.role is None else bearer(self.user_id, self.role)


NOBODY = Caller("", None)
ASHA = Caller("asha", "student")
"""The student whose things are asked for."""
ASHA_AS_STAFF = Caller("asha", "staff")
"""The same, in another role, at a library where she does not work."""
RAVI = Caller("ravi", "student")
OUTSIDER = Caller("01890c4e-5b7c-5cc3-9e1b-0f6a2d9b7e11", "student")
"""A student whose token comes from elsewhere."""
OWNER = Caller("owner", "library_owner")
OTHER_OWNER = Caller("other-owner", "library_owner")
MEENA = Caller("meena", "staff")
"""She works for the owner's library."""
KABIR = Caller("kabir", "staff")
"""He works for the other owner's."""
ADMIN = Caller("root", "admin")
DISABLED = Caller("dina", "student")

EVERYBODY = (
    *(NOBODY, ASHA, ASHA_AS_STAFF, RAVI, OUTSIDER, OWNER, OTHER_OWNER, MEENA, KABIR, ADMIN, DISABLED),
)


@dataclass(frozen=True, slots=True)
class Town:
    """Two libraries with their staff; Asha's booking, hold, place in line and notice in the first."""

    http: httpx.AsyncClient
    ids: dict[str, str]

    def filled(self, wanted: Any) -> Any:
        """Return the path, query or body with the town's ids where it names them in braces."""
        if isinstance(wanted, str):
            return wanted.format_map(self.ids)
        if isinstance(wanted, dict):
            return {name: self.filled(value) for name, value in wanted.items()}
        return [self.filled(value) for value in wanted] if isinstance(wanted, list) else wanted


async def a_town(http: httpx.AsyncClient, log: Log) -> Town:
    """Build it, by commands."""

    async def does(caller: Caller, method: str, path: str, body: Any = None) -> Any:
        answer = await http.request(method, path, json=body, headers=caller.headers)
        assert answer.is_success, answer.text
        return answer.json()

    ids = {"asha": ASHA.user_id, "user_id": ASHA.user_id, "name": "booking.created.v1.json"}
    for owner, member, prefix in ((OWNER, MEENA, ""), (OTHER_OWNER, KABIR, "other_")):
        described = {"name": "Saraswati", "city": "Pune", "timeZone": "Asia/Kolkata"}
        library = (await does(owner, "POST", "/api/libraries", described))["id"]
        path = f"/api/libraries/{library}"
        seats = await does(owner, "POST", f"{path}/seats", {"seats": [{"label": "A1"}, {"label": "A2"}]})
        invited = await does(owner, "POST", f"{path}/invitations", {"userId": member.user_id})
        await does(member, "POST", f"/api/invitations/{invited['id']}/accept")
        ids |= {
            f"{prefix}library_id": library,
            f"{prefix}seat_id": seats["seats"][0]["id"],
            f"{prefix}free_seat_id": seats["seats"][1]["id"],
            f"{prefix}invitation_id": invited["id"],
        }
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + 24 * HOUR
    ids |= {"start": _text(start), "end": _text(start + HOUR)}
    ids |= {"later": _text(start + 5 * HOUR), "later_end": _text(start + 6 * HOUR)}
    place = {"libraryId": ids["library_id"], "seatId": ids["seat_id"]}
    wish = place | {"start": ids["start"], "end": ids["end"]}
    ids["booking_id"] = (await does(ASHA, "POST", "/api/bookings", wish))["id"]
    held = wish | {"start": _text(start + 2 * HOUR), "end": _text(start + 3 * HOUR)}
    ids["hold_id"] = (await does(ASHA, "POST", "/api/holds", held))["id"]
    full = {"start": _text(start + 8 * HOUR), "end": _text(start + 9 * HOUR)}
    ids |= {"full": full["start"], "full_end": full["end"], "date": ids["later"][:10]}
    await does(RAVI, "POST", "/api/bookings", wish | full)
    await does(OUTSIDER, "POST", "/api/bookings", wish | full | {"seatId": ids["free_seat_id"]})
    waiting = {"libraryId": ids["library_id"], **full}
    ids["entry_id"] = (await does(ASHA, "POST", "/api/waitlist", waiting))["id"]
    ids["notification_id"] = "n-asha"
    told = NotificationSent(
        notification_id="n-asha",
        user_id=ASHA.user_id,
        library_id=ids["library_id"],
        kind="booking-revoked",
        parameters={"bookingId": ids["booking_id"]},
        cause="1:booking-revoked",
    )
    ids["position"] = str(await log.append(told, AccountDisabled(user_id=DISABLED.user_id)))
    return Town(http, ids)


def _text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
