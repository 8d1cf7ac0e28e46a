"""Whether a token lets its bearer onto a socket, at first and when it is renewed."""

from datetime import datetime

from studyspot.access.tokens import Identity, KeysUnsettled, TokenExpired, TokenRefused
from studyspot.wire.frames import CloseCode
from studyspot.ws_fanout.limits import Limits
from studyspot.ws_fanout.node import Node
from studyspot.ws_fanout.rights import Standing

_REFUSED = {
    Standing.SHUT_OUT: (CloseCode.REVOKED, "this account may not be used any more"),
    Standing.OUTDATED: (CloseCode.TOKEN_EXPIRED, "the token is of an earlier role: get a fresh one"),
}


class TurnedAway(Exception):
    """The socket is to be closed, with this code and reason."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class NotRenewed(Exception):
    """The token does not take the place of the one before, which still holds.

    `code` is that of the error that says so.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def identified(token: str, now: datetime, node: Node) -> Identity:
    """Return whose first token this is, which is shown at `now` (UTC).

    Raises:
        TurnedAway: nobody may be here with this token.
    """
    try:
        return node.verify(token, now)
    except KeysUnsettled as error:
        raise TurnedAway(CloseCode.OVERLOAD, f"{error.reason}: come again a little later") from error
    except TokenExpired as error:
        raise TurnedAway(CloseCode.TOKEN_EXPIRED, error.reason) from error
    except TokenRefused as error:
        raise TurnedAway(CloseCode.BAD_TOKEN, error.reason) from error


def let_in(identity: Identity, node: Node, limits: Limits) -> None:
    """Ask whether a person may have one socket more.

    Raises:
        TurnedAway: they may not be here, not with this token, or not on so many sockets.
    """
    check_standing(identity, node)
    if node.sockets_of(identity.user_id) >= limits.sockets_per_user:
        raise TurnedAway(CloseCode.TOO_MANY_SOCKETS, "too many sockets of this user")


def renewed(token: str, identity: Identity, now: datetime, node: Node) -> Identity:
    """Return what a fresh token says of the person whose socket this is.

    Raises:
        NotRenewed: it is no good token, or someone else's.
        TurnedAway: the person may not be here any more, or not with this token.
    """
    try:
        fresh = node.verify(token, now)
    except KeysUnsettled as error:
        raise NotRenewed("keys-unsettled", error.reason) from error
    except TokenExpired as error:
        raise NotRenewed("token-expired", error.reason) from error
    except TokenRefused as error:
        raise NotRenewed("token-refused", error.reason) from error
    if fresh.user_id != identity.user_id:
        raise NotRenewed("token-of-another", "The token speaks for someone else.")
    check_standing(fresh, node)
    return fresh


def check_standing(identity: Identity, node: Node) -> None:
    """Ask whether the person may be here, with their token.

    Raises:
        TurnedAway: they may not.
    """
    end = _REFUSED.get(node.standing_of(identity))
    if end is not None:
        raise TurnedAway(*end)
