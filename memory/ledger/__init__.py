"""The durable record of turns, sessions, keys and purges: the only source of truth.

Each module here holds the statements of one subject as functions over a transaction; `Ledger` hands
the transactions out. `with ledger.writing() as tx:` keeps everything done with `tx`, or nothing.
"""

from memory.ledger.ledger import Ledger

__all__ = ["Ledger"]
