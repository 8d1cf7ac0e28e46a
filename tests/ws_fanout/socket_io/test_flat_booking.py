"""Bookings as the portals read them: by the library's clock, and in its money."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyspot.domain.events import BookingCreated
from tests.ws_fanout.events import START, booked, cancelled, library_created, library_updated
from tests.ws_fanout.socket_io.stage import Stage

USER, STAFF, OWNERS = "user:s1", "library:L1:staff", "role:library_owner"
ZONES = (
    *("Asia/Kolkata", "Europe/London", "America/St_Johns", "Pacific/Kiritimati", "Pacific/Pago_Pago"),
    *("Australia/Lord_Howe", "UTC"),
)


def between(start: datetime, end: datetime, **others: Any) -> BookingCreated:
    return replace(booked(), start=start, end=end, occupied_until=end, **others)


def flat(event: BookingCreated, *, zone: str = "Asia/Kolkata", room: str = USER) -> dict[str, Any]:
    """What of the booking is told in that room, at a library with this clock."""
    stage = Stage(replace(library_created(), time_zone=zone))
    ((_, payload),) = stage.tell(event, room, at=event.start - timedelta(days=1))
    return payload


def clock(event: BookingCreated, zone: str) -> tuple[str, str, float]:
    payload = flat(event, zone=zone)
    return payload["date"], payload["time"], payload["duration"]


def test_a_booking_is_flat_and_complete_for_its_student_and_the_staff() -> None:
    expected = {
        "id": "B7",
        "bookingId": "B7",
        "studentName": "Name of s1",
        "libraryName": "Quiet Place",
        "libraryId": "L1",
        "seatId": "S17",
        "date": "2026-12-01",
        "startTime": "14:30",
        "endTime": "16:30",
        "time": "14:30 - 16:30",
        "duration": 2,
        "status": "confirmed",
        "totalAmount": 100,
        "amount": 100,
    }
    assert flat(booked()) == expected
    assert flat(booked(), room=STAFF) == expected


def test_other_owners_are_told_where_and_when_and_nothing_else() -> None:
    assert flat(booked(), room=OWNERS) == {
        "libraryName": "Quiet Place",
        "libraryId": "L1",
        "date": "2026-12-01",
        "startTime": "14:30",
        "endTime": "16:30",
        "time": "14:30 - 16:30",
        "duration": 2,
    }


def test_a_cancelled_booking_stands_in_its_packet_as_a_whole() -> None:
    stage = Stage(library_created(), booked())
    ((name, payload),) = stage.tell(cancelled(), USER, at=START - timedelta(days=1))

    whole = flat(booked()) | {"status": "cancelled"}
    assert (name, payload) == ("booking:cancelled", {"id": "B7", "bookingId": "B7", "booking": whole})


@pytest.mark.parametrize(
    ("zone", "start", "hours", "expected"),
    [
        ("Asia/Kolkata", "2026-12-01T18:00Z", 2, ("2026-12-01", "23:30 - 01:30", 2)),
        ("Asia/Kolkata", "2026-12-01T16:30Z", 2, ("2026-12-01", "22:00 - 00:00", 2)),
        ("Asia/Kolkata", "2026-12-01T18:30Z", 4, ("2026-12-02", "00:00 - 04:00", 4)),
        ("America/Los_Angeles", "2026-12-01T07:00Z", 1.5, ("2026-11-30", "23:00 - 00:30", 1.5)),
        ("Pacific/Kiritimati", "2026-12-31T10:00Z", 3, ("2027-01-01", "00:00 - 03:00", 3)),
        # Clocks are put back from two to one, and an hour is there twice.
        ("Europe/London", "2026-10-25T00:30Z", 2, ("2026-10-25", "01:30 - 02:30", 2)),
        ("Europe/London", "2026-10-25T00:30Z", 1, ("2026-10-25", "01:30 - 01:30", 1)),
        # They are put forward from one to two, and an hour is missing.
        ("Europe/London", "2026-03-29T00:30Z", 2, ("2026-03-29", "00:30 - 03:30", 2)),
        ("Australia/Lord_Howe", "2026-04-04T14:45Z", 1, ("2026-04-05", "01:45 - 02:15", 1)),
    ],
)
def test_date_and_times_are_those_of_the_librarys_clock_and_the_duration_is_elapsed_time(
    zone: str, start: str, hours: float, expected: tuple[str, str, float]
) -> None:
    begins = datetime.fromisoformat(start)
    assert clock(between(begins, begins + timedelta(hours=hours)), zone) == expected


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(1, 100 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes)),
)
def test_what_is_told_is_the_instants_by_that_clock(zone: str, start: datetime, length: timedelta) -> None:
    payload = flat(between(start, start + length), zone=zone)

    told = datetime.fromisoformat(f"{payload['date']}T{payload['startTime']}").replace(tzinfo=ZoneInfo(zone))
    minute = start.replace(second=0, microsecond=0)
    assert minute in {told.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
    ends = (start + length).astimezone(ZoneInfo(zone))
    assert payload["endTime"] == ends.isoformat()[11:16]
    assert payload["time"] == f"{payload['startTime']} - {payload['endTime']}"
    assert payload["duration"] == pytest.approx(length.total_seconds() / 3600)


@pytest.mark.parametrize(
    ("currency", "minor", "amount"), [("INR", 12550, 125.5), ("JPY", 1500, 1500), ("KWD", 1250, 1.25)]
)
def test_amounts_are_in_major_units_of_the_bookings_currency(
    currency: str, minor: int, amount: float
) -> None:
    payload = flat(replace(booked(), amount_minor=minor, currency=currency))

    assert (payload["totalAmount"], payload["amount"]) == (amount, amount)


def test_of_a_library_that_is_not_known_the_id_serves_as_name_and_the_clock_is_that_of_utc() -> None:
    ((_, payload),) = Stage().tell(booked(), USER, at=START - timedelta(days=1))

    assert (payload["libraryName"], payload["libraryId"]) == ("L1", "L1")
    assert (payload["date"], payload["time"]) == ("2026-12-01", "09:00 - 11:00")


def test_a_library_is_called_as_it_was_called_last() -> None:
    stage = Stage(library_created(), library_updated())
    ((_, payload),) = stage.tell(booked(), USER, at=START - timedelta(days=1))

    assert payload["libraryName"] == "Quieter Place"
