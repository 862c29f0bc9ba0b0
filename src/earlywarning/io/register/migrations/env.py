"""What Alembic runs: our connection, our version table, one transaction."""

from alembic import context

from earlywarning.io.register.migrations import VERSION_TABLE
from earlywarning.io.register.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
