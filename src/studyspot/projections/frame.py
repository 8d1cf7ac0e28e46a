"""The tables beside the read models: which builds there are, which is read, and what is set aside."""

from psycopg import AsyncConnection

SCHEMA = "read"

_LOCK = 7_311_402
"""Advisory lock of those who make tables."""

_FRAME = """
CREATE SCHEMA IF NOT EXISTS read;
CREATE TABLE IF NOT EXISTS read.builds (
    name text NOT NULL,
    version integer NOT NULL,
    number integer NOT NULL,
    tables text[] NOT NULL,
    position bigint NOT NULL,
    epoch text NOT NULL,
    event_time timestamptz,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When another build took its place; its tables are dropped a while later.
    superseded_at timestamptz,
    -- Counts the changes of what is parked, so that nobody applies a batch by an older list.
    parked_revision bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (name, version, number)
);
CREATE TABLE IF NOT EXISTS read.current (
    name text PRIMARY KEY,
    version integer NOT NULL,
    number integer NOT NULL,
    FOREIGN KEY (name, version, number) REFERENCES read.builds
);
-- Events that a build could not apply, and every later one of the same key.
CREATE TABLE IF NOT EXISTS read.parked (
    name text NOT NULL,
    version integer NOT NULL,
    number integer NOT NULL,
    position bigint NOT NULL,
    key text NOT NULL,
    library_id text,
    user_id text,
    reason text,  -- none for those that only follow one
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (name, version, number, position),
    FOREIGN KEY (name, version, number) REFERENCES read.builds ON DELETE CASCADE
);
-- IF NOT EXISTS would wait for every writer, and keep the next ones waiting, to find that the index is there.
DO $$ BEGIN
    IF to_regclass('read.parked_by_key') IS NULL THEN
        CREATE INDEX parked_by_key ON read.parked (name, version, number, key);
    END IF;
    -- Each read asks whether something concerns it: by one of these, in a step or two, however much there is.
    IF to_regclass('read.parked_by_library') IS NULL THEN
        CREATE INDEX parked_by_library ON read.parked (name, version, number, library_id, user_id);
    END IF;
    IF to_regclass('read.parked_by_user') IS NULL THEN
        CREATE INDEX parked_by_user ON read.parked (name, version, number, user_id, library_id);
    END IF;
    IF to_regclass('read.parked_libraries') IS NULL THEN
        CREATE INDEX parked_libraries ON read.parked (name, version, number, user_id) WHERE key = library_id;
    END IF;
END $$;
-- Events that an operator has decided never to apply, in any build.
CREATE TABLE IF NOT EXISTS read.dropped (
    name text NOT NULL,
    position bigint NOT NULL,
    key text NOT NULL,
    reason text NOT NULL,
    dropped_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (name, position)
);
-- A rebuild under way, and which parts of it are done.
CREATE TABLE IF NOT EXISTS read.rebuilds (
    name text PRIMARY KEY,
    version integer NOT NULL,
    number integer NOT NULL,
    tables text[] NOT NULL,
    release text NOT NULL,
    epoch text NOT NULL,
    until bigint NOT NULL,
    parts integer NOT NULL,
    dropped bigint[] NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE IF NOT EXISTS read.rebuilt_parts (
    name text NOT NULL REFERENCES read.rebuilds ON DELETE CASCADE,
    part integer NOT NULL,
    events bigint NOT NULL,
    parked jsonb NOT NULL,
    PRIMARY KEY (name, part)
);
"""


async def ensure_frame(connection: AsyncConnection) -> None:
    """Make what is missing, in the transaction that the caller has begun; others who do wait for its end."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    await connection.execute(_FRAME)
