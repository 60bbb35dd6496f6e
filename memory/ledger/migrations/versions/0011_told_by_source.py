"""Which turns' trust their role alone doesn't tell is asked for every context, of an index of these alone."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    told = sa.text("role = 'tool' OR source NOT IN (role, 'import')")
    columns = ["user_id", "id", "role", "source"]
    op.create_index("ix_turns_told_by_source", "turns", columns, sqlite_where=told, postgresql_where=told)


def downgrade() -> None:
    op.drop_index("ix_turns_told_by_source", table_name="turns")
