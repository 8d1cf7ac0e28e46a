"""Rows of bookings as every answer tells them."""

from datetime import datetime
from typing import Any, LiteralString

from studyspot.wire.cursors import unreadable, values_of

LEDGER: LiteralString = """
    (
        SELECT coalesce(jsonb_agg(to_jsonb(l) - 'booking_id' - 'library_id' ORDER BY l.position), '[]')
        FROM {ledger} AS l WHERE l.booking_id = b.booking_id
    ) AS ledger
"""
_SAME = (
    *("library_id", "seat_id", "user_id", "occupation", "hold_id", "series_id", "occupied_until", "status"),
    *("amount_minor", "kept_minor", "paid_minor", "currency"),
    *("plan_id", "price_version", "check_in_from", "check_in_until", "free_cancel_until"),
    *("late_refund_percent", "plan_share", "checked_in_at", "ended_at", "revocation_reason", "closure_id"),
    *("created_at", "changed_at"),
)


def told(row: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a `BookingView` from its row."""
    kept = row["amount_minor"] if row["kept_minor"] is None else row["kept_minor"]
    return {
        "id": row["booking_id"],
        "start": row["starts_at"],
        "end": row["ends_at"],
        "late": row["cancelled_late"],
        "due_minor": kept - row["paid_minor"],
        **{column: row[column] for column in _SAME},
    }


def place_of(cursor: str) -> tuple[datetime, str]:
    """Return start and id of the last booking of a page.

    Raises:
        Problem: 422, the cursor is none of ours.
    """
    start, booking_id = values_of(cursor, 2)
    try:
        return datetime.fromisoformat(start), booking_id
    except ValueError:
        raise unreadable() from None
