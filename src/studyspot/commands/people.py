"""What administrators do with people: disable, enable, change the role, erase."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from studyspot.commands.changing_people import ChangingPeople, status_of
from studyspot.commands.conditions import person_as_read
from studyspot.commands.gate import Commanded
from studyspot.commands.names import NameBook
from studyspot.wire.etags import IfMatch
from studyspot.wire.people_bodies import ChangePersonBody, PersonChangedAnswer
from studyspot.wire.shape import Identifier

router = APIRouter(prefix="/api/people", tags=["people"])


@router.patch("/{user_id}")
async def change_person(
    user_id: Annotated[Identifier, Path()],
    body: ChangePersonBody,
    gate: Commanded,
    request: Request,
    if_match: IfMatch = None,
) -> PersonChangedAnswer:
    """Disable or enable somebody, change their role, or erase them: for ever, and repeatably."""
    people: ChangingPeople = request.app.state.people
    names: NameBook = request.app.state.names
    positions = []
    circumstances = gate.circumstances(unchanged=person_as_read(user_id, if_match))
    if body.role is not None:
        changed = await people.change_role(user_id, body.role, gate.actor, circumstances)
        positions.append(changed.position)
        # From here on it is this request that has changed them.
        circumstances = gate.circumstances()
    if body.status is not None:
        changed = await people.set_status(user_id, body.status, gate.actor, circumstances)
        positions.append(changed.position)
    if body.status == "erased":
        names.forget(user_id)
    account = (await people.see(user_id)).state
    answer = {"id": user_id, "role": account.role, "status": status_of(account)}
    return PersonChangedAnswer.model_validate(gate.reflecting(max(positions), answer))
