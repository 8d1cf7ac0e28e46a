"""What policies keep of waitlists: who waits for what, in the order of the line; and the seats there are."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; both follow from the log, as all tables of policies do."""
    op.execute("""
        CREATE TABLE policies.waiting (
            entry_id text COLLATE "C" PRIMARY KEY,
            library_id text COLLATE "C" NOT NULL,
            -- The order of the line: first who lost a booking to the library, then by the time of joining.
            in_turn boolean NOT NULL,
            position bigint NOT NULL,
            start_at timestamptz NOT NULL,
            end_at timestamptz NOT NULL,
            zone text COLLATE "C",
            attributes jsonb NOT NULL,
            offered boolean NOT NULL DEFAULT false  -- a seat is held for them now
        )""")
    op.execute("CREATE INDEX waiting_in_line ON policies.waiting (library_id, in_turn, position)")
    op.execute("""
        CREATE TABLE policies.seats (
            seat_id text COLLATE "C" PRIMARY KEY,
            library_id text COLLATE "C" NOT NULL,
            zone text COLLATE "C" NOT NULL,
            attributes jsonb NOT NULL,
            in_service boolean NOT NULL DEFAULT true
        )""")
    op.execute("CREATE INDEX seats_by_library ON policies.seats (library_id)")


def downgrade() -> None:
    """Drop them: a later upgrade makes them again from the log."""
    op.execute("DROP TABLE policies.waiting, policies.seats")
