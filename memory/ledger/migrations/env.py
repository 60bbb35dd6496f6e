"""How alembic reaches the ledger: over the connection that `Ledger.migrate` hands it."""

from alembic import context

from memory.ledger.schema import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables,
    render_as_batch=True,
    transactional_ddl=False,  # the caller's transaction holds the whole upgrade
)
context.run_migrations()
