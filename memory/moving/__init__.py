"""Moving a ledger from one database to another, row by row, and proving that nothing was left behind."""

from memory.moving.flow import Moved, move

__all__ = ["Moved", "move"]
