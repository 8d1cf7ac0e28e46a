"""Invite somebody to work for a library, accept, and let somebody go."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from studyspot.commands.gate import Commanded, CommandedOnce, Gate
from studyspot.commands.libraries import LibraryId
from studyspot.decisions.run import Accepted
from studyspot.domain.events import AccountRoleChanged, Event, StaffInvited
from studyspot.domain.staff import (
    ACCEPT_INVITATION,
    INVITE_STAFF,
    REMOVE_STAFF,
    AcceptInvitation,
    Hiring,
    InviteStaff,
    RemoveStaff,
)
from studyspot.event_store.errors import StoreUnavailable
from studyspot.wire.shape import Identifier
from studyspot.wire.staff_bodies import AcceptBody, AcceptedAnswer, InviteBody, InvitedAnswer, LetGoAnswer

router = APIRouter(prefix="/api", tags=["staff"])


@router.post("/libraries/{library_id}/invitations", status_code=201)
async def invite_staff(library_id: LibraryId, body: InviteBody, gate: CommandedOnce) -> InvitedAnswer:
    """Invite a person, or whoever has an address, to work for the library; for a week."""
    command = InviteStaff(library_id, gate.new_id(), body.user_id, gate.actor, gate.at)
    accepted = await _sent_to(body.email, command, gate)
    told = gate.answer(accepted)
    # The code is not among what is stored for a request that comes again: it follows from the id.
    code = gate.invitation_codes.code(told["id"]) if body.email is not None else None
    return InvitedAnswer.model_validate({**told, "code": code})


@router.post("/invitations/{invitation_id}/accept")
async def accept_invitation(
    invitation_id: Annotated[Identifier, Path()], gate: CommandedOnce, body: AcceptBody | None = None
) -> AcceptedAnswer:
    """Work for the library that sent the invitation: to the caller, or to their address and with its code."""
    code = body.code if body is not None else None
    matches = (
        code is not None
        and gate.invitation_codes.is_right(invitation_id, code)
        and await gate.invitations.was_sent_to(invitation_id, gate.actor.user_id)
    )
    command = AcceptInvitation(invitation_id, matches, gate.actor, gate.at)

    def answer(hiring: Hiring, events: tuple[Event, ...]) -> dict[str, Any]:
        assert hiring.invitation is not None
        role = hiring.account.role or gate.actor.role
        for event in events:
            if isinstance(event, AccountRoleChanged):
                role = event.role
        return {"libraryId": hiring.invitation.library_id, "role": role}

    accepted = await gate.decisions.run(ACCEPT_INVITATION, command, gate.circumstances(), answer)
    return AcceptedAnswer.model_validate(gate.answer(accepted))


@router.delete("/libraries/{library_id}/staff/{user_id}")
async def remove_staff(
    library_id: LibraryId, user_id: Annotated[Identifier, Path()], gate: Commanded
) -> LetGoAnswer:
    """Let somebody go who works for the library, as its owner; or go, as that person."""
    command = RemoveStaff(library_id, user_id, gate.actor)

    def answer(_: Hiring, __: tuple[Event, ...]) -> dict[str, Any]:
        return {"libraryId": library_id, "userId": user_id}

    accepted = await gate.decisions.run(REMOVE_STAFF, command, gate.circumstances(), answer)
    return LetGoAnswer.model_validate(gate.answer(accepted))


async def _sent_to(email: str | None, command: InviteStaff, gate: Gate) -> Accepted:
    """Keep the address and run the command; an address of which no event tells is forgotten."""
    if email is None:
        return await gate.decisions.run(INVITE_STAFF, command, gate.circumstances(), _invited)
    await gate.invitations.keep(command.invitation_id, email)
    may_be_told = False
    try:
        accepted = await gate.decisions.run(INVITE_STAFF, command, gate.circumstances(), _invited)
        may_be_told = not accepted.repeated
    except StoreUnavailable:
        may_be_told = True
        raise
    finally:
        if not may_be_told:
            await gate.invitations.forget(command.invitation_id)
    return accepted


def _invited(_: Hiring, events: tuple[Event, ...]) -> dict[str, Any]:
    (invited,) = events
    assert isinstance(invited, StaffInvited)
    return {"id": invited.invitation_id, "until": invited.until}
