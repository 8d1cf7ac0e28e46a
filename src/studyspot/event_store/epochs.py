"""Halting appends, and beginning a new epoch: rare, and by an operator or the relay."""

import secrets

from studyspot.event_store.batch import CHANNEL
from studyspot.event_store.connections import connect_writer

_LOCK = "SELECT position, epoch, halted FROM store.head FOR UPDATE"


def halt(database_url: str, reason: str) -> None:
    """Stop every process's appends, for `reason`; the first reason stays until a new epoch.

    Raises:
        psycopg.OperationalError: the database does not answer.
    """
    with connect_writer(database_url) as connection:
        connection.execute("UPDATE store.head SET halted = %b WHERE halted IS NULL", [reason])


def begin_epoch(database_url: str) -> str:
    """Begin an epoch that this log never had, after its present head, and allow appends again.

    Raises:
        psycopg.OperationalError: the database does not answer.
    """
    with connect_writer(database_url) as connection, connection.transaction():
        [(position, _, _)] = connection.execute(_LOCK).fetchall()
        used = {epoch for (epoch,) in connection.execute("SELECT epoch FROM store.epochs")}
        # Random, not counted: two restorations of one backup must not arrive at the same epoch.
        epoch = next(name for name in iter(_short_name, None) if name not in used)
        connection.execute("INSERT INTO store.epochs (epoch, after) VALUES (%b, %b)", [epoch, position])
        connection.execute("UPDATE store.head SET epoch = %b, halted = NULL", [epoch])
        connection.execute("SELECT pg_notify(%b, %b)", [CHANNEL, str(position)])
    return epoch


def _short_name() -> str:
    return f"k{secrets.token_hex(2)}"
