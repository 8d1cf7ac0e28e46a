"""One golden message per version of an event: what was shipped, byte for byte as JSON."""

import json
from dataclasses import MISSING, fields
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar

from studyspot.catalogue.cloudevents import to_message
from studyspot.catalogue.codec import Metadata, encode
from studyspot.catalogue.schemas import name_of
from studyspot.catalogue.types import EVENT_CLASSES, VOCABULARY, type_of
from studyspot.domain.events import (
    BookingRevoked,
    Event,
    PaymentRecorded,
    PaymentRefunded,
    Plan,
    WaitlistLeft,
    WaitlistOfferLapsed,
)
from studyspot.domain.opening_hours import OpenHours
from studyspot.domain.rules import BookingRules

Known = TypeVar("Known", bound=Event)

FOLDER = Path(__file__).parent / "golden"

NINE = datetime(2026, 12, 2, 9, tzinfo=UTC)
METADATA = Metadata(
    time=datetime(2026, 12, 1, 9, tzinfo=UTC),
    command_id="0193a2f0-0000-7000-8000-000000000001",
    actor="a-person",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)
_VALUES: dict[str, Any] = {
    "library_id": "L1",
    "owner_id": "owner-1",
    "seat_id": "S17",
    "user_id": "student-1",
    "booking_id": "B7",
    "hold_id": "H5",
    "closure_id": "C1",
    "notification_id": "N3",
    "announcement_id": "A4",
    "invitation_id": "I6",
    "entry_id": "W8",
    "series_id": "series-9",
    "revoked_booking_id": "B6",
    "text_id": "text-1",
    "title": "New reading rooms in Pune",
    "text": "Three libraries have opened near the university.",
    "role": "student",
    "previous_role": "staff",
    "payment_id": "P2",
    "reason_id": "reason-1",
    "reference_id": "reference-1",
    "plan_id": "hourly",
    "occupation": "o9f",
    "start": NINE,
    "end": NINE + timedelta(hours=2),
    "occupied_until": NINE + timedelta(hours=2, minutes=10),
    "until": NINE - timedelta(hours=1),
    "revoke_at": NINE - timedelta(hours=3),
    "previous_seat_id": "S16",
    "previous_start": NINE + timedelta(hours=24),
    "previous_end": NINE + timedelta(hours=26),
    "previous_occupied_until": NINE + timedelta(hours=26, minutes=10),
    "previous_amount_minor": 12000,
    "check_in_from": NINE - timedelta(minutes=15),
    "check_in_until": NINE + timedelta(minutes=30),
    "free_cancel_until": NINE - timedelta(minutes=60),
    "amount_minor": 10000,
    "currency": "INR",
    "price_version": 3,
    "late_refund_percent": 50,
    "plan_share": True,
    "late": True,
    "missed_at": NINE + timedelta(minutes=30),
    "kept_minor": 5000,
    "payment_minor": 6000,
    "refund_minor": 1000,
    "paid_minor": 5000,
    "method": "upi",
    "kind": "booking-revoked",
    "parameters": {"bookingId": "B7", "seatLabel": "A17", "minutes": 120, "late": False, "reasonId": None},
    "cause": "120:booking-revoked:B7",
    "hours": (
        OpenHours(day="monday", opens=time(6), closes=time(23)),
        OpenHours(day="saturday", opens=time(18), closes=time(2)),
    ),
    "rules": BookingRules(
        longest_minutes=420,
        advance_days=7,
        release_time=time(7),
        buffer_minutes=10,
        day_bookings=2,
        day_minutes=600,
        week_bookings=8,
        week_minutes=2400,
        live_bookings=3,
    ),
    "in_service": False,
    "name": "Saraswati Reading Room",
    "city": "Pune",
    "time_zone": "Asia/Kolkata",
    "address": "12 Fergusson College Road",
    "amenities": ("wifi", "power"),
    "label": "A17",
    "zone": "quiet",
    "attributes": {"power": True, "window": "north", "lamps": 2},
    "plans": (
        Plan(id="hourly", unit="hour", amount_minor=5000),
        Plan(id="night", unit="shift", shift="night", zone="ac", amount_minor=20000),
    ),
}

_OWN: dict[type[Any], dict[str, Any]] = {
    BookingRevoked: {"reason": "closure"},
    PaymentRecorded: {"status": "confirmed", "paid_minor": 6000},
    PaymentRefunded: {"status": "cancelled", "reason": "cancelled"},
    WaitlistLeft: {"reason": "asked"},
    WaitlistOfferLapsed: {"status": "lapsed"},
}


def example(event_class: type[Known]) -> Known:
    """Return the event of the golden file, every field set."""
    values = _VALUES | _OWN.get(event_class, {})
    fixed = {field.name for field in fields(event_class) if field.name == "status"} - values.keys()
    names = [field.name for field in fields(event_class) if field.name not in fixed]
    missing = [name for name in names if name not in values]
    assert not missing, f"give {event_class.__name__} golden values for {missing}"
    assert all(field.default is not MISSING for field in fields(event_class) if field.name in fixed)
    return event_class(**{name: values[name] for name in names})


def names() -> frozenset[str]:
    """Return the names of the golden files: one for each version, those of earlier releases included."""
    return frozenset(name_of(version) for version in VOCABULARY.versions())


def messages() -> dict[str, dict[str, Any]]:
    """Return the message that is written today of each event, by the name of its golden file."""
    made = {}
    for event_class in EVENT_CLASSES:
        data = encode(example(event_class), METADATA)
        message = to_message(124, "k3", type_of(event_class), data)
        made[name_of(VOCABULARY.newest(event_class))] = json.loads(message.body)
    return made


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, message in messages().items():
        path = FOLDER / f"{name}.json"
        if not path.exists():
            path.write_text(json.dumps(message, indent=2) + "\n")
