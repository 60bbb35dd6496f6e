"""Purging: memory is erased from the ledger at once, from all derived data next, and that is proved."""

from memory.ledger.erasing import Subject
from memory.ledger.purges import Receipt
from memory.purge.derived import Derived
from memory.purge.flow import Preview, Purge
from memory.purge.signing import Signer, verify

__all__ = ["Derived", "Preview", "Purge", "Receipt", "Signer", "Subject", "verify"]
