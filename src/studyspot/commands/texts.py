"""Texts about people that an event names by id: kept first, and forgotten where no event can name them."""

from collections.abc import Awaitable, Callable

from studyspot.commands.gate import Gate
from studyspot.decisions.run import Accepted
from studyspot.domain.seeing import FIND_STUDENT, FindStudent
from studyspot.event_store.errors import StoreUnavailable


async def naming(
    gate: Gate, booking_id: str, text: str | None, run: Callable[[str | None], Awaitable[Accepted]]
) -> Accepted:
    """Keep a text about a booking's student, and run the command that names it.

    `run` is given the text's id; none where there is no text.

    Raises:
        StoreUnavailable: whose booking it is cannot be read.
        psycopg.OperationalError: the text cannot be kept.
        Exception: whatever `run` raises.
    """
    if text is None:
        return await run(None)
    found = await gate.decisions.look(FIND_STUDENT, FindStudent(booking_id))
    booking = found.state.booking
    text_id = gate.new_id()
    await gate.texts.keep(text_id, text, booking.facts.user_id if booking is not None else None)
    may_be_named = False
    try:
        accepted = await run(text_id)
        may_be_named = not accepted.repeated
    except StoreUnavailable:
        may_be_named = True
        raise
    finally:
        # A text that no event names could never be found again.
        if not may_be_named:
            await gate.texts.forget(text_id)
    return accepted
