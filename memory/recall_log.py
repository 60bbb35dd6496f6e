"""How good contexts were: collected in memory, written down every few seconds."""

import threading

from memory.ledger import Ledger, contexts
from memory.ledger.contexts import Report
from memory.ledger.tenancy import EVERY_TENANT
from memory.loop import Loop

# Seconds between two writes: what a crash may lose, and how late other replicas hear of it.
_EVERY = 5.0


class RecallLog:
    """Keeps quality reports; thread-safe. No request for context waits for the disk."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._reports: list[Report] = []
        self._lock = threading.Lock()
        self._loop = Loop("recalls", self._flushed, pause=_EVERY, at_once=False)
        self._loop.start()

    def add(self, report: Report) -> None:
        """Count one context."""
        with self._lock:
            self._reports.append(report)

    def flush(self) -> None:
        """Write down what was collected; it is kept for the next time if the ledger doesn't answer."""
        with self._lock:
            taken, self._reports = self._reports, []
        if not taken:
            return
        try:
            with self._ledger.writing(EVERY_TENANT) as tx:
                contexts.keep(tx, taken)
        except BaseException:
            with self._lock:
                self._reports = taken + self._reports
            raise

    def close(self) -> None:
        """Write down the rest and stop."""
        self._loop.close()
        self.flush()

    def _flushed(self) -> bool:
        self.flush()
        return False
