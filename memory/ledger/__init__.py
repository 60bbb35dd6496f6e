"""The durable record of turns, sessions, keys and purges: the only source of truth.

Each module here holds the statements of one subject as functions over a transaction; `Ledger` hands
the transactions out. `with ledger.writing(tenant) as tx:` keeps everything done with `tx`, or nothing;
it touches rows of that tenant only.
"""

from memory.ledger.ledger import Ledger
from memory.ledger.tenancy import EVERY_TENANT

__all__ = ["EVERY_TENANT", "Ledger"]
