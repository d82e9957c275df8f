"""Alembic's entry, shared by every service: migrate over the connection that `chassis.migrations` opened."""

from alembic import context

from chassis.tables import METADATA

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=[METADATA, *attributes["metadata"]],
    transaction_per_migration=True,
)
context.run_migrations()
