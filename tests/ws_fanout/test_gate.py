"""Connections are let in at a pace, so many in all and of one address; whoever is refused learns why."""

from datetime import timedelta

import pytest

from studyspot.wire.problems import Problem
from studyspot.ws_fanout.gate import Gate, Place
from studyspot.ws_fanout.limits import Limits


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def enter(gate: Gate, address: str | None = None) -> timedelta:
    return gate.enter(address)[1]


def refusal(gate: Gate, address: str | None = None) -> Problem:
    with pytest.raises(Problem) as refused:
        gate.enter(address)
    return refused.value


def test_those_who_come_at_once_are_let_in_up_to_a_number_and_then_wait_their_turn() -> None:
    gate = Gate(Limits(connects_at_once=3, connects_per_second=10, turn_within=timedelta(seconds=1)), Time())

    waits = [enter(gate).total_seconds() for _ in range(6)]

    assert waits == pytest.approx([0, 0, 0, 0.1, 0.2, 0.3])


def test_who_would_wait_too_long_is_told_to_come_later_and_takes_no_turn() -> None:
    time = Time()
    limits = Limits(connects_at_once=1, connects_per_second=10, turn_within=timedelta(seconds=0.2))
    gate = Gate(limits, time)
    for _ in range(3):
        enter(gate)

    for _ in range(50):
        problem = refusal(gate)
    assert problem.kind.slug == "too-many-connects"
    assert problem.retry_after is not None
    assert timedelta() < problem.retry_after < timedelta(seconds=1)
    assert gate.taken == 3

    time.now += 0.1
    assert enter(gate).total_seconds() == pytest.approx(0.2)


def test_those_who_are_refused_together_are_told_different_times() -> None:
    gate = Gate(Limits(sockets=0), Time())

    assert len({refusal(gate).retry_after for _ in range(20)}) > 10


def test_a_node_has_so_many_places_and_those_that_are_given_back_are_free() -> None:
    gate = Gate(Limits(sockets=2), Time())
    first, _ = gate.enter("192.0.2.1")
    gate.enter(None)

    assert refusal(gate).kind.slug == "node-full"
    gate.leave(first)
    enter(gate)


def test_an_address_has_so_many_places_others_and_this_machine_are_not_counted_with_it() -> None:
    gate = Gate(Limits(sockets_per_address=2), Time())
    place, _ = gate.enter("192.0.2.1")
    enter(gate, "192.0.2.1")

    problem = refusal(gate, "192.0.2.1")
    assert (problem.kind.slug, problem.kind.status) == ("too-many-sockets", 429)
    enter(gate, "192.0.2.2")
    for _ in range(5):
        enter(gate, None)
    gate.leave(place)
    enter(gate, "192.0.2.1")


def test_an_address_without_sockets_is_forgotten() -> None:
    gate = Gate(Limits(), Time())

    for number in range(10):
        place, _ = gate.enter(f"192.0.2.{number}")
        assert place == Place(f"192.0.2.{number}")
        gate.leave(place)

    assert gate.taken == 0
    assert gate.addresses == 0
