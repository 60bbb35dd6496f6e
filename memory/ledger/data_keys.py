"""The wrapped keys of users, and the secrets of the ledger itself."""

from typing import NamedTuple, cast

import sqlalchemy as sa

from memory.errors import CorruptFileError
from memory.ledger.insert import insert_missing
from memory.ledger.schema import data_keys, secrets, turns, users
from memory.vault import DataKey, Vault


class Wrapped(NamedTuple):
    """A user's key as it is kept, and what else it takes to unwrap it."""

    tenant: str
    created_at: int
    master: str
    wrapped: bytes


class DataKeys:
    """The data keys of users, looked up once each within one transaction."""

    def __init__(self, tx: sa.Connection) -> None:
        self._tx = tx
        self._known: dict[int, DataKey | None] = {}

    def of_user(self, user: int) -> DataKey:
        """Return a user's key; raise `CorruptFileError` where there is none."""
        found = self.find(user)
        if found is None:
            raise CorruptFileError(f"the data key of user number {user} is gone, and so is what it sealed")
        return found

    def find(self, user: int) -> DataKey | None:
        """Return a user's key, None where there is none."""
        if user not in self._known:
            self._known[user] = _find(self._tx, user)
        return self._known[user]


def ensure(tx: sa.Connection, user: int) -> DataKey:
    """Return a user's key, made where missing."""
    found = _find(tx, user)
    if found is not None:
        return found
    owner = tx.execute(sa.select(users.c.tenant, users.c.created_at).where(users.c.id == user)).one()
    # A rotation that ends meanwhile waits: it must not drop the master key that wraps this one.
    tx.execute(sa.select(secrets.c.name).with_for_update(read=True)).all()
    master, wrapped = _vault(tx).made(_context(owner.tenant, user, owner.created_at))
    insert_missing(tx, data_keys, user_id=user, tenant=owner.tenant, master=master, wrapped=wrapped)
    return ensure(tx, user)  # another writer may have been first


def destroy(tx: sa.Connection, user: int) -> None:
    """Erase a user's key: nothing that it sealed can be read again."""
    tx.execute(sa.delete(data_keys).where(data_keys.c.user_id == user))
    _vault(tx).forget()


def secret(tx: sa.Connection, name: str) -> bytes | None:
    """Return the ledger's secret of that name, None where there is none yet.

    Raises `MasterKeyError` where the master key doesn't open it.
    """
    row = tx.execute(sa.select(secrets.c.master, secrets.c.wrapped).where(secrets.c.name == name)).first()
    if row is None:
        return None
    return _vault(tx).master.unwrap(row.master, bytes(row.wrapped), secret_context(name))


def make_secret(tx: sa.Connection, name: str, value: bytes) -> None:
    """Keep a secret under a name where there is none of it yet."""
    master, wrapped = _vault(tx).master.wrap(value, secret_context(name))
    insert_missing(tx, secrets, name=name, master=master, wrapped=wrapped)


def all_of(tx: sa.Connection) -> dict[int, Wrapped]:
    """Return the wrapped keys of all users."""
    columns = (
        data_keys.c.user_id,
        users.c.tenant,
        users.c.created_at,
        data_keys.c.master,
        data_keys.c.wrapped,
    )
    rows = tx.execute(sa.select(*columns).join(users, users.c.id == data_keys.c.user_id))
    return {row.user_id: Wrapped(row.tenant, row.created_at, row.master, bytes(row.wrapped)) for row in rows}


def all_secrets(tx: sa.Connection) -> dict[str, tuple[str, bytes]]:
    """Return the ledger's secrets, wrapped: (id of the master key, secret) by name."""
    rows = tx.execute(sa.select(secrets.c.name, secrets.c.master, secrets.c.wrapped))
    return {row.name: (row.master, bytes(row.wrapped)) for row in rows}


