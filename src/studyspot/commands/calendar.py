"""The key of one's calendar feed: make another, or let none open it."""

from fastapi import APIRouter, Request

from studyspot.access.calendar_keys import CalendarKeys, new_key
from studyspot.commands.gate import Commanded, Gate
from studyspot.domain.account import require_active
from studyspot.domain.accounts import SEE_ACCOUNT, SeeAccount
from studyspot.wire.calendar_bodies import CalendarKeyAnswer, CalendarRevokedAnswer

router = APIRouter(prefix="/api/bookings", tags=["bookings"])

FEED = "api/bookings.ics"


# Without an Idempotency-Key: what is stored for a request that comes again would hold the key itself.
@router.post("/calendar", status_code=201)
async def make_calendar_key(request: Request, gate: Commanded) -> CalendarKeyAnswer:
    """Make the key of one's calendar feed; one that was made before opens nothing any more."""
    position = await _as_active(gate)
    key = new_key()
    await _keys(request).replace(gate.caller.user_id, key, gate.at)
    url = f"{request.base_url}{FEED}?key={key}"
    return CalendarKeyAnswer.model_validate(gate.reflecting(position, {"key": key, "url": url}))


@router.delete("/calendar")
async def revoke_calendar_key(request: Request, gate: Commanded) -> CalendarRevokedAnswer:
    """Let no key open one's calendar feed."""
    position = await _as_active(gate)
    await _keys(request).revoke(gate.caller.user_id)
    return CalendarRevokedAnswer.model_validate(gate.reflecting(position, {}))


async def _as_active(gate: Gate) -> int:
    """Return the position at which the caller is neither disabled nor erased.

    Raises:
        AccountInactive: they are.
    """
    seen = await gate.decisions.look(SEE_ACCOUNT, SeeAccount(gate.caller.user_id))
    require_active(seen.state)
    return seen.position


def _keys(request: Request) -> CalendarKeys:
    keys: CalendarKeys = request.app.state.calendar_keys
    return keys
