"""What takes the seats of a library within some time: shared by the map and the search."""

from datetime import datetime, timedelta
from typing import Any, LiteralString

from studyspot.projections.models.seats import SPANS_DAYS

INSTANT = timedelta(microseconds=1)

# Of the library of the row `place`. A hold is over at its `until`, whether or not anybody noticed.
# OFFSET 0 keeps the planner from joining the spans last, which would read the library's whole history.
OCCUPATIONS: LiteralString = """
    SELECT o.* FROM unnest(%(spans)s::integer[]) AS span CROSS JOIN LATERAL (
        SELECT * FROM {occupations} AS o
        WHERE o.library_id = place.library_id AND o.span_days = span
          AND o.starts_at < %(end)s AND o.starts_at > %(start)s - make_interval(hours => 24 * span)
          AND o.ends_at > %(start)s AND (o.until IS NULL OR o.until > %(now)s)
        OFFSET 0
    ) AS o
"""


def during(start: datetime, end: datetime) -> dict[str, Any]:
    """Return the parameters of `OCCUPATIONS` for what overlaps [start, end)."""
    return {"start": start, "end": end, "spans": list(SPANS_DAYS)}