def put_back(tx: sa.Connection, keys: dict[int, Wrapped], kept: dict[str, tuple[str, bytes]]) -> None:
    """Give a copy of the ledger its keys and secrets, each key to the user whose it is only."""
    for name, (master, wrapped) in kept.items():
        tx.execute(sa.delete(secrets).where(secrets.c.name == name))
        insert_missing(tx, secrets, name=name, master=master, wrapped=wrapped)
    rows = tx.execute(sa.select(users.c.id, users.c.tenant, users.c.created_at)).all()
    for row in rows:
        key = keys.get(row.id)
        if key is not None and key[:2] == (row.tenant, row.created_at):
            values = {"tenant": key.tenant, "master": key.master, "wrapped": key.wrapped}
            tx.execute(sa.delete(data_keys).where(data_keys.c.user_id == row.id))
            insert_missing(tx, data_keys, user_id=row.id, **values)


def keyless(tx: sa.Connection) -> dict[int, int]:
    """Return the users who have sealed turns and no key, with the time when each came."""
    held = sa.select(turns.c.id).where(turns.c.user_id == users.c.id, turns.c.sealed.is_not(None))
    query = sa.select(users.c.id, users.c.created_at).where(
        held.exists(), users.c.id.not_in(sa.select(data_keys.c.user_id))
    )
    return {row.id: row.created_at for row in tx.execute(query)}


def rewrap(tx: sa.Connection, limit: int) -> int:
    """Wrap up to `limit` keys and secrets anew, that aren't under the master key in use; return how many."""
    vault = _vault(tx)
    current = vault.master.current
    found = tx.execute(
        sa.select(
            data_keys.c.user_id, data_keys.c.master, data_keys.c.wrapped, users.c.tenant, users.c.created_at
        )
        .join(users, users.c.id == data_keys.c.user_id)
        .where(data_keys.c.master != current)
        .limit(limit)
    ).all()
    for row in found:
        context = _context(row.tenant, row.user_id, row.created_at)
        master, wrapped = vault.master.wrap(
            vault.master.unwrap(row.master, bytes(row.wrapped), context), context
        )
        where = data_keys.c.user_id == row.user_id
        tx.execute(sa.update(data_keys).where(where).values(master=master, wrapped=wrapped))
    if found:
        return len(found)
    return _rewrap_secrets(tx, vault, current)


def lock(tx: sa.Connection) -> None:
    """Keep others from making keys until the transaction ends."""
    tx.execute(sa.select(secrets.c.name).with_for_update()).all()


def _rewrap_secrets(tx: sa.Connection, vault: Vault, current: str) -> int:
    found = tx.execute(sa.select(secrets).where(secrets.c.master != current)).all()
    for row in found:
        context = secret_context(row.name)
        master, wrapped = vault.master.wrap(
            vault.master.unwrap(row.master, bytes(row.wrapped), context), context
        )
        tx.execute(
            sa.update(secrets).where(secrets.c.name == row.name).values(master=master, wrapped=wrapped)
        )
    return len(found)


def _find(tx: sa.Connection, user: int) -> DataKey | None:
    row = tx.execute(
        sa.select(data_keys.c.master, data_keys.c.wrapped, users.c.tenant, users.c.created_at)
        .join(users, users.c.id == data_keys.c.user_id)
        .where(data_keys.c.user_id == user)
    ).first()
    if row is None:
        return None
    return _vault(tx).opened(row.master, bytes(row.wrapped), _context(row.tenant, user, row.created_at))


def _vault(tx: sa.Connection) -> Vault:
    return cast("Vault", tx.get_execution_options()["vault"])


def _context(tenant: str, user: int, created_at: int) -> bytes:
    """Return what a user's key is bound to: a key can't be given to another user, nor to a later one."""
    return f"user\0{tenant}\0{user}\0{created_at}".encode()


def secret_context(name: str) -> bytes:
    """Return what a secret of the ledger is bound to."""
    return f"secret\0{name}".encode()
