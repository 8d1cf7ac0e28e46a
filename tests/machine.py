"""Who may use the machine: tests beside each other, or one that needs it alone.

A test that gives a load of so many commands a second says little beside three others: it is marked `alone`.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def on_the_machine(run: str | None, *, alone: bool) -> Iterator[None]:
    """Hold the machine, beside others of the same `run` or `alone`; without a run, nobody else is there."""
    if run is None:
        yield
        return
    place = Path(tempfile.gettempdir())
    with (place / f"{run}.turnstile").open("w") as turnstile, (place / f"{run}.machine").open("w") as machine:
        # Who wants it alone keeps the turnstile, so that no more come in while it waits for the others to go.
        fcntl.flock(turnstile, fcntl.LOCK_EX)
        fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        if not alone:
            fcntl.flock(turnstile, fcntl.LOCK_UN)
        yield


def this_run() -> str | None:
    """Return what names the run whose workers share the machine; none where there is one process."""
    return os.environ.get("PYTEST_XDIST_TESTRUNUID")
