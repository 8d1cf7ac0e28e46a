"""Requests over HTTP: tokens, idempotency keys, positions, and another try where that is safe."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypeVar

import httpx
import structlog
from pydantic import BaseModel, ValidationError

from studyspot.client.clock import Clock, FullJitter
from studyspot.client.errors import AnswerLost, AnswerUnreadable, ProblemError
from studyspot.client.tokens import TokenSource, current, tell_refused
from studyspot.client.witness import Witness
from studyspot.wire.positions import MIN_POSITION, POSITION

log = structlog.get_logger()

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Body = TypeVar("Body", bound=BaseModel)

_UNAVAILABLE = 503
_EXPIRED = "/problems/token-expired"
_KEY = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer; `position` is its header's."""

    body: Any
    position: int | None

    def read(self, model: type[Body]) -> Body:
        """Return the body as `model`.

        Raises:
            AnswerUnreadable: it is something else.
        """
        try:
            return model.model_validate(self.body)
        except ValidationError as error:
            raise AnswerUnreadable(str(error)) from error


class Api:
    """Sends requests; `position` is that of the newest command that was accepted."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        token: TokenSource | None,
        *,
        clock: Clock,
        jitter: FullJitter,
        patience: timedelta,
        witness: Witness,
    ) -> None:
        self.position = 0
        self._http = http
        self._token = token
        self._clock = clock
        self._jitter = jitter
        self._patience = patience
        self._witness = witness

    async def command(
        self, method: Method, path: str, body: BaseModel | None = None, *, key: str | None = None
    ) -> Reply:
        """Change something. A POST, and what is given one, carries an Idempotency-Key: the same on every try.

        A 503 and a lost answer are tried again; a lost answer to a DELETE is not, since a second one
        would be told that there is nothing left to delete.

        Raises:
            ProblemError: the server said no.
            AnswerLost: no answer came, and it is unknown whether the command happened.
        """
        content = None if body is None else body.model_dump(mode="json", by_alias=True, exclude_unset=True)
        headers = {_KEY: key or uuid.uuid4().hex} if method == "POST" or key is not None else {}
        reply = await self._persist(method, path, content, headers, {})
        self.position = max(self.position, reply.position or 0)
        return reply

    async def query(self, path: str, parameters: Mapping[str, Any], min_position: int | None) -> Reply:
        """Read something, as of `min_position` or later.

        Raises:
            ProblemError: the server said no, or the read model has not reached the position in time.
            AnswerLost: no answer came.
        """
        headers = {MIN_POSITION: str(min_position)} if min_position else {}
        named = {name: value for name, value in parameters.items() if value is not None}
        return await self._persist("GET", path, None, headers, named)

    async def _persist(
        self, method: Method, path: str, content: Any, headers: dict[str, str], parameters: Mapping[str, Any]
    ) -> Reply:
        """Try until there is an answer other than 503, or patience ends."""
        attempt, deadline = 0, self._clock.now() + self._patience
        may_renew = True
        while True:
            failure: ProblemError | AnswerLost
            token = await current(self._token) if self._token is not None else None
            try:
                return await self._once(method, path, content, headers, parameters, token)
            except ProblemError as problem:
                if problem.type == _EXPIRED and may_renew and self._may_give_another(token):
                    may_renew = False
                    continue
                if problem.status != _UNAVAILABLE:
                    raise
                failure, at_least = problem, problem.retry_after or timedelta()
            except AnswerLost as lost:
                may_have_happened = not isinstance(lost.__cause__, httpx.ConnectError)
                if method == "DELETE" and may_have_happened:
                    raise
                failure, at_least = lost, timedelta()
            wait = max(self._jitter.wait(attempt), at_least)
            if self._clock.now() + wait > deadline:
                raise failure
            log.info("trying again", method=method, path=path, attempt=attempt, reason=str(failure))
            await self._clock.sleep(wait)
            attempt += 1

    def _may_give_another(self, token: str | None) -> bool:
        """Tell the source that its token is worth nothing any more; say whether it may give another."""
        return self._token is not None and token is not None and tell_refused(self._token, token)

    async def _once(
        self,
        method: Method,
        path: str,
        content: Any,
        headers: dict[str, str],
        parameters: Mapping[str, Any],
        token: str | None,
    ) -> Reply:
        if token is not None:
            headers = {**headers, "Authorization": f"Bearer {token}"}
        key, after = headers.get(_KEY), self.position
        try:
            response = await self._http.request(
                method, path, json=content, params=parameters, headers=headers
            )
        except httpx.TransportError as error:
            self._witness.answered(method, path, key, content, None, None, None, after)
            raise AnswerLost(f"{method} {path}: {error or type(error).__name__}") from error
        body = _json(response)
        told = response.headers.get(POSITION, "")
        position = int(told) if told.isdigit() else None
        self._witness.answered(method, path, key, content, response.status_code, body, position, after)
        if not response.is_success:
            raise _problem(response, body)
        return Reply(body, position)


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _problem(response: httpx.Response, body: Any) -> ProblemError:
    members = dict(body) if isinstance(body, Mapping) else {"detail": response.text[:200]}
    after = response.headers.get("Retry-After", "")
    members.pop("status", None)
    members.pop("instance", None)
    return ProblemError(
        problem_type=str(members.pop("type", "about:blank")),
        title=str(members.pop("title", response.reason_phrase)),
        status=response.status_code,
        detail=str(members.pop("detail", "")),
        extras=members,
        retry_after=timedelta(seconds=int(after)) if after.isdigit() else None,
    )
