"""The event store: one ordered log, its tag index, stored answers, and the head row that orders appends."""

import secrets

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the store's tables, with an empty log under a first epoch."""
    op.execute("CREATE SCHEMA store")
    # Rewritten by every batch: the free space lets each version replace an earlier one on the same page.
    op.execute("""
        CREATE TABLE store.head (
            only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
            position bigint NOT NULL,
            epoch text COLLATE "C" NOT NULL,
            halted text
        ) WITH (fillfactor = 10)""")
    op.execute("""
        CREATE TABLE store.epochs (
            epoch text COLLATE "C" NOT NULL,
            after bigint NOT NULL,
            begun_at timestamptz NOT NULL DEFAULT now()
        )""")
    # What each writer's last batch came to, for a writer whose COMMIT was never answered.
    op.execute("""
        CREATE TABLE store.writers (
            id uuid PRIMARY KEY,
            session integer NOT NULL,
            batch bigint NOT NULL,
            after bigint NOT NULL,
            epoch text COLLATE "C" NOT NULL,
            won smallint[] NOT NULL,
            seen_at timestamptz NOT NULL DEFAULT now()
        ) WITH (fillfactor = 10)""")
    # No unique index but position, and every key includes it: ready for range partitions by position.
    op.execute("""
        CREATE TABLE store.events (
            position bigint PRIMARY KEY,
            epoch text COLLATE "C" NOT NULL,
            type text COLLATE "C" NOT NULL,
            tags text[] COLLATE "C" NOT NULL,
            data bytea NOT NULL
        )""")
    op.execute("CREATE INDEX events_by_type ON store.events (type, position)")
    op.execute("""
        CREATE TABLE store.event_tags (
            tag text COLLATE "C" NOT NULL,
            type text COLLATE "C" NOT NULL,
            position bigint NOT NULL,
            PRIMARY KEY (tag, type, position)
        )""")
    op.execute("""
        CREATE TABLE store.answers (
            actor text COLLATE "C" NOT NULL,
            key text COLLATE "C" NOT NULL,
            position bigint NOT NULL,
            fingerprint bytea NOT NULL,
            body bytea NOT NULL,
            stored_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (actor, key, position)
        )""")
    op.execute("CREATE INDEX answers_by_age ON store.answers (stored_at)")
    first_epoch = f"k{secrets.token_hex(2)}"
    op.execute(f"INSERT INTO store.epochs (epoch, after) VALUES ('{first_epoch}', 0)")  # noqa: S608
    op.execute(f"INSERT INTO store.head (position, epoch) VALUES (0, '{first_epoch}')")  # noqa: S608


def downgrade() -> None:
    """Refuse: the log is never dropped by a migration."""
    raise NotImplementedError("the event log is never dropped by a migration")
