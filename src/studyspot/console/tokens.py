"""`studyspot token`."""

from datetime import UTC, datetime, timedelta
from typing import get_args

from studyspot.access.key_folder import LONGEST_TOKEN_LIFE
from studyspot.console.durations import duration_of
from studyspot.console.faults import Fault
from studyspot.console.installation import begin, signing_key
from studyspot.domain.identifiers import is_identifier
from studyspot.domain.people import Role


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
    lifetime = duration_of(ttl)
    if not timedelta() < lifetime <= LONGEST_TOKEN_LIFE:
        raise Fault(f"{ttl} is no lifetime of a token.", f"Use at most {LONGEST_TOKEN_LIFE.days}d.")
    settings = begin()
    made = signing_key(settings).sign(
        user_id=user,
        role=known[role],
        name=name,
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        now=datetime.now(UTC),
        lifetime=lifetime,
    )
    print(made)  # noqa: T201 - this is what the command is for
