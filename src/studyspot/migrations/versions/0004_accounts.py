"""Accounts: what is known of people, and how they prove who they are. Nothing of it is in the log."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of accounts, sessions, invitations by address, calendar keys and what is muted."""
    op.execute("CREATE SCHEMA accounts")
    # Role, and whether somebody is disabled, are the log's to say. An address is kept in lower case.
    op.execute("""
        CREATE TABLE accounts.accounts (
            user_id text COLLATE "C" PRIMARY KEY,
            email text NOT NULL UNIQUE,
            name text NOT NULL,
            password_hash text NOT NULL,
            registered_role text COLLATE "C" NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now()
        )""")
    op.execute("""
        CREATE TABLE accounts.sessions (
            session_id text COLLATE "C" PRIMARY KEY,
            user_id text COLLATE "C" NOT NULL REFERENCES accounts.accounts ON DELETE CASCADE,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            revoked_at timestamptz
        )""")
    op.execute("CREATE INDEX ON accounts.sessions (user_id)")
    # A refresh token that comes a second time was stolen, or its answer was lost: its whole session ends.
    op.execute("""
        CREATE TABLE accounts.refresh_tokens (
            token_hash bytea PRIMARY KEY,
            session_id text COLLATE "C" NOT NULL REFERENCES accounts.sessions ON DELETE CASCADE,
            issued_at timestamptz NOT NULL,
            used_at timestamptz
        )""")
    op.execute("CREATE INDEX ON accounts.refresh_tokens (session_id)")
    op.execute("""
        CREATE TABLE accounts.invitations (
            invitation_id text COLLATE "C" PRIMARY KEY,
            email text NOT NULL,
            invited_at timestamptz NOT NULL DEFAULT now()
        )""")
    op.execute("CREATE INDEX ON accounts.invitations (email)")
    # These two are anybody's with a valid token: no account here is needed.
    op.execute("""
        CREATE TABLE accounts.calendar_keys (
            user_id text COLLATE "C" PRIMARY KEY,
            key_hash bytea NOT NULL UNIQUE,
            created_at timestamptz NOT NULL
        )""")
    op.execute("""
        CREATE TABLE accounts.muted (
            user_id text COLLATE "C" PRIMARY KEY,
            kinds text[] NOT NULL
        )""")
    # Whoever erases a person finds what was written about them.
    op.execute('ALTER TABLE private.texts ADD COLUMN about text COLLATE "C"')
    op.execute("CREATE INDEX ON private.texts (about) WHERE about IS NOT NULL")
