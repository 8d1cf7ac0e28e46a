"""The judge on accounts, staff and waitlists: what is well passes, and each fault is found."""

import pytest

from studyspot.checker.judge import Evidence, judge
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
