"""Getting erased rows out of a PostgreSQL server's files, as far as the service's role may."""

import sqlalchemy as sa

# Tables that hold what users said or are called, or the keys of it.
_REWRITTEN = (
    "turns",
    "sessions",
    "users",
    "outbox",
    "events",
    "reviews",
    "insights",
    "idempotency",
    "purges",
    "data_keys",
)
# Bytes of a table, its indexes included, up to which it is rewritten: who wants to read or write it waits
# meanwhile, 2.5 s for 100 MB on one busy core.
_REWRITABLE = 1 << 30
# Who may: since PostgreSQL 17 whoever was granted it, before that the owner.
_MAY = "has_table_privilege(tablename, 'MAINTAIN')"
_OWNS = "pg_has_role(tableowner, 'USAGE')"
_ASKED = "SELECT bool_and({}) FROM pg_tables WHERE schemaname = current_schema() AND tablename = ANY(:names)"
_GRANTABLE = (17,)
_SIZES = (
    "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
    "WHERE relnamespace = current_schema()::regnamespace AND relname = ANY(:names)"
)
# Begin a new segment of the log, and let go of those that no recovery needs.
_MAY_RENEW = (
    "SELECT has_function_privilege('pg_switch_wal()', 'EXECUTE') AND EXISTS (SELECT FROM pg_roles "
    "WHERE rolname = 'pg_checkpoint' AND pg_has_role(oid, 'USAGE'))"
)
# A checkpoint keeps the segments since the one before it began.
_ROUNDS = 3

_DENIED = "dead rows stay in the server's files until the tables' owner runs VACUUM FULL"
_LOG_LEFT = "the server's write-ahead log holds them until its segments are used again"
_LOG_RENEWED = "write-ahead log renewed: only segments kept for reuse, archives and standbys can hold them"


def compact_postgres(engine: sa.Engine) -> str:
    """Rewrite the tables that texts were erased from, so that no dead row is left in their files.

    A plain `VACUUM` frees the room of dead rows but leaves their bytes: names, ciphertext, wrapped keys.
    It is what a table over a gigabyte gets, since nobody can use one while it is rewritten. For a role
    that may not do it the server skips it with a mere warning, so that is asked first. The server's
    write-ahead log is renewed where the role may. Returns in words what was done and what not.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT", tenant=None) as connection:
        granted = (connection.dialect.server_version_info or (0,)) >= _GRANTABLE
        asked = sa.text(_ASKED.format(_MAY if granted else _OWNS))
        if not connection.scalar(asked, {"names": list(_REWRITTEN)}):
            return f"deleted; {_DENIED}; {_LOG_LEFT}"
        connection.exec_driver_sql("SET statement_timeout = 0")
        try:
            large = _rewrite(connection)
            log = _renew_log(connection)
        finally:
            connection.exec_driver_sql("RESET statement_timeout")
    rewritten = "VACUUM FULL"
    if large:
        rewritten += f", but {', '.join(large)} too large: dead rows stay there until VACUUM FULL or reuse"
    return f"{rewritten}; {log}"


def _rewrite(connection: sa.Connection) -> list[str]:
    """Rewrite the tables; return those that are too large for that."""
    sizes = {row[0]: row[1] for row in connection.execute(sa.text(_SIZES), {"names": list(_REWRITTEN)})}
    large = [table for table in _REWRITTEN if sizes[table] > _REWRITABLE]
    for table in _REWRITTEN:
        connection.exec_driver_sql(f"VACUUM {table}" if table in large else f"VACUUM (FULL) {table}")
    return large


def _renew_log(connection: sa.Connection) -> str:
    if not connection.scalar(sa.text(_MAY_RENEW)):
        return _LOG_LEFT
    for _ in range(_ROUNDS):
        connection.exec_driver_sql("SELECT pg_switch_wal()")
        connection.exec_driver_sql("CHECKPOINT")
    return _LOG_RENEWED
