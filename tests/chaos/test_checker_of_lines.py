"""The judge on accounts, staff and waitlists: what is well passes, and each fault is found."""

from dataclasses import replace
from typing import Any

import pytest

from studyspot.checker.judge import Evidence, judge
from studyspot.checker.records import Answer
from studyspot.checker.verdict import Kind
from tests.chaos import recorded_line as line
from tests.chaos.line_faults import LINE_FAULTS, Plant


def test_a_clean_morning_passes() -> None:
    verdict = judge(line.evidence())
    assert verdict.clean, str(verdict)
    assert verdict.judged["events"] == line.HEAD


@pytest.mark.parametrize(
    ("plant", "kind", "position"),
    LINE_FAULTS,
    ids=[f"{number}-{kind}-{position}" for number, (_, kind, position) in enumerate(LINE_FAULTS)],
)
def test_each_planted_fault_is_found(plant: Plant, kind: Kind, position: int | None) -> None:
    evidence: Evidence = line.evidence()
    plant(evidence)
    verdict = judge(evidence)
    found = {(finding.kind, finding.position) for finding in verdict.findings}
    assert (kind, position) in found, str(verdict)


def answered(who: str, method: str, path: str, position: int, **body: Any) -> Answer:
    return Answer(who, method, path, None, {}, 200, {**body, "position": position}, position, position - 1)


SEAT = {"id": "S1", "label": "S1", "zone": "general"}
ANSWERS = (
    answered("t1", "POST", "/api/invitations/I1/accept", 8, libraryId="L1", role="staff"),
    answered("t1", "POST", "/api/waitlist", 12, id="W3", libraryId="L1", userId="s3", place=3),
    answered("t1", "PATCH", "/api/libraries/L1/seats/S1", 24, **{**SEAT, "label": "By the window"}),
    answered("t1", "POST", "/api/notifications", 25, sent=[{"id": "N1", "userId": "s2"}], notSent=[]),
    answered("w1", "POST", "/api/libraries", 1, id="L1"),
    answered("w1", "POST", "/api/libraries/L1/seats", 2, seats=[{"id": "S1"}]),
    answered("w1", "POST", "/api/libraries/L1/invitations", 6, id="I1"),
    answered("w1", "DELETE", "/api/libraries/L1/staff/t1", 27, libraryId="L1", userId="t1"),
    answered("w1", "PATCH", "/api/libraries/L1/seats/S1", 34, **SEAT),
    answered("s1", "POST", "/api/waitlist", 10, id="W1", libraryId="L1", userId="s1", place=1),
    answered("s1", "POST", "/api/notifications/H1/read", 16, id="H1"),
    answered("s1", "POST", "/api/waitlist", 23, id="W4", libraryId="L1", userId="s1", place=2),
    answered("s1", "DELETE", "/api/waitlist/W4", 30, id="W4", status="left"),
    replace(answered("s1", "POST", "/api/auth/logout", 0), position=None, body=None, status=204),
    answered("a1", "PATCH", "/api/people/s3", 28, id="s3", status="disabled"),
    answered("a1", "POST", "/api/announcements", 33, id="A1", title="New rooms"),
)


def test_what_was_acknowledged_of_people_and_places_in_line_is_in_the_log() -> None:
    evidence = line.evidence()
    evidence.answers = list(ANSWERS)
    assert judge(evidence).clean, str(judge(evidence))


@pytest.mark.parametrize(
    ("number", "change"),
    [
        (0, {"path": "/api/invitations/I2/accept"}),
        (1, {"body": {"id": "W9", "position": 12}}),
        (3, {"body": {"sent": [{"id": "N9", "userId": "s2"}], "position": 25}}),
        (6, {"body": {"id": "I2", "position": 6}}),
        (7, {"path": "/api/libraries/L1/staff/t2"}),
        (10, {"path": "/api/notifications/H2/read"}),
        (12, {"path": "/api/waitlist/W3"}),
        (15, {"body": {"id": "A2", "position": 33}}),
    ],
)
def test_what_the_log_lost_of_it_is_found(number: int, change: dict[str, Any]) -> None:
    evidence = line.evidence()
    evidence.answers = list(ANSWERS)
    evidence.answers[number] = replace(ANSWERS[number], **change)
    assert Kind.LOST in {finding.kind for finding in judge(evidence).findings}


def test_a_series_is_acknowledged_by_its_last_booking() -> None:
    day = {"libraryId": "L1", "seatId": "S1", "userId": "s9", "currency": "INR", "amountMinor": 20000}
    made = answered("s9", "POST", "/api/bookings/series", 9, seriesId="R1", bookings=[{"id": "B1"}], **day)
    evidence = line.evidence()
    evidence.answers = [made, answered("s9", "POST", "/api/bookings/B1/cancel", 13, id="B1")]
    assert {finding.kind for finding in judge(evidence).findings} == {Kind.LOST}

    records = line.records()
    booked = records[8]
    records[8] = replace(booked, stored={**booked.stored, "data": {**booked.facts, "seriesId": "R1"}})
    evidence = Evidence(records, answers=evidence.answers)
    assert judge(evidence).clean, str(judge(evidence))
