"""Alembic's entry: runs the migrations on the connection that `run.py` hands over."""

from alembic import context
from sqlalchemy import Connection, text

from studyspot.migrations.run import SCHEMA


def run(connection: Connection) -> None:
    """Run the pending migrations in one transaction each."""
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    connection.commit()
    context.configure(
        connection=connection,
        version_table_schema=SCHEMA,
        transaction_per_migration=True,
        target_metadata=None,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
