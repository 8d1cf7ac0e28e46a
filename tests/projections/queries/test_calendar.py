"""The calendar feed, as a calendar program reads it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from icalendar import Calendar

from studyspot.access.calendar_keys import hash_of, new_key
from studyspot.domain.events import AccountDisabled, AccountEnabled, AccountErased
from tests.projections.happenings import HOUR, booked, cancelled, opened, rescheduled, revoked, seat
from tests.projections.queries.asking import assert_problem
from tests.projections.system import Log

PATH = "/api/bookings.ics"
NOW = datetime.now(UTC).replace(microsecond=0)
TOMORROW = NOW + timedelta(days=1)


def keyed(log: Log, user_id: str) -> str:
    """Give the person a key, and return it."""
    key = new_key()
    with psycopg.connect(log.database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO accounts.calendar_keys (user_id, key_hash, created_at) VALUES (%s, %s, now())",
            [user_id, hash_of(key)],
        )
    return key


async def events(reads: httpx.AsyncClient, key: str, at_least: int) -> dict[str, Any]:
    """The feed's events by their ids."""
    answer = await reads.get(PATH, params={"key": key}, headers={"StudySpot-Min-Position": str(at_least)})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert int(answer.headers["StudySpot-Position"]) >= at_least
    calendar = Calendar.from_ical(answer.content)
    assert calendar["VERSION"] == "2.0"
    assert calendar["PRODID"]
    found = calendar.walk("VEVENT")
    assert len({event["UID"] for event in found}) == len(found)
    return {str(event["UID"]): event for event in found}


async def test_a_feed_tells_ones_bookings_as_they_stand(log: Log, reads: httpx.AsyncClient) -> None:
    first = booked("B1", "S1", TOMORROW, user_id="anna")
    moved = rescheduled(first, seat_id="S2", start=TOMORROW + 3 * HOUR)
    lost = booked("B2", "S1", TOMORROW, user_id="anna")
    given_up = booked("B3", "S1", TOMORROW + 6 * HOUR, user_id="anna")
    await log.append(opened(name="Quiet; and, calm", address="1 Main Road"), seat("S1"), seat("S2"))
    position = await log.append(
        *(first, moved, lost, revoked(lost), given_up, cancelled(given_up)),
        booked("B4", "S1", TOMORROW, user_id="ben"),
        at=NOW,
    )
    found = await events(reads, keyed(log, "anna"), position)
    assert found.keys() == {"B1@studyspot", "B2@studyspot", "B3@studyspot"}
    event = found["B1@studyspot"]
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (moved.start, moved.end)
    assert (event["DTSTART"].dt.utcoffset(), event["SEQUENCE"]) == (timedelta(), 5)
    assert event["LAST-MODIFIED"].dt == event["DTSTAMP"].dt == NOW
    assert (event["SUMMARY"], event["STATUS"]) == ("Seat S2, Quiet; and, calm", "CONFIRMED")
    assert event["LOCATION"] == "Quiet; and, calm, 1 Main Road, Pune"
    for ended in ("B2@studyspot", "B3@studyspot"):
        assert (found[ended]["STATUS"], found[ended]["TRANSP"]) == ("CANCELLED", "TRANSPARENT")


async def test_a_feed_ends_ninety_days_ago_and_has_no_end_ahead(log: Log, reads: httpx.AsyncClient) -> None:
    days = (-100, -91, -89, 1, 300)
    made = [
        booked(f"B{number}", start=NOW + timedelta(days=day), user_id="anna")
        for number, day in enumerate(days)
    ]
    position = await log.append(opened(), seat(), *made)
    found = await events(reads, keyed(log, "anna"), position)
    assert found.keys() == {"B2@studyspot", "B3@studyspot", "B4@studyspot"}


async def test_a_feed_has_an_etag_that_changes_with_it_alone(log: Log, reads: httpx.AsyncClient) -> None:
    key = keyed(log, "anna")
    made = booked("B1", start=TOMORROW, user_id="anna")
    assert (await events(reads, key, await log.append(opened(), seat(), made))).keys() == {"B1@studyspot"}
    etag = (await reads.get(PATH, params={"key": key})).headers["ETag"]
    await events(reads, key, await log.append(booked("B2", "S2", user_id="ben")))
    same = await reads.get(PATH, params={"key": key}, headers={"If-None-Match": etag})
    assert (same.status_code, same.content) == (304, b"")
    await events(reads, key, await log.append(cancelled(made)))
    changed = await reads.get(PATH, params={"key": key}, headers={"If-None-Match": etag})
    assert (changed.status_code, changed.headers["ETag"] == etag) == (200, False)


@pytest.mark.parametrize("barring", [AccountDisabled, AccountErased])
async def test_a_key_that_opens_nothing_is_not_found(
    log: Log, reads: httpx.AsyncClient, barring: type[AccountDisabled] | type[AccountErased]
) -> None:
    key, without_bookings = keyed(log, "anna"), keyed(log, "ben")
    position = await log.append(opened(), booked(user_id="anna", start=TOMORROW))
    assert len(await events(reads, key, position)) == 1
    assert await events(reads, without_bookings, position) == {}
    for wrong in (new_key(), f"{key}x", key[:-1], "\0"):
        assert_problem(await reads.get(PATH, params={"key": wrong}), 404, "not-found")
    assert_problem(await reads.get(PATH), 422, "invalid-request")
    position = await log.append(barring(user_id="anna"))
    at_least = {"StudySpot-Min-Position": str(position)}
    assert_problem(await reads.get(PATH, params={"key": key}, headers=at_least), 404, "not-found")
    if barring is AccountDisabled:
        assert len(await events(reads, key, await log.append(AccountEnabled(user_id="anna")))) == 1
