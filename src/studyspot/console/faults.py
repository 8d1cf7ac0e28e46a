"""What a command says when it cannot do its work: one clear line, and how to mend it. Never a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class Fault(Exception):
    """Something outside this program is not as it has to be."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(f"{what} {mend}")
        self.what = what
        self.mend = mend


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn known faults into one line on standard error and exit status 1; Ctrl-C into 130."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has enough of it; Python would complain again when it closes the stream.
        sys.stderr.close()
        sys.exit(0)
    except BaseExceptionGroup as group:
        line = _line_of(_first(group))
        if line is None:
            raise
        _exit_with(line)
    except Exception as error:
        line = _line_of(error)
        if line is None:
            raise
        _exit_with(line)


def _exit_with(line: str) -> None:
    print(f"studyspot: {line}", file=sys.stderr)  # noqa: T201 - this is the console
    sys.exit(1)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _line_of(error: BaseException) -> str | None:
    """Return the line for a fault that is known, and none for one that is a bug."""
    if isinstance(error, Fault):
        return str(error)
    # Imported here, so that neither `--help` nor a fault of our own waits for drivers.
    import psycopg
    from psycopg_pool import PoolTimeout
    from pydantic import ValidationError

    from studyspot.access.key_sets import KeysUnavailable
    from studyspot.broker.errors import BrokerError
    from studyspot.embedded.errors import EngineError
    from studyspot.event_store.errors import StoreError
    from studyspot.settings import SettingsUnreadable

    match error:
        case EngineError() | SettingsUnreadable():
            return str(error)
        case KeysUnavailable():
            return f"Public keys cannot be read: {error}. Check STUDYSPOT_JWKS."
        case StoreError() | psycopg.OperationalError() | PoolTimeout():
            first = (str(error) or repr(error)).strip().splitlines()[0]
            return f"The database does not answer: {first}. Start it, or check STUDYSPOT_DATABASE_URL."
        case BrokerError():
            return f"{error}. Start NATS, or check STUDYSPOT_NATS_URL."
        case ValidationError() if error.title.endswith("Settings"):
            wrong = error.errors()[0]
            why = wrong["msg"].removeprefix("Value error, ")
            if not wrong["loc"]:  # It is about several together, and names them.
                return f"The settings do not fit together: {why}."
            name = "STUDYSPOT_" + ".".join(str(part) for part in wrong["loc"]).upper()
            return f"{name} is not valid: {why}. Change it."
        case _:
            return None
