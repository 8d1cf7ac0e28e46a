"""What a rebuild tells while it runs."""

from dataclasses import dataclass
from typing import Literal

Stage = Literal["reading the log", "building indexes", "catching up", "comparing", "done"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Which projection is at what, and how many of its events it has read."""

    name: str
    stage: Stage
    events: int
    of_events: int
