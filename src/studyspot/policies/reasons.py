"""Why something failed, in one line without what was stored: logs and read-outs are for more eyes."""

import psycopg
from pydantic import ValidationError

from studyspot.catalogue.codec import UnreadableEvent

MOST_CHARACTERS = 500


def reason_of(error: BaseException) -> str:
    """Return what is wrong, as PostgreSQL's text can hold it."""
    cause = error.__cause__ if isinstance(error, UnreadableEvent) else error
    if isinstance(cause, ValidationError):
        wrong = cause.errors(include_url=False, include_context=False, include_input=False)
        text = f"{cause.title}: " + "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in wrong
        )
    elif isinstance(error, psycopg.Error):
        text = error.diag.message_primary or str(error)
    else:
        text = f"{type(error).__name__}: {error}"
    line = " ".join(text.replace("\0", "\\0").split()).encode(errors="backslashreplace").decode()
    return line if len(line) <= MOST_CHARACTERS else f"{line[:MOST_CHARACTERS]} …"
