"""What policies keep: how far they follow the log, what stands there, and what is to be done when."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of policies; all of them follow from the log."""
    op.execute("CREATE SCHEMA policies")
    # Rewritten by every batch: the free space lets each version replace an earlier one on the same page.
    op.execute("""
        CREATE TABLE policies.progress (
            only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
            position bigint NOT NULL,
            -- None yet: whoever comes first begins with the log's.
            epoch text COLLATE "C",
            -- Of what is kept and planned: another release may fold the same log into something else.
            version integer NOT NULL DEFAULT 0
        ) WITH (fillfactor = 10)""")
    op.execute("INSERT INTO policies.progress (position) VALUES (0)")
    op.execute("""
        CREATE TABLE policies.occupations (
            subject text COLLATE "C" PRIMARY KEY,  -- hold:… or booking:…
            library_id text COLLATE "C" NOT NULL,
            seat_id text COLLATE "C" NOT NULL,
            user_id text COLLATE "C" NOT NULL,
            start_at timestamptz NOT NULL,
            end_at timestamptz NOT NULL
        )""")
    op.execute("CREATE INDEX occupations_by_library ON policies.occupations (library_id, end_at)")
    op.execute("CREATE INDEX occupations_by_seat ON policies.occupations (seat_id, end_at)")
    op.execute("""
        CREATE TABLE policies.tasks (
            key text COLLATE "C" PRIMARY KEY,
            position bigint NOT NULL,  -- of the event that asked for it
            kind text COLLATE "C" NOT NULL,
            subject text COLLATE "C" NOT NULL,  -- hold:… or booking:…
            due_at timestamptz NOT NULL,
            ground text COLLATE "C",  -- closure:… or seat:…, without which there would be nothing to do
            notice jsonb,  -- who is told what
            try_at timestamptz NOT NULL,  -- when it is due, or later after a failure
            failures integer NOT NULL DEFAULT 0,
            reason text  -- why it is set aside, if it is
        )""")
    op.execute("CREATE INDEX tasks_by_time ON policies.tasks (try_at, position)")
    op.execute("CREATE INDEX tasks_by_due_time ON policies.tasks (due_at) WHERE reason IS NULL")
    op.execute("CREATE INDEX tasks_by_subject ON policies.tasks (subject)")
    op.execute("CREATE INDEX tasks_by_ground ON policies.tasks (ground) WHERE ground IS NOT NULL")
    op.execute("CREATE INDEX tasks_set_aside ON policies.tasks (key) WHERE reason IS NOT NULL")
    op.execute("""
        CREATE TABLE policies.unread_events (
            position bigint PRIMARY KEY,
            reason text NOT NULL
        )""")


def downgrade() -> None:
    """Drop them: a later upgrade makes them again from the log."""
    op.execute("DROP SCHEMA policies CASCADE")
