"""The wrapped keys of users, and the secrets of the ledger itself."""

from typing import cast

import sqlalchemy as sa

from memory.errors import CorruptFileError
from memory.ledger.insert import insert_missing
from memory.ledger.schema import data_keys, secrets, users
from memory.vault import DataKey, Vault


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
    return _vault(tx).master.unwrap(row.master, bytes(row.wrapped), _secret_context(name))


def make_secret(tx: sa.Connection, name: str, value: bytes) -> None:
    """Keep a secret under a name where there is none of it yet."""
    master, wrapped = _vault(tx).master.wrap(value, _secret_context(name))
    insert_missing(tx, secrets, name=name, master=master, wrapped=wrapped)


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


def _secret_context(name: str) -> bytes:
    return f"secret\0{name}".encode()
