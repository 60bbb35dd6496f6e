"""What tables are made of."""

import sqlalchemy as sa

tables = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts up only in a column of exactly this type.
Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def id_column() -> sa.Column[int]:
    """Return a key that counts up."""
    return sa.Column("id", Number, primary_key=True, autoincrement=True)


def reference(name: str, target: str) -> sa.Column[int]:
    """Return a column that names a row of another table, and goes with it."""
    return sa.Column(name, Number, sa.ForeignKey(target, ondelete="CASCADE"), nullable=False)


def key_of(name: str, target: str) -> sa.Column[int]:
    """Return the key of a table that has one row for each of another."""
    return sa.Column(
        name, Number, sa.ForeignKey(target, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )


def tenant_column(*, key: bool = False) -> sa.Column[str]:
    """Return the column that says whose a row is; the wall on PostgreSQL stands on it."""
    tenant = sa.ForeignKey("tenants.name", ondelete="CASCADE")
    return sa.Column("tenant", sa.Text, tenant, primary_key=key, nullable=False)
