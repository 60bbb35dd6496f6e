"""Encryption at rest: each user's content under a data key of its own, wrapped by a master key.

Pure but for the master key's source: the wrapped keys live in the ledger (`memory.ledger.data_keys`).
"""

from memory.vault.keys import DataKey
from memory.vault.master import KeyFile, LocalMaster, Master
from memory.vault.vault import Vault

__all__ = ["DataKey", "KeyFile", "LocalMaster", "Master", "Vault"]
