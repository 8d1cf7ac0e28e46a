"""Earlier versions of events: each shape as it was shipped, and the step from it to the next.

The newest versions stand in `domain/events.py`, and nothing else knows earlier ones.
`docs/evolving-events.md` tells how one comes here.
"""

from typing import Any

from studyspot.catalogue.versions import Upcast

UPCASTS: tuple[Upcast[Any, Any], ...] = ()
