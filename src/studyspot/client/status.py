"""How well a client is connected."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Status:
    """What to tell the person in front of it.

    `stale_since`: when what they see began to age: the connection was lost then, or the server
    lost its own source. `close_code` is that of the last connection's end.
    """

    state: Literal["connecting", "connected", "reconnecting", "closed"]
    stale_since: datetime | None = None
    close_code: int | None = None
