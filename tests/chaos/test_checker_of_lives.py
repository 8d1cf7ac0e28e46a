"""The judge on holds, rescheduling, endings and money: what is well passes, and each fault is found."""

from typing import Any

import pytest

from studyspot.checker.judge import Evidence, judge
from studyspot.checker.records import Answer
from studyspot.checker.verdict import Kind
from studyspot.wire.settings_bodies import RulesAnswer
from tests.chaos import recorded_day as day
from tests.chaos import recorded_life as life
from tests.chaos.life_faults import LIFE_FAULTS, Plant, also
from tests.chaos.record_faults import only_log


def test_a_clean_life_passes() -> None:
    verdict = judge(life.evidence())
    assert verdict.clean, str(verdict)
    assert verdict.judged["events"] == life.HEAD


def test_a_retirement_that_revokes_what_is_to_come_is_one_request_of_many_commands() -> None:
    evidence = life.evidence()
    evening = life.occupation(7, "S1", "s2", "18:00", "19:00", "19:10")
    terms = life.terms("17:45", "18:30", "17:30")
    closure = {"libraryId": "L1", "closureId": "retirement", "start": life.at("17:00"), "end": None}
    only_log(evidence)
    also(
        ("16:30", "s2", "booking.created", life.booking(7, evening, "confirmed", **terms, holdId=None)),
        ("17:00", "w1", "closure.announced", closure),
        ("17:01", "w1", "booking.revoked", life.booking(7, evening, "revoked", reason="library-retired")),
        ("17:02", "w1", "library.deleted", {"libraryId": "L1"}),
    )(evidence)
    end = life.HEAD + 4
    retired = Answer(
        *("w1", "DELETE", "/api/libraries/L1?cascade=true", None, None, 200),
        {"id": "L1", "revoked": 1, "released": 0, "position": end},
        end,
    )
    evidence.answers = [*(answer for answer in life.answers() if answer.who == "w1"), retired]
    assert judge(evidence).clean, str(judge(evidence))
    evidence.answers.pop()
    assert {finding.position for finding in judge(evidence).findings} == {end - 1, end}


DEFAULT_RULES = RulesAnswer(position=0).model_dump(mode="json", by_alias=True, exclude={"position"})


@pytest.mark.parametrize(
    ("rules", "path", "is_lost"),
    [
        (DEFAULT_RULES, "/api/libraries/L2/rules", False),
        ({**DEFAULT_RULES, "holdMinutes": 6}, "/api/libraries/L2/rules", True),
        # That library has set others before.
        (DEFAULT_RULES, "/api/libraries/L1/rules", True),
    ],
)
def test_rules_that_a_library_has_without_setting_any_need_no_event(
    rules: dict[str, Any], path: str, *, is_lost: bool
) -> None:
    evidence = life.evidence()
    only_log(evidence)
    also(("17:00", "w1", "library.created", day.library("L2", "w1")))(evidence)
    end = life.HEAD + 1
    set_again = Answer("w1", "PUT", path, None, rules, 200, {**rules, "position": end}, end)
    evidence.answers = [
        *(answer for answer in life.answers() if answer.who == "w1"),
        Answer("w1", "POST", "/api/libraries", None, None, 201, {"id": "L2", "position": end}, end),
        set_again,
    ]
    found = {(finding.kind, finding.position) for finding in judge(evidence).findings}
    assert found == ({(Kind.LOST, end)} if is_lost else set())


@pytest.mark.parametrize(
    ("plant", "kind", "position"),
    LIFE_FAULTS,
    ids=[f"{number}-{kind}-{position}" for number, (_, kind, position) in enumerate(LIFE_FAULTS)],
)
def test_each_planted_fault_is_found(plant: Plant, kind: Kind, position: int | None) -> None:
    evidence: Evidence = life.evidence()
    plant(evidence)
    verdict = judge(evidence)
    assert (kind, position) in {(finding.kind, finding.position) for finding in verdict.findings}, str(
        verdict
    )
