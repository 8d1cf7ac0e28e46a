"""Hours, closures, rules and seats as an owner sets them."""

from collections.abc import AsyncIterator
from dataclasses import fields
from typing import Any

import pytest

from studyspot.domain.rules import DEFAULT_RULES, PRESETS, BookingRules
from studyspot.wire.settings_bodies import Rules
from tests.commands.hall import Hall, a_hall


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    async with a_hall(database_url) as hall:
        yield hall


async def test_hours_and_closures_are_set_each_for_itself(hall: Hall) -> None:
    path = f"{hall.path}/hours"
    weekly = [{"day": "monday", "opens": "22:00", "closes": "02:00"}]
    hours = [{"day": "monday", "opens": "22:00:00", "closes": "02:00:00"}]
    told = await hall.owner.does("PUT", path, {"hours": weekly})
    assert (told["hours"], told["closures"]) == (hours, [])
    closure = {"start": hall.at(100), "end": "2026-12-09T09:00:00", "revokeAt": hall.at(50)}
    for_good = {"start": hall.at(1000)}
    told = await hall.owner.does("PUT", path, {"closures": [for_good, closure]})
    first, second = told["closures"]
    assert told["hours"] == hours
    assert first == {**closure, "id": first["id"], "end": "2026-12-09T03:30:00Z"}
    assert second == {**for_good, "id": second["id"], "end": None, "revokeAt": hall.at(0)}
    longer = {"id": first["id"], "start": first["start"], "end": hall.at(300)}
    told = await hall.owner.does("PUT", path, {"hours": None, "closures": [longer]})
    assert told["hours"] is None
    assert [(known["id"], known["end"]) for known in told["closures"]] == [(first["id"], hall.at(300))]
    head = told["position"]
    assert await hall.owner.does("PUT", path, {}) == told
    without_id = {name: value for name, value in longer.items() if name != "id"}
    assert await hall.owner.does("PUT", path, {"closures": [without_id]}) == told
    assert (await hall.owner.does("PUT", path, {"closures": []}))["position"] == head + 1


async def test_hours_that_are_none_are_refused(hall: Hall) -> None:
    path, start = f"{hall.path}/hours", hall.at(10)
    for body, slug in (
        ({"hours": [{"day": "someday", "opens": "09:00", "closes": "10:00"}]}, "invalid-request"),
        ({"hours": [{"day": "monday", "opens": 9, "closes": "10:00"}]}, "invalid-request"),
        ({"hours": [{"day": "monday", "opens": "25:00", "closes": "10:00"}]}, "invalid-request"),
        ({"closures": [{"id": "c", "start": start}, {"id": "c", "start": start}]}, "invalid-request"),
        ({"closures": [{"start": start, "end": hall.at(9)}]}, "closure-backwards"),
    ):
        await hall.owner.is_refused(422, slug, "PUT", path, body)
    for unknown in ("none", "retirement"):
        body = {"closures": [{"id": unknown, "start": start}]}
        await hall.owner.is_refused(404, "closure-unknown", "PUT", path, body)
    await hall.person().is_refused(403, "role-not-allowed", "PUT", path, {"hours": None})


async def test_rules_are_a_presets_or_the_defaults_but_for_what_is_named(hall: Hall) -> None:
    path = f"{hall.path}/rules"
    told = await hall.owner.does("PUT", path, {"dayBookings": 2, "releaseTime": "07:30"})
    assert (told["dayBookings"], told["releaseTime"]) == (2, "07:30:00")
    assert told["checkInClosesMinutes"] == DEFAULT_RULES.check_in_closes_minutes
    told = await hall.owner.does("PUT", path, {"preset": "leeds", "liveBookings": 5, "longestMinutes": None})
    assert (told["liveBookings"], told["longestMinutes"], told["advanceDays"]) == (5, None, 7)
    assert told["dayBookings"] is None
    for preset, rules in PRESETS.items():
        told = await hall.owner.does("PUT", path, {"preset": preset})
        assert told["strikes"] == rules.strikes


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        ({"holdMinutes": 0}, "invalid-request"),
        ({"holdMinutes": "5"}, "invalid-request"),
        ({"lateRefundPercent": 101}, "invalid-request"),
        ({"advanceDays": 367}, "invalid-request"),
        ({"dayBookings": 0}, "invalid-request"),
        ({"strikeDays": None}, "invalid-request"),
        ({"preset": "oxford"}, "invalid-request"),
        ({"quota": 1}, "invalid-request"),
        ({"checkInOpensMinutes": 30}, "rules-contradict"),
        ({"shortestMinutes": 60, "longestMinutes": 59}, "rules-contradict"),
    ],
)
async def test_rules_that_make_no_sense_are_refused(hall: Hall, body: dict[str, Any], slug: str) -> None:
    await hall.owner.is_refused(422, slug, "PUT", f"{hall.path}/rules", body)


def test_every_rule_can_be_set() -> None:
    assert set(Rules.model_fields) == {known.name for known in fields(BookingRules)}
    assert BookingRules(**Rules().model_dump()) == DEFAULT_RULES


async def test_a_seat_is_changed_taken_out_and_removed(hall: Hall) -> None:
    path = f"{hall.path}/seats/{hall.seats[0]}"
    told = await hall.owner.does("PATCH", path, {"zone": "quiet", "attributes": {"socket": True}})
    assert told == {
        "id": hall.seats[0],
        "label": "A0",
        "zone": "quiet",
        "attributes": {"socket": True},
        "inService": True,
        "revokeAt": None,
        "position": told["position"],
    }
    await hall.owner.is_refused(409, "seat-label-taken", "PATCH", path, {"label": "A1"})
    await hall.owner.is_refused(409, "seat-in-service", "DELETE", path)
    out = await hall.owner.does("PATCH", path, {"inService": False, "revokeAt": hall.at(5)})
    assert (out["inService"], out["revokeAt"], out["zone"]) == (False, hall.at(5), "quiet")
    assert (await hall.owner.does("PATCH", path, {}))["position"] == out["position"]
    await hall.person().is_refused(409, "seat-out-of-service", "POST", "/api/holds", hall.seat())
    await hall.person().is_refused(403, "role-not-allowed", "DELETE", path)
    assert (await hall.owner.does("DELETE", path))["id"] == hall.seats[0]
    await hall.owner.is_refused(404, "seat-unknown", "DELETE", path)
    await hall.person().is_refused(404, "seat-unknown", "POST", "/api/holds", hall.seat())
