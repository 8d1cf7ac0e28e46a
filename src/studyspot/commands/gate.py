"""What every command has in common: who asks, when, once, and how the answer carries its position."""

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response

from studyspot.access.desk_codes import DeskCodes
from studyspot.access.invitation_codes import InvitationCodes
from studyspot.access.invitations import Invitations
from studyspot.access.private_texts import PrivateTexts
from studyspot.access.quotes import Quotes
from studyspot.access.tokens import Identity
from studyspot.commands.alternatives import Alternatives, SeatFinder
from studyspot.commands.names import NameBook
from studyspot.commands.turns import Turns
from studyspot.decisions.identifiers import new_id
from studyspot.decisions.preconditions import Unchanged
from studyspot.decisions.run import Accepted, Circumstances, Decisions
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import IdempotencyKey
from studyspot.telemetry import trace_of
from studyspot.wire.bearer import Caller
from studyspot.wire.min_position import MinPosition
from studyspot.wire.positions import POSITION
from studyspot.wire.problems import POSITION_AHEAD, Problem

REPEATED = "Idempotent-Replayed"

IdempotencyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key and body within 24 h get the stored answer.",
    ),
]


class Gate:
    """One request to change something: its caller, its moment, and what it needs to be decided."""

    def __init__(self, request: Request, response: Response, caller: Identity, key: IdempotencyKey | None):
        self._response = response
        self.caller = caller
        self.actor = caller.actor
        self.at: datetime = request.app.state.clock()
        self.decisions: Decisions = request.app.state.decisions
        self.store: EventStore = request.app.state.store
        self.texts: PrivateTexts = request.app.state.private_texts
        self.invitations: Invitations = request.app.state.invitations
        self.invitation_codes: InvitationCodes = request.app.state.invitation_codes
        self.quotes: Quotes = request.app.state.quotes
        self.desk_codes: DeskCodes = request.app.state.desk_codes
        self.alternatives: Alternatives = request.app.state.alternatives
        self.finder: SeatFinder = request.app.state.finder
        self.turns: Turns = request.app.state.turns
        self._request = request
        self._names: NameBook = request.app.state.names
        self._key = key
        self._trace = trace_of(request.headers.get("traceparent"))

    @property
    def path(self) -> str:
        """What was asked for, as problems name it."""
        return self._request.url.path

    def new_id(self) -> str:
        return new_id(self.at)

    async def answered(self) -> Accepted | None:
        """Return what this request was answered with before, by its key.

        A command is asked itself; this is for what has to be read before there is a command.
        """
        return await self.decisions.answered(self._key) if self._key is not None else None

    def circumstances(self, part: str | None = None, unchanged: Unchanged | None = None) -> Circumstances:
        """Return this request's circumstances; where it is several commands, each `part` has its own key.

        Where something must be `unchanged`, as an If-Match says, the command is refused otherwise.
        """
        self._names.learn(self.caller.user_id, self.caller.name)
        key = self._key
        if key is not None and part is not None:
            # A client's key has no space, so that none can be taken for a part of another.
            key = replace(key, key=f"{key.key} {part}")
        return Circumstances(
            actor=self.actor.user_id,
            at=self.at,
            command_id=self.new_id(),
            traceparent=self._trace,
            key=key,
            unchanged=unchanged,
        )

    def answer(self, accepted: Accepted) -> dict[str, Any]:
        """Return the body of the answer, and put its position into the header."""
        if accepted.repeated:
            self._response.headers[REPEATED] = "true"
        return self.reflecting(accepted.position, accepted.answer)

    def reflecting(self, position: int, answer: dict[str, Any]) -> dict[str, Any]:
        """Return the body of an answer that reflects this position, and put that into the header."""
        self._response.headers[POSITION] = str(position)
        return {**answer, "position": position}

    def has_changed_nothing(self) -> None:
        """Answer with 200 where a change would be a 201."""
        self._response.status_code = 200


class Question(Gate):
    """One request to be told what only a decision can tell; it is answered from the log, at its head."""

    def __init__(
        self, request: Request, response: Response, caller: Caller, min_position: MinPosition = None
    ) -> None:
        super().__init__(request, response, caller, None)
        self._min_position = min_position or 0

    def told(self, position: int, answer: dict[str, Any]) -> dict[str, Any]:
        """Return the body of the answer, with the server's time and its position.

        Raises:
            Problem: 422, the log has not reached the position that was asked for.
        """
        if position < self._min_position:
            raise Problem(POSITION_AHEAD, f"The log ends at position {position}.")
        return self.reflecting(position, {**answer, "serverNow": self.at})


async def _keyless(request: Request, response: Response, caller: Caller) -> Gate:
    return Gate(request, response, caller, None)


async def _keyed(
    request: Request, response: Response, caller: Caller, idempotency_key: IdempotencyHeader = None
) -> Gate:
    if idempotency_key is None:
        return Gate(request, response, caller, None)
    digest = hashlib.sha256(f"{request.method} {request.url.path}\n".encode())
    digest.update(await request.body())
    key = IdempotencyKey(actor=caller.user_id, key=idempotency_key, fingerprint=digest.digest())
    return Gate(request, response, caller, key)


Commanded = Annotated[Gate, Depends(_keyless)]
"""For PUT, PATCH and DELETE, which are idempotent by themselves."""

CommandedOnce = Annotated[Gate, Depends(_keyed)]
"""For POST, which takes an Idempotency-Key."""

Asked = Annotated[Question, Depends(Question)]
"""For what is read of the log itself."""
