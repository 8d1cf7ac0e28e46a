"""The judge on holds, rescheduling, endings and money: what is well passes, and each fault is found."""

import pytest

from studyspot.checker.judge import Evidence, judge
from studyspot.checker.verdict import Kind
from tests.chaos import recorded_life as life
from tests.chaos.life_faults import LIFE_FAULTS, Plant


def test_a_clean_life_passes() -> None:
    verdict = judge(life.evidence())
    assert verdict.clean, str(verdict)
    assert verdict.judged["events"] == life.HEAD


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
