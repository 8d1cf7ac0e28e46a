"""One batch as one statement: every condition checked, the losers dropped, the winners appended.

It runs with the head row locked by the statement before it, so that its snapshot is newer than the lock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from studyspot.event_store import answers
from studyspot.event_store.arrays import ByteaArray, PackedArray, SmallintArray, TextArray, text_array_literal
from studyspot.event_store.commands import Command
from studyspot.event_store.contention import Rivals, contended
from studyspot.event_store.criteria import Groups, Shape, lost_commands
from studyspot.event_store.types import Head, StoredAnswer

CHANNEL = "studyspot_head"

_APPEND = """
WITH head AS MATERIALIZED (
    SELECT h.position, h.epoch FROM store.head h
    -- The session proves that no successor has settled this batch already.
    WHERE h.halted IS NULL AND h.position >= %(newest_after)b::bigint AND EXISTS (
        SELECT FROM store.writers w WHERE w.id = %(writer)b::uuid AND w.session = %(session)b::bigint)
), lost AS MATERIALIZED ({lost}
), answered AS MATERIALIZED ({answered}
), won AS MATERIALIZED (
    SELECT head.position + row_number() OVER (ORDER BY e.ordinal) AS position, head.epoch,
        e.command, e.type, e.tags::text[] AS tags, e.data
    FROM head, unnest(%(commands)b::smallint[], %(types)b::text[], %(tags)b::text[], %(data)b::bytea[])
        WITH ORDINALITY AS e(command, type, tags, data, ordinal)
    WHERE e.command NOT IN (SELECT command FROM lost) AND e.command NOT IN (SELECT command FROM answered)
), won_commands AS MATERIALIZED (
    SELECT command, max(position) AS position FROM won GROUP BY command
), stored AS (
    INSERT INTO store.events (position, epoch, type, tags, data)
    SELECT position, epoch, type, tags, data FROM won
), indexed AS (
    INSERT INTO store.event_tags (tag, type, position)
    SELECT t.tag, won.type, won.position FROM won CROSS JOIN LATERAL unnest(won.tags) t(tag)
), moved AS (
    UPDATE store.head SET position = (SELECT max(position) FROM won)
    WHERE EXISTS (SELECT FROM won) RETURNING position
), noted AS (
    UPDATE store.writers
    SET batch = %(batch)b::bigint, after = (SELECT position FROM head), epoch = (SELECT epoch FROM head),
        won = (SELECT array_agg(command) FROM won_commands), seen_at = now()
    WHERE id = %(writer)b::uuid AND EXISTS (SELECT FROM won)
){remembered}
SELECT command, position, NULL::bytea AS fingerprint, NULL::bytea AS body FROM won_commands
UNION ALL SELECT command, NULL, NULL, NULL FROM lost
UNION ALL SELECT command, position, fingerprint, body FROM answered
UNION ALL SELECT NULL, position, NULL, NULL FROM moved
    WHERE pg_notify('{channel}', position::text)::text IS NOT NULL
"""

_NONE_LOST = "SELECT NULL::smallint AS command WHERE false"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch: commands are named by their index in it.

    `won` maps to the position of the command's last event, `answered` to the stored answer and its
    fingerprint. A command that is in none of the three was not decided.
    """

    head: Head
    won: dict[int, int]
    lost: frozenset[int] = frozenset()
    answered: dict[int, tuple[bytes, StoredAnswer]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """Commands to be decided together, in order, and those among them that an earlier one could defeat."""

    commands: Sequence[Command]
    contended: dict[int, Rivals]
    newest_after: int

    @classmethod
    def of(cls, commands: Sequence[Command]) -> "Batch":
        """Plan a batch of `commands`."""
        afters = (command.condition.after for command in commands if command.condition)
        return cls(commands, contended(commands), max(afters, default=0))

    def statement(self) -> tuple[str, dict[str, PackedArray[Any]]]:
        """Return the statement and its arrays; its other parameters are the session's."""
        groups = Groups()
        for index, command in enumerate(self.commands):
            if command.condition:
                groups.add(command.condition.criteria, command=index, after=command.condition.after)
        keyed = any(command.key for command in self.commands)
        parameters = groups.parameters() | self._events()
        if keyed:
            parameters |= self._keys()
        return _statement(groups.shapes, keyed), parameters

    def won_from(self, after: int, winners: Iterable[int]) -> dict[int, int]:
        """Return the last position of each of `winners`, whose events follow position `after`."""
        position, won = after, {}
        for index in sorted(winners):
            position += len(self.commands[index].events)
            won[index] = position
        return won

    def _events(self) -> dict[str, PackedArray[Any]]:
        commands, types, tags, data = SmallintArray(), TextArray(), TextArray(), ByteaArray()
        for index, command in enumerate(self.commands):
            if index in self.contended:
                continue
            for event in command.events:
                commands.append(index)
                types.append(event.type)
                tags.append(text_array_literal(event.tags))
                data.append(event.data)
        return {"commands": commands, "types": types, "tags": tags, "data": data}

    def _keys(self) -> dict[str, PackedArray[Any]]:
        keyed = [(index, command, command.key) for index, command in enumerate(self.commands) if command.key]
        return {
            "key_commands": SmallintArray(index for index, _, _ in keyed),
            "key_actors": TextArray(key.actor for _, _, key in keyed),
            "keys": TextArray(key.key for _, _, key in keyed),
            "fingerprints": ByteaArray(key.fingerprint for _, _, key in keyed),
            "answers": ByteaArray(command.answer for _, command, _ in keyed),
        }


@lru_cache(maxsize=512)
def _statement(shapes: tuple[Shape, ...], keyed: bool) -> str:
    return _APPEND.format(
        channel=CHANNEL,
        lost=lost_commands(shapes) if shapes else _NONE_LOST,
        answered=answers.ANSWERED_COMMANDS if keyed else answers.NONE_ANSWERED,
        remembered=f", remembered AS ({answers.REMEMBER})" if keyed else "",
    )
