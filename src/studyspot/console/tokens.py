"""`studyspot token`."""

import re
from datetime import UTC, datetime, timedelta
from typing import get_args

from studyspot.console.faults import Fault
from studyspot.console.installation import begin, signing_key
from studyspot.domain.identifiers import is_identifier
from studyspot.domain.people import Role

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def print_token(user: str, role: str, ttl: str, name: str | None) -> None:
    """Print a token for this person.

    Raises:
        Fault: an argument is not valid, or there is no signing key.
    """
    if not is_identifier(user):
        raise Fault(f"{user!r} is no id.", "Use 1 to 64 letters, digits, _ and -.")
    known = {known: known for known in get_args(Role)}
    if role not in known:
        raise Fault(f"{role!r} is no role.", f"Use one of {', '.join(known)}.")
    settings = begin()
    made = signing_key(settings).sign(
        user_id=user,
        role=known[role],
        name=name,
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        now=datetime.now(UTC),
        lifetime=_duration(ttl),
    )
    print(made)  # noqa: T201 - this is what the command is for


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", text)
    if match is None:
        raise Fault(f"{text!r} is no duration.", "Use a number and a unit: 30s, 15m, 1h, 7d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
