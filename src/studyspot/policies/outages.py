"""Which failures pass by themselves, so that the same thing is tried again later."""

import psycopg

from studyspot.catalogue.types import UnknownEvent
from studyspot.decisions.run import Contended
from studyspot.event_store.errors import StoreHalted, StoreUnavailable

OUTAGES = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    # A server that may only be read for now, and a transaction that took too long.
    psycopg.InternalError,
    # Before its migration a database has none of our tables; `up` migrates while processes start.
    psycopg.errors.UndefinedTable,
    StoreUnavailable,
)
"""The database is away for all that a policy does."""

PASSING = (
    *OUTAGES,
    StoreHalted,
    Contended,
    # A newer release wrote it: one that knows it goes on from there.
    UnknownEvent,
    OSError,
    MemoryError,
)
"""One task cannot be done now; it may be later."""
