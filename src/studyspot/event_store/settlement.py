"""Telling each caller what became of its command."""

from studyspot.event_store.batch import Batch, Outcome
from studyspot.event_store.commands import Command
from studyspot.event_store.errors import (
    AnsweredBefore,
    ConditionFailed,
    KeyReused,
    StoreError,
    StoreHalted,
)
from studyspot.event_store.session import LastBatch
from studyspot.event_store.types import Appended, StoredAnswer


def settle(batch: Batch, outcome: Outcome) -> list[Command]:
    """Answer every command that is decided; return the others, which belong into the next batch."""
    undecided = []
    for index, command in enumerate(batch.commands):
        if index in outcome.won:
            command.succeed(Appended(outcome.won[index], outcome.head.epoch))
        elif refusal := _refusal(index, command, batch, outcome):
            command.fail(refusal)
        else:
            undecided.append(command)
    return undecided


def settle_recovered(batch: Batch, last: LastBatch) -> None:
    """Answer the winners of a batch whose COMMIT was never answered; the others are to be decided again."""
    for index, position in batch.won_from(last.after, last.winners).items():
        command = batch.commands[index]
        if not command.answered:  # Nobody waits for ever: its caller may have been sent away by now.
            command.succeed(Appended(position, last.epoch))


def _refusal(index: int, command: Command, batch: Batch, outcome: Outcome) -> StoreError | None:
    # A key comes first: a twin that lost to its own brother is answered with his success.
    if command.key and (found := _answer_to_twin(index, batch, outcome)):
        fingerprint, answer = found
        return AnsweredBefore(answer) if fingerprint == command.key.fingerprint else KeyReused()
    if outcome.head.halted is not None:
        return StoreHalted(outcome.head.halted)
    # A condition after a position that is yet to come was read from another history.
    ahead = command.condition is not None and command.condition.after > outcome.head.position
    rivals = batch.contended.get(index)
    defeated = rivals is not None and not rivals.blockers.isdisjoint(outcome.won)
    return ConditionFailed() if ahead or defeated or index in outcome.lost else None


def _answer_to_twin(index: int, batch: Batch, outcome: Outcome) -> tuple[bytes, StoredAnswer] | None:
    if index in outcome.answered:
        return outcome.answered[index]
    rivals = batch.contended.get(index)
    if rivals is None or rivals.twin not in outcome.won:
        return None
    twin = batch.commands[rivals.twin]
    assert twin.key
    return twin.key.fingerprint, StoredAnswer(outcome.won[rivals.twin], twin.answer)
