"""One connection for single statements, asked from an event loop and by none of its threads."""

import asyncio
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.generators import execute
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow
from psycopg.waiting import Ready, Wait

from studyspot.event_store.connections import connect_async_reader
from studyspot.event_store.pipeline import PREPARED_LIMIT, numbered


class LoopConnection:
    """Statements are prepared, and sent as they are; rows are loaded as psycopg does.

    The loop watches the socket only while an answer is awaited, so any thread may close an idle connection.
    """

    def __init__(self, connection: psycopg.AsyncConnection[TupleRow]) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._values = Transformer(connection)
        self._names: dict[str, bytes] = {}

    @classmethod
    async def connect(cls, database_url: str) -> "LoopConnection":
        """Connect for reads.

        Raises:
            psycopg.OperationalError: the database does not answer.
        """
        return cls(await connect_async_reader(database_url))

    async def ask(self, statement: str, parameters: Mapping[str, bytes]) -> list[tuple[Any, ...]]:
        """Return the rows of `statement`, whose parameters are written `%(name)b`; one at a time.

        Cancelled, it leaves the connection closed.

        Raises:
            psycopg.Error: the statement failed, or the connection is lost.
        """
        name = self._names.get(statement)
        if name is None:
            name = await self._prepare(statement)
        values = [parameters[each] for each in numbered(statement)[1]]
        self._pgconn.send_query_prepared(
            name, values, [Format.BINARY] * len(values), result_format=Format.BINARY
        )
        result = await self._result()
        self._values.set_pgresult(result)
        return self._values.load_rows(0, result.ntuples, tuple)

    @property
    def lost(self) -> bool:
        """Whether nothing can be asked any more."""
        return self._connection.closed

    def close(self) -> None:
        """Let go of the server."""
        self._pgconn.finish()

    async def _prepare(self, statement: str) -> bytes:
        if len(self._names) >= PREPARED_LIMIT:
            self._pgconn.send_query(b"DEALLOCATE ALL")
            await self._result()
            self._names.clear()
        name = f"store_{len(self._names)}".encode()
        self._pgconn.send_prepare(name, numbered(statement)[0])
        await self._result()
        self._names[statement] = name
        return name

    async def _result(self) -> PGresult:
        try:
            results = await self._driven(execute(self._pgconn))
        except BaseException:
            # Half of an exchange is behind this connection: nothing that follows could be told apart from it.
            self.close()
            raise
        result = results[-1]
        if result.status == ExecStatus.FATAL_ERROR:
            raise error_from_result(result)
        return result

    async def _driven(self, exchange: PQGen[list[PGresult]]) -> list[PGresult]:
        try:
            wanted = next(exchange)
            while True:
                wanted = exchange.send(await self._readiness(wanted))
        except StopIteration as end:
            results: list[PGresult] = end.value
            return results

    async def _readiness(self, wanted: Wait) -> Ready:
        """Return what of reading and writing the socket is ready for, once it is."""
        loop, socket = asyncio.get_running_loop(), self._pgconn.socket
        ready: asyncio.Future[Ready] = loop.create_future()

        def tell(state: Ready) -> None:
            if not ready.done():
                ready.set_result(state)

        if wanted & Wait.R:
            loop.add_reader(socket, tell, Ready.R)
        if wanted & Wait.W:
            loop.add_writer(socket, tell, Ready.W)
        try:
            return await ready
        finally:
            if wanted & Wait.R:
                loop.remove_reader(socket)
            if wanted & Wait.W:
                loop.remove_writer(socket)
