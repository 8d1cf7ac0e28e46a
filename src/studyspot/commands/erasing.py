"""Erasing a person: what is known of them is deleted, and the log says so. It may be repeated at any time."""

from dataclasses import dataclass

from studyspot.access.erasure import Erasure
from studyspot.decisions.run import Accepted, Circumstances, Decisions
from studyspot.domain.accounts import ERASE_ACCOUNT, EraseAccount


@dataclass(frozen=True, slots=True)
class Eraser:
    """Erases people; their display names, whoever publishes those deletes."""

    erasure: Erasure
    decisions: Decisions

    async def erase(self, command: EraseAccount, circumstances: Circumstances) -> Accepted:
        """Delete what is known of a person, then say so.

        Raises:
            NotAdmin, NotYourself: nothing was deleted.
            StoreUnavailable, psycopg.OperationalError: it is to be repeated.
        """
        # What is deleted does not come back: whether it may be is asked first.
        await self.decisions.look(ERASE_ACCOUNT, command)
        await self.erasure.erase(command.user_id)
        return await self.decisions.run(ERASE_ACCOUNT, command, circumstances, lambda _, __: {})
