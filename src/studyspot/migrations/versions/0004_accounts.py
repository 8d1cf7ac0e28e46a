"""Accounts: what is known of people, and how they prove who they are. Nothing of it is in the log."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of accounts, sessions, invitations by address, calendar keys, and who was erased."""
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
    # `place` tells whether the person has signed in from an address before, and not what address.
    op.execute("""
        CREATE TABLE accounts.sessions (
            session_id text COLLATE "C" PRIMARY KEY,
            user_id text COLLATE "C" NOT NULL REFERENCES accounts.accounts ON DELETE CASCADE,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            revoked_at timestamptz,
            generation integer NOT NULL DEFAULT 0,
            advanced_at timestamptz NOT NULL,
            place bytea NOT NULL
        )""")
    op.execute("CREATE INDEX ON accounts.sessions (user_id, created_at)")
    op.execute("CREATE INDEX ON accounts.sessions (expires_at)")
    # A token of an earlier generation than its session's was used before: stolen, or its answer was lost.
    op.execute("""
        CREATE TABLE accounts.refresh_tokens (
            token_hash bytea PRIMARY KEY,
            session_id text COLLATE "C" NOT NULL REFERENCES accounts.sessions ON DELETE CASCADE,
            generation integer NOT NULL,
            issued_at timestamptz NOT NULL
        )""")
    op.execute("CREATE INDEX ON accounts.refresh_tokens (session_id, generation)")
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
    # What is on its way while a person is erased is not kept, and their display name goes where it still is.
    op.execute("""
        CREATE TABLE accounts.erased (
            user_id text COLLATE "C" PRIMARY KEY,
            erased_at timestamptz NOT NULL DEFAULT now(),
            name_left boolean NOT NULL DEFAULT true
        )""")
    op.execute("CREATE INDEX ON accounts.erased (user_id) WHERE name_left")
    # Whoever erases a person finds what was written about them.
    op.execute('ALTER TABLE private.texts ADD COLUMN about text COLLATE "C"')
    op.execute("CREATE INDEX ON private.texts (about) WHERE about IS NOT NULL")
