"""The audit log becomes a chain that the database itself refuses to change."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_SAID = ("tenant", "at", "actor", "action", "subject", "detail")
_REFUSAL = "the audit log is only added to"


def upgrade() -> None:
    for column in (
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("previous", sa.LargeBinary(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=True),
    ):
        op.add_column("audit", column)
    op.create_index(op.f("ix_audit_tenant_seq"), "audit", ["tenant", "seq"], unique=True)
    op.create_table(
        "audit_heads",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_audit_heads")),
    )
    if op.get_bind().dialect.name == "postgresql":
        _refuse_on_postgresql()
    else:
        _refuse_on_sqlite()


def _refuse_on_postgresql() -> None:
    # A line may be given its place in the chain, once; json has no equality, so it is compared as text.
    same = " AND ".join(f"OLD.{name}::text = NEW.{name}::text" for name in _SAID)
    op.execute(
        f"""CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'UPDATE' AND OLD.hash IS NULL AND {same} THEN RETURN NEW; END IF;
        RAISE EXCEPTION '{_REFUSAL}'; END $$"""
    )
    op.execute(
        "CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE ON audit"
        " FOR EACH ROW EXECUTE FUNCTION audit_is_kept()"
    )
    op.execute(
        "CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON audit EXECUTE FUNCTION audit_is_kept()"
    )


def _refuse_on_sqlite() -> None:
    other = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in _SAID)
    raised = f"SELECT RAISE(ABORT, '{_REFUSAL}');"
    op.execute(
        "CREATE TRIGGER audit_is_kept BEFORE UPDATE ON audit"
        f" WHEN OLD.hash IS NOT NULL OR {other} BEGIN {raised} END"
    )
    op.execute(f"CREATE TRIGGER audit_is_not_emptied BEFORE DELETE ON audit BEGIN {raised} END")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_is_kept ON audit")
        op.execute("DROP TRIGGER audit_is_not_emptied ON audit")
        op.execute("DROP FUNCTION audit_is_kept()")
    else:
        op.execute("DROP TRIGGER audit_is_kept")
        op.execute("DROP TRIGGER audit_is_not_emptied")
    op.drop_table("audit_heads")
    op.drop_index(op.f("ix_audit_tenant_seq"), table_name="audit")
    for name in ("hash", "previous", "seq"):
        op.drop_column("audit", name)
