"""What every command has in common: who asks, when, once, and how the answer carries its position."""

import hashlib
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response

from studyspot.access.private_texts import PrivateTexts
from studyspot.access.tokens import Identity
from studyspot.commands.names import NameBook
from studyspot.decisions.identifiers import new_id
from studyspot.decisions.run import Accepted, Circumstances, Decisions
from studyspot.event_store.store import EventStore
from studyspot.event_store.types import IdempotencyKey
from studyspot.telemetry import trace_of
from studyspot.wire.bearer import Caller
from studyspot.wire.positions import POSITION

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
        self._names: NameBook = request.app.state.names
        self._key = key
        self._trace = trace_of(request.headers.get("traceparent"))

    def new_id(self) -> str:
        return new_id(self.at)

    def circumstances(self, *, keyed: bool = True) -> Circumstances:
        """Return this request's circumstances; one that is several commands keys only the last."""
        self._names.learn(self.caller)
        return Circumstances(
            actor=self.actor.user_id,
            at=self.at,
            command_id=self.new_id(),
            traceparent=self._trace,
            key=self._key if keyed else None,
        )

    def answer(self, accepted: Accepted) -> dict[str, Any]:
        """Return the body of the answer, and put its position into the header."""
        self._response.headers[POSITION] = str(accepted.position)
        if accepted.repeated:
            self._response.headers[REPEATED] = "true"
        return {**accepted.answer, "position": accepted.position}


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
