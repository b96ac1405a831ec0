"""Alembic's way in: the connection is given (shop/schema.py), nothing is read from a file."""

from alembic import context

from shop.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite")
with context.begin_transaction():
    context.run_migrations()
