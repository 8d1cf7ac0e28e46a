"""Python's cycle collector, told when to look: while it looks, the node stands still.

A socket is a hundred objects, and leaves cycles when it is lost; what events are made of leaves none. Left to
itself, the collector goes through all that is rather new while events are brought (40 ms for 50 000 objects),
and through everything while many connect (half a second with 5 000 sockets).
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG_OBJECTS = 10_000
"""So many more than before are looked at by themselves: 2 to 3 ms."""
_LEAST_LOST = 2_000
_MOST_LOOKS = 100
"""At young objects, of which a part may be garbage by now; so that what no socket leaves has an end, too."""


class Garbage:
    """Looks at what is young, and leaves it alone from then on; at everything when many sockets are gone."""

    def __init__(self) -> None:
        self._lost_before = 0
        self._looks = 0

    def look(self, *, lost: int, sockets: int) -> None:
        """Look, if it is time to: so many connections were `lost` since the beginning, so many are there."""
        if lost - self._lost_before >= max(_LEAST_LOST, sockets / 2) or self._looks >= _MOST_LOOKS:
            self._lost_before, self._looks = lost, 0
            gc.unfreeze()
            gc.collect()
            gc.freeze()
        elif gc.get_count()[0] > _YOUNG_OBJECTS:
            self._looks += 1
            gc.collect(0)
            gc.freeze()


@contextmanager
def seldom_looked_for() -> Iterator[Garbage]:
    """Look for garbage in this process only when asked to, inside."""
    gc.disable()
    gc.collect()
    gc.freeze()
    try:
        yield Garbage()
    finally:
        gc.unfreeze()
        gc.enable()
