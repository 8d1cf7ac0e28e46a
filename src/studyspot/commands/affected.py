"""Move or revoke the bookings that a closure or a seat's end hits."""

from fastapi import APIRouter

from studyspot.commands.gate import CommandedOnce
from studyspot.commands.libraries import LibraryId
from studyspot.commands.resolving import Resolver
from studyspot.domain.seeing import SEE_OWN_LIBRARY, SeeOwnLibrary
from studyspot.wire.affected_bodies import ResolveAnswer, ResolveBody

router = APIRouter(prefix="/api/libraries", tags=["libraries"])


@router.post("/{library_id}/affected/resolve")
async def resolve_affected(library_id: LibraryId, body: ResolveBody, gate: CommandedOnce) -> ResolveAnswer:
    """Move bookings that cannot take place, and revoke others: each on its own, whatever becomes of the rest.

    Sent again with the same Idempotency-Key, those that were moved or revoked are answered as before, and
    the others are decided again.
    """
    seen = await gate.decisions.look(SEE_OWN_LIBRARY, SeeOwnLibrary(library_id, gate.actor))
    assert seen.state.library is not None
    resolver = Resolver(gate, seen.state.library, seen.position)
    # One after the other: a seat that was given to one is not offered to the next.
    results = [await resolver.move(move) for move in body.moves]
    results += [await resolver.revoke(booking_id, body.reason) for booking_id in body.revoke]
    return ResolveAnswer.model_validate(gate.reflecting(resolver.position, {"results": results}))
