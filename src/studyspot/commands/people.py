"""What administrators do with people: disable, enable, change the role, erase."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from studyspot.access.sessions import Sessions
from studyspot.commands.erasing import Eraser
from studyspot.commands.gate import Commanded, Gate
from studyspot.commands.names import NameBook
from studyspot.decisions.run import Accepted
from studyspot.domain.account import Account
from studyspot.domain.accounts import (
    CHANGE_ROLE,
    DISABLE_ACCOUNT,
    ENABLE_ACCOUNT,
    SEE_ACCOUNT,
    ChangeRole,
    DisableAccount,
    EnableAccount,
    EraseAccount,
    SeeAccount,
)
from studyspot.wire.people_bodies import ChangePersonBody, PersonChangedAnswer, PersonStatus
from studyspot.wire.shape import Identifier

router = APIRouter(prefix="/api/people", tags=["people"])


@router.patch("/{user_id}")
async def change_person(
    user_id: Annotated[Identifier, Path()], body: ChangePersonBody, gate: Commanded, request: Request
) -> PersonChangedAnswer:
    """Disable or enable somebody, change their role, or erase them: for ever, and repeatably."""
    positions = []
    if body.role is not None:
        changed = await gate.decisions.run(
            CHANGE_ROLE, ChangeRole(user_id, body.role, gate.actor), gate.circumstances(), lambda _, __: {}
        )
        positions.append(changed.position)
    if body.status is not None:
        positions.append((await _set_status(user_id, body.status, gate, request)).position)
    seen = await gate.decisions.look(SEE_ACCOUNT, SeeAccount(user_id))
    answer = {"id": user_id, "role": seen.state.role, "status": _status_of(seen.state)}
    return PersonChangedAnswer.model_validate(gate.reflecting(max(positions), answer))


async def _set_status(user_id: str, status: PersonStatus, gate: Gate, request: Request) -> Accepted:
    decisions, circumstances = gate.decisions, gate.circumstances()
    if status == "erased":
        eraser: Eraser = request.app.state.eraser
        names: NameBook = request.app.state.names
        accepted = await eraser.erase(EraseAccount(user_id, gate.actor), circumstances)
        names.forget(user_id)
    elif status == "disabled":
        sessions: Sessions = request.app.state.sessions
        disable = DisableAccount(user_id, gate.actor)
        accepted = await decisions.run(DISABLE_ACCOUNT, disable, circumstances, lambda _, __: {})
        await sessions.end_all(user_id, gate.at)
    else:
        enable = EnableAccount(user_id, gate.actor)
        accepted = await decisions.run(ENABLE_ACCOUNT, enable, circumstances, lambda _, __: {})
    return accepted


def _status_of(account: Account) -> PersonStatus:
    if account.erased:
        return "erased"
    return "disabled" if account.disabled else "active"
