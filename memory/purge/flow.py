"""The use case: what is asked for, and what is answered at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import sqlalchemy as sa

from memory.errors import NotFoundError
from memory.ledger import Ledger, audit, erasing, holds, purges, turns
from memory.ledger.erasing import Reach, Subject
from memory.ledger.purges import Receipt
from memory.ledger.tenancy import EVERY_TENANT
from memory.purge.document import subject_hash
from memory.purge.signing import Signer
from memory.purge.worker import Worker
from memory.residue import Fingerprints, Piece, pieces_of_bytes, pieces_of_text
from memory.times import now
from memory.turns import Turn


@dataclass(frozen=True, slots=True)
class Preview:
    """What a purge would erase. held: whether a legal hold forbids it."""

    turns: int
    sessions: int
    users: int
    held: bool


class Purge:
    """Erases memory. From the moment a receipt is given, nothing of it is returned any more.

    The receipt says `done` only once the derived data is gone too and a scan of every file found nothing.
    """

    def __init__(self, ledger: Ledger, worker: Worker, signer: Signer) -> None:
        self._ledger = ledger
        self._worker = worker
        self.signer = signer

    def begin(self, subject: Subject, actor: str) -> Receipt:
        """Erase the subject from the ledger, and go on in the background.

        Raises `NotFoundError` where there is no such thing, `LegalHoldError` where it must be kept.
        """
        sought = Fingerprints()
        with self._ledger.reading(subject.tenant) as tx:
            known = self._read(tx, _found(tx, subject), sought, set())
        with self._ledger.writing(subject.tenant) as tx:
            found = _locked(tx, subject)
            holds.refuse(tx, subject.tenant, found.turns.keys() | found.users.values())
            # What came since it was read: few, so that other writers don't wait for long.
            self._read(tx, found, sought, known)
            receipt = self._erase(tx, subject, found, sought, actor)
        self._worker.wake()
        return receipt

    def preview(self, subject: Subject) -> Preview:
        """Return what `begin` would erase; raise `NotFoundError` where there is no such thing."""
        with self._ledger.reading(subject.tenant) as tx:
            found = _found(tx, subject)
            held = {hold.user for hold in holds.all_of(tx, subject.tenant)}
        users = found.turns.keys() | found.users.values()
        return Preview(found.count, len(found.sessions), len(users), not held.isdisjoint(users))

    def receipt(self, tenant: str, receipt: str) -> Receipt:
        """Return how far a purge is; raise `NotFoundError` where the tenant has none of that id."""
        with self._ledger.reading(tenant) as tx:
            found = purges.find(tx, tenant, receipt)
        if found is None:
            raise NotFoundError(f"no purge {receipt!r}")
        return found

    def unfinished(self) -> int:
        """Return how many purges are not done yet."""
        with self._ledger.reading(EVERY_TENANT) as tx:
            return purges.unfinished(tx)

    def start(self) -> None:
        """Begin to work, first on what was cut off."""
        self._worker.start()

    def close(self) -> None:
        """Finish the step at hand; the rest goes on at the next start."""
        self._worker.close()

    def _read(self, tx: sa.Connection, found: Reach, sought: Fingerprints, known: set[int]) -> set[int]:
        """Take fingerprints of the turns that aren't known yet; return the numbers of all."""
        ids = set(found.ids())
        sought.add(_pieces(tx, ids - known))
        return ids

    def _erase(
        self, tx: sa.Connection, subject: Subject, found: Reach, sought: Fingerprints, actor: str
    ) -> Receipt:
        erased = erasing.erase(tx, found, keep_empty=subject.kind == "turn")
        sought.add(piece for name in erased.names for piece in pieces_of_text(name))
        hashed = subject_hash(subject.tenant, subject.kind, subject.name)
        receipt = Receipt(
            id=f"purge_{uuid4().hex}",
            tenant=subject.tenant,
            kind=subject.kind,
            subject=hashed,
            status="running",
            turns=found.count,
            requested_at=now(),
            work={"turns": found.turns},
            receipt={"erased": dict(erased.rows)},
        )
        purges.begin(tx, receipt, sought.to_bytes())
        action = f"purge.{subject.kind}"
        audit.record(tx, subject.tenant, actor, action, hashed, receipt=receipt.id, turns=found.count)
        return receipt


def _found(tx: sa.Connection, subject: Subject) -> Reach:
    found = erasing.reach(tx, subject)
    if found is None:
        raise NotFoundError(erasing.missing(subject))
    return found


def _locked(tx: sa.Connection, subject: Subject) -> Reach:
    """Return what the subject covers once nobody else writes for any user concerned.

    A user who came while others were waited for is waited for too, or what is just being added would be
    erased along with the user.
    """
    found, locked = _found(tx, subject), set[int]()
    while not found.users.keys() <= locked:
        erasing.lock(tx, found)
        locked |= found.users.keys()
        found = _found(tx, subject)
    return found


def _pieces(tx: sa.Connection, ids: set[int]) -> Iterator[Piece]:
    """Yield pieces of the turns' texts and names."""
    for turn in turns.numbered(tx, sorted(ids)):
        for text in _texts(turn):
            yield from pieces_of_text(text)
    for data in turns.sealed(tx, sorted(ids)):
        yield from pieces_of_bytes("ciphertext", data)


def _texts(turn: Turn) -> Iterator[str]:
    yield turn.content
    yield turn.name
    if turn.speaker:
        yield turn.speaker
    yield from _strings(turn.metadata)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
