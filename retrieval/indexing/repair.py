"""Makes anew what the index has of a user, once it was found damaged; meanwhile the ledger answers."""

import threading
from typing import Protocol

import structlog

from memory.errors import CorruptFileError
from memory.ledger import EVERY_TENANT, Ledger, outbox
from memory.scope import Scope
from memory.times import now
from retrieval.index.port import Index

log = structlog.get_logger()


class File(Protocol):
    """A file that an index is kept in."""

    def check(self) -> None:
        """Raise `CorruptFileError` where more is damaged than entries: what is dropped may stay, unseen."""

    def renew(self) -> None:
        """Begin with an empty one; what was in it must be queued before."""


class Repair:
    """Takes reports of damage from whoever reads the index; the indexer's thread repairs it."""

    def __init__(self, ledger: Ledger, index: Index, *, file: File | None = None) -> None:
        """`file`: what the index is kept in, where that is one that may be too damaged to write to."""
        self._ledger = ledger
        self._index = index
        self._file = file
        self._lock = threading.Lock()
        self._reported: set[Scope] = set()
        # Users whose turns were queued anew, until all of them are in the index again; or everybody's.
        self._users: set[Scope] = set()
        self._everybody = False

    def report(self, scope: Scope, error: CorruptFileError) -> None:
        """Say that what the index has of a user is damaged."""
        with self._lock:
            self._reported.add(scope.whole_user())
        log.warning("index.damaged", error=str(error), remedy="rebuilding it from the ledger")

    def under_way(self, scope: Scope) -> bool:
        """Tell whether the index may lack most of a user's turns."""
        user = scope.whole_user()
        with self._lock:
            return self._everybody or user in self._reported or user in self._users

    def step(self) -> None:
        """Drop what is damaged, its turns queued before; raises what the ledger and the index do."""
        while self._reported:
            with self._lock:
                user = self._reported.pop()
                self._users.add(user)
            try:
                self._drop(user)
            except CorruptFileError:
                if self._file is None:
                    raise
                self._begin_anew(self._file)
        if self._everybody or self._users:
            self._look_what_is_done()

    def _drop(self, user: Scope) -> None:
        if self._file is not None:
            self._file.check()
        with self._ledger.alone(user):
            with self._ledger.writing(user.tenant) as tx:
                queued = outbox.requeue(tx, now(), user)
            self._index.delete(user)
        log.info("index.rebuilding", turns=queued)

    def _begin_anew(self, file: File) -> None:
        self._everybody = True
        with self._ledger.writing(EVERY_TENANT) as tx:
            queued = outbox.requeue(tx, now())
        file.renew()
        log.info("index.rebuilding", turns=queued)

    def _look_what_is_done(self) -> None:
        with self._ledger.reading(EVERY_TENANT) as tx:
            left = outbox.scopes(tx)
        self._everybody = self._everybody and bool(left)
        with self._lock:
            self._users &= left
