"""Given an event, when a projection takes it: what the tests of read models say."""

from datetime import datetime
from typing import Any

from studyspot.domain.events import Event
from studyspot.projections.projection import Projection, PutRow, RowChange
from tests.projections.happenings import NINE, recorded


def when(
    projection: Projection, event: Event, position: int = 7, at: datetime = NINE, actor: str | None = None
) -> tuple[RowChange, ...]:
    return projection.changes(recorded(event, position, at, actor))


def put(change: RowChange) -> dict[str, Any]:
    assert isinstance(change, PutRow)
    return dict(change.row)
