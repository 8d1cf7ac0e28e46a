"""The judge finds each fault that is planted into a clean day, and nothing in the clean day."""

from collections.abc import Callable

import pytest

from studyspot.checker.judge import Evidence, judge
from studyspot.checker.verdict import Kind
from tests.chaos import recorded_day as day
from tests.chaos.record_faults import RECORD_FAULTS, stream_behind
from tests.chaos.socket_faults import SOCKET_FAULTS, STUDENT, drop_last_frame_and_heartbeat

FAULTS = (*SOCKET_FAULTS, *RECORD_FAULTS)
Plant = Callable[[Evidence], None]


def test_a_clean_day_passes() -> None:
    verdict = judge(day.evidence())
    assert verdict.clean, str(verdict)
    assert verdict.judged == {
        "events": 15,
        "messages": 15,
        "answers": 17,
        "sockets": 3,
        "frames": 52,
        "reads": 2,
        "frames left out": 0,
    }
    assert str(verdict).startswith("clean: 15 events")


@pytest.mark.parametrize(
    ("plant", "kind", "position"),
    FAULTS,
    ids=[f"{number}-{kind}-{position}" for number, (_, kind, position) in enumerate(FAULTS)],
)
def test_each_planted_fault_is_found_and_named(plant: Plant, kind: Kind, position: int | None) -> None:
    evidence = day.evidence()
    plant(evidence)
    verdict = judge(evidence)
    assert (kind, position) in {(finding.kind, finding.position) for finding in verdict.findings}, str(
        verdict
    )
    assert str(kind) in str(verdict)


def frames_of(evidence: Evidence) -> list[tuple[int, int, int]]:
    """Return where every event frame of the second connections is: socket, index, position."""
    return [
        (number, index, passage.frame["position"])
        for number, socket in enumerate(evidence.sockets)
        for index, passage in enumerate(socket.connections[-1].passages)
        if passage.frame["type"] == "event"
    ]


@pytest.mark.parametrize("place", frames_of(day.evidence()), ids=str)
def test_any_frame_that_is_dropped_repeated_or_delayed_is_missed(place: tuple[int, int, int]) -> None:
    number, index, position = place
    for fault, kind in (("drop", Kind.GAP), ("repeat", Kind.TWICE), ("delay", Kind.OUT_OF_ORDER)):
        evidence = day.evidence()
        passages = evidence.sockets[number].connections[-1].passages
        frame = passages[index] if fault == "repeat" else passages.pop(index)
        if fault != "drop":
            passages.append(frame)
        verdict = judge(evidence)
        found = {(finding.kind, finding.position) for finding in verdict.findings}
        assert (kind, position) in found, f"{fault}: {verdict}"


def test_a_run_that_is_not_settled_may_end_in_the_middle() -> None:
    evidence = day.evidence()
    drop_last_frame_and_heartbeat(evidence)
    stream_behind(evidence)
    evidence.sockets[STUDENT].delivered = None
    evidence.settled = False
    verdict = judge(evidence)
    assert verdict.clean, str(verdict)
