"""The vault: data keys in use, unwrapped, a bounded number of them."""

from functools import lru_cache

from memory.vault.keys import DataKey
from memory.vault.master import Master, new_key

# Users whose keys are held open; each takes some 500 bytes.
_HELD = 10_000


class Vault:
    """Makes and opens data keys by the master key; thread-safe.

    Held keys go by their wrapped form, which is read from the ledger each time: a key that was destroyed
    there, or never committed, is not used again.
    """

    def __init__(self, master: Master, held: int = _HELD) -> None:
        self.master = master
        self.opened = lru_cache(held)(self._opened)

    def made(self, context: bytes) -> tuple[str, bytes]:
        """Return a new data key, wrapped, behind the id of the master key that wraps it."""
        return self.master.wrap(new_key(), context)

    def forget(self) -> None:
        """Drop all keys from memory; those still needed are unwrapped again."""
        self.opened.cache_clear()

    def _opened(self, master: str, wrapped: bytes, context: bytes) -> DataKey:
        return DataKey(self.master.unwrap(master, wrapped, context))
