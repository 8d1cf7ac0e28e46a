"""Children that are told by the kernel when their parent dies, however it dies."""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def told_of_parents_death(number: signal.Signals) -> Callable[[], None] | None:
    """Return what a new child calls first, for a signal when its parent dies; None where there is no such.

    Only Linux has it, and sends it when the *thread* that forked ends: so only the main thread's children
    get it.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def arm() -> None:
        prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:
            os._exit(1)

    return arm
