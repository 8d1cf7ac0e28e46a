"""Private texts: what people write about people, deletable, while the log holds only its id."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of private texts."""
    op.execute("CREATE SCHEMA private")
    op.execute("""
        CREATE TABLE private.texts (
            id text COLLATE "C" PRIMARY KEY,
            text text NOT NULL,
            kept_at timestamptz NOT NULL DEFAULT now()
        )""")
