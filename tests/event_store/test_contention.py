"""Which commands of a batch could defeat each other, without a database."""

from studyspot.event_store.commands import Command
from studyspot.event_store.contention import Rivals, contended
from studyspot.event_store.types import Condition, Criterion, IdempotencyKey
from tests.event_store.steps import booked, key_of, unchecked, unless_booked


def command(*tags: str, unless: Condition | None = None, key: IdempotencyKey | None = None) -> Command:
    return unchecked(booked(*tags), unless, key)[0]


def test_commands_about_different_things_are_not_contended() -> None:
    assert contended([command(day, unless=unless_booked(day)) for day in ("monday", "tuesday")]) == {}


def test_only_the_first_of_many_rivals_blocks_the_others() -> None:
    rivals = contended([command("monday", unless=unless_booked("monday")) for _ in range(4)])
    assert rivals == {index: Rivals(frozenset({0}), None) for index in (1, 2, 3)}


def test_a_command_blocked_by_another_does_not_block_a_third() -> None:
    batch = [
        command("monday"),
        command("monday", "tuesday", unless=unless_booked("monday")),
        command("tuesday", unless=unless_booked("tuesday")),
    ]
    assert contended(batch) == {1: Rivals(frozenset({0}), None)}


def test_a_command_never_blocks_itself_nor_an_earlier_one() -> None:
    batch = [command("monday", unless=unless_booked("monday", "tuesday")), command("tuesday")]
    assert contended(batch) == {}


def test_all_tags_and_one_of_the_types_must_match() -> None:
    first = command("monday", "seat")
    for criterion, blocked in (
        (Criterion((), ("monday", "seat")), True),
        (Criterion((), ("monday", "desk")), False),
        (Criterion(("booking.cancelled",), ("monday",)), False),
        (Criterion(("booking.cancelled", "booking.created")), True),
        (Criterion(), True),
    ):
        assert bool(contended([first, command("x", unless=Condition((criterion,)))])) is blocked


def test_twins_share_actor_and_key() -> None:
    batch = [command(key=key_of("s1")), command(key=key_of("s1", b"another body")), command(key=key_of("s2"))]
    assert contended(batch) == {1: Rivals(frozenset(), 0)}
