"""Encrypts what was remembered before there was encryption, while the service runs."""

import threading

import structlog

from memory.errors import SatchelError
from memory.ledger import EVERY_TENANT, Ledger, turns

log = structlog.get_logger()

# Turns in one transaction: others wait for it, some 20 ms.
_BATCH = 200
_PAUSE = 0.05


def seal_all(ledger: Ledger) -> int:
    """Seal every plain turn; return how many there were. May be cut off and begun again."""
    done = 0
    while sealed := seal_some(ledger):
        done += sealed
    if done:
        ledger.compact()  # the log had the plain rows
    return done


def seal_some(ledger: Ledger) -> int:
    """Seal some plain turns; return how many."""
    with ledger.writing(EVERY_TENANT) as tx:
        return turns.seal_plain(tx, _BATCH)


class Sealing:
    """A thread that seals what is plain and ends; nothing is to do for a ledger that never was."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sealing", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the transaction at hand; the next start goes on."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        done = 0
        try:
            while (sealed := seal_some(self._ledger)) and not self._stop.wait(_PAUSE):
                done += sealed
            if done:
                self._ledger.compact()
                log.info("vault.sealed", turns=done)
        except SatchelError as error:
            log.warning("vault.not_sealed", error=str(error), remedy="run `satchel vault seal`")
