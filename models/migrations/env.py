"""Alembic's entry: runs the migrations on the connection handed over by ``models.migrations.upgrade``."""

from alembic import context

from models.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
