"""Prepared statements that leave in one transmission.

psycopg's pipeline sends each statement when it is executed, and converts the parameters of the next one while
the server already holds the lock of the one before. Measured for a single append: 910 µs so, 680 µs as here.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import error_from_result
from psycopg.generators import fetch_many, send
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

from studyspot.event_store.connections import TimeLimitedConnection

PREPARED_LIMIT = 200

_PARAMETER = re.compile(r"%\((\w+)\)b")


class Pipeline:
    """The prepared statements of one connection."""

    def __init__(self, connection: TimeLimitedConnection) -> None:
        self._connection = connection
        self._names: dict[str, bytes] = {}

    def prepare(self, statement: str) -> None:
        """Let the server parse `statement` unless it has; its parameters are written `%(name)b`.

        Raises:
            psycopg.Error: it cannot be prepared, or the connection is lost.
        """
        if statement in self._names:
            return
        if len(self._names) >= PREPARED_LIMIT:
            self._connection.execute("DEALLOCATE ALL")
            self._names.clear()
        name = f"store_{len(self._names)}".encode()
        sql, _ = numbered(statement)
        pgconn = self._connection.pgconn
        pgconn.enter_pipeline_mode()
        pgconn.send_prepare(name, sql)
        self._exchange(1)
        self._names[statement] = name

    def run(self, *statements: str, parameters: Mapping[str, bytes]) -> list[PGresult]:
        """Run prepared `statements` in order and return their results, values in binary format.

        Raises:
            psycopg.Error: one failed and those after it were skipped, or the connection is lost.
        """
        prepared = [
            (self._names[statement], [parameters[name] for name in numbered(statement)[1]])
            for statement in statements
        ]
        pgconn = self._connection.pgconn
        pgconn.enter_pipeline_mode()
        for name, values in prepared:
            pgconn.send_query_prepared(
                name, values, [Format.BINARY] * len(values), result_format=Format.BINARY
            )
        return self._exchange(len(prepared))

    def _exchange(self, number: int) -> list[PGresult]:
        pgconn = self._connection.pgconn
        try:
            pgconn.pipeline_sync()
            results = self._connection.wait(_results(pgconn, number))
            pgconn.exit_pipeline_mode()
        except BaseException:
            # Half of an exchange is behind this connection: nothing that follows could be told apart from it.
            self._connection.close()
            raise
        for result in results:
            if result.status == ExecStatus.FATAL_ERROR:
                raise error_from_result(result)
        return results


def _results(pgconn: psycopg.pq.abc.PGconn, number: int) -> PQGen[list[PGresult]]:
    yield from send(pgconn)
    results: list[PGresult] = []
    for _ in range(number):
        results += yield from fetch_many(pgconn)
    yield from fetch_many(pgconn)  # the answer to the sync
    return results


@lru_cache(maxsize=512)
def numbered(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """Return `statement` with `$1`, `$2` … for its named parameters, and the names in that order."""
    names = tuple(dict.fromkeys(_PARAMETER.findall(statement)))
    numbers = {name: f"${number}" for number, name in enumerate(names, start=1)}
    return _PARAMETER.sub(lambda match: numbers[match[1]], statement).encode(), names
