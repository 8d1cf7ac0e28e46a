"""Register, sign in, stay signed in, sign out; and who one is.

The refresh token is in a cookie that no script reads, and that only these paths are sent.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from studyspot.access.access_tokens import LASTS
from studyspot.access.accounts import EmailTaken
from studyspot.access.passwords import TooManySignIns
from studyspot.access.sessions import SessionOver
from studyspot.access.sign_in_limits import TooManyAttempts
from studyspot.commands.gate import Asked
from studyspot.commands.names import NameBook
from studyspot.commands.registering import NewAccount
from studyspot.commands.signing_in import Barred, Origin, SignedIn, SignIn, WrongCredentials
from studyspot.decisions.clock import Clock
from studyspot.decisions.identifiers import new_id
from studyspot.decisions.run import Circumstances
from studyspot.domain.accounts import SEE_ACCOUNT, SeeAccount
from studyspot.telemetry import trace_of
from studyspot.wire.auth_bodies import AccountAnswer, LoginBody, MeAnswer, RegisterBody, SignedInAnswer
from studyspot.wire.positions import POSITION
from studyspot.wire.problems import (
    ACCOUNT_BARRED,
    CREDENTIALS_WRONG,
    EMAIL_TAKEN,
    ORIGIN_REFUSED,
    SESSION_OVER,
    TOO_MANY_ATTEMPTS,
    UNAVAILABLE,
    Problem,
)

REFRESH_COOKIE = "studyspot-refresh"
DEVICE_COOKIE = "studyspot-device"
PATH = "/api/auth"
_DEVICE_LASTS = timedelta(days=365)
_BUSY = timedelta(seconds=2)

router = APIRouter(prefix=PATH, tags=["accounts"])


class Door:
    """One request to come in, go on or leave, from a page of ours or from no page."""

    def __init__(self, request: Request, response: Response) -> None:
        """Let in what no foreign page has sent.

        Raises:
            Problem: 403, it has.
        """
        _require_own_page(request)
        self.sign_in: SignIn = request.app.state.sign_in
        self.refresh_token = request.cookies.get(REFRESH_COOKIE)
        client = request.client.host if request.client is not None else "unknown"
        self.origin = Origin(client, request.cookies.get(DEVICE_COOKIE))
        self._names: NameBook = request.app.state.names
        self._clock: Clock = request.app.state.clock
        self._trace = trace_of(request.headers.get("traceparent"))
        self._response = response
        # A cookie that is only sent over TLS would be lost where there is none, as on the own machine.
        self._secure = request.url.scheme == "https"

    def new_id(self) -> str:
        return new_id(self._clock())

    def circumstances(self, actor: str | None) -> Circumstances:
        at = self._clock()
        return Circumstances(actor=actor, at=at, command_id=new_id(at), traceparent=self._trace)

    def opened(self, signed_in: SignedIn) -> SignedInAnswer:
        """Return the answer to who has signed in, with the cookies of it."""
        account, renewal = signed_in.account, signed_in.renewal
        self._names.learn(account.user_id, account.name)
        lasts = max(timedelta(0), renewal.expires_at - self._clock())
        self._set(self._response, REFRESH_COOKIE, renewal.token, lasts)
        if signed_in.device is not None:
            self._set(self._response, DEVICE_COOKIE, signed_in.device, _DEVICE_LASTS)
        self._response.headers[POSITION] = str(signed_in.position)
        self._response.headers["Cache-Control"] = "no-store"
        return SignedInAnswer(
            account=AccountAnswer(
                id=account.user_id, email=account.email, name=account.name, role=signed_in.role
            ),
            token=signed_in.token,
            expires_in=int(LASTS.total_seconds()),
            position=signed_in.position,
        )

    def closed(self) -> Mapping[str, str]:
        """Return the header that takes the refresh token from the browser."""
        emptied = Response()
        self._set(emptied, REFRESH_COOKIE, "", timedelta(0))
        return {"Set-Cookie": emptied.headers["Set-Cookie"]}

    def _set(self, response: Response, name: str, value: str, lasts: timedelta) -> None:
        response.set_cookie(
            name,
            value,
            max_age=int(lasts.total_seconds()),
            path=PATH,
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )


AtTheDoor = Annotated[Door, Depends(Door)]


@router.post("/register", status_code=201)
async def register(body: RegisterBody, door: AtTheDoor) -> SignedInAnswer:
    """Make an account, and sign in. An address that has one is told so: else nobody could know it."""
    user_id = door.new_id()
    new = NewAccount(user_id, body.email, body.name, body.password.get_secret_value(), body.role)
    try:
        signed_in = await door.sign_in.register(new, door.origin, door.circumstances(user_id))
    except EmailTaken:
        raise Problem(
            EMAIL_TAKEN, "This address has an account. Sign in with it, or use another address."
        ) from None
    except (TooManyAttempts, TooManySignIns) as later:
        raise _later(later) from None
    return door.opened(signed_in)


@router.post("/login")
async def login(body: LoginBody, door: AtTheDoor) -> SignedInAnswer:
    """Sign in with address and password."""
    try:
        signed_in = await door.sign_in.login(
            body.email, body.password.get_secret_value(), door.origin, door.circumstances(None)
        )
    except WrongCredentials:
        raise Problem(CREDENTIALS_WRONG, "Address and password do not belong together. Try again.") from None
    except Barred:
        raise _barred({}) from None
    except (TooManyAttempts, TooManySignIns) as later:
        raise _later(later) from None
    return door.opened(signed_in)


@router.post("/refresh")
async def refresh(door: AtTheDoor) -> SignedInAnswer:
    """Get a fresh token, by the cookie of the session; it is replaced."""
    if door.refresh_token is None:
        raise Problem(SESSION_OVER, "You are not signed in. Sign in.")
    try:
        signed_in = await door.sign_in.refresh(door.refresh_token, door.circumstances(None))
    except SessionOver:
        raise Problem(
            SESSION_OVER, "You are not signed in any more. Sign in again.", headers=dict(door.closed())
        ) from None
    except Barred:
        raise _barred(door.closed()) from None
    return door.opened(signed_in)


@router.post("/logout", status_code=204)
async def logout(door: AtTheDoor) -> Response:
    """End the session; tokens that it gave are good until their time is over, a quarter of an hour."""
    if door.refresh_token is not None:
        await door.sign_in.logout(door.refresh_token, door.circumstances(None).at)
    return Response(status_code=204, headers=dict(door.closed()))


@router.get("/me")
async def who_am_i(gate: Asked, request: Request) -> MeAnswer:
    """Tell who one is, also with a token from elsewhere."""
    sign_in: SignIn = request.app.state.sign_in
    caller = gate.caller
    account = await sign_in.accounts.by_id(caller.user_id)
    seen = await gate.decisions.look(SEE_ACCOUNT, SeeAccount(caller.user_id))
    answer = {
        "id": caller.user_id,
        "email": account.email if account is not None else None,
        "name": account.name if account is not None else caller.name,
        "role": seen.state.role or caller.role,
    }
    return MeAnswer.model_validate(gate.told(seen.position, answer))


def _require_own_page(request: Request) -> None:
    """Let in requests of pages of ours, and of what is no page: a browser names the page's origin.

    Raises:
        Problem: 403, a foreign page has sent it.
    """
    named = request.headers.get("Origin")
    allowed: tuple[str, ...] = request.app.state.allowed_origins
    own = f"{request.url.scheme}://{request.headers.get('Host', '')}"
    if named is not None and named != own and named not in allowed:
        raise Problem(ORIGIN_REFUSED, "Only pages of this service may ask for this.")


def _later(why: TooManyAttempts | TooManySignIns) -> Problem:
    if isinstance(why, TooManySignIns):
        return Problem(UNAVAILABLE, "Very many are signing in now. Try again.", _BUSY)
    return Problem(TOO_MANY_ATTEMPTS, "There were too many attempts. Wait, then try again.", why.retry_after)


def _barred(headers: Mapping[str, str]) -> Problem:
    return Problem(
        ACCOUNT_BARRED, "This account may not be used. Ask an administrator.", headers=dict(headers)
    )
