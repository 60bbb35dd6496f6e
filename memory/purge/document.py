"""The receipt as a document that can be handed on."""

import hashlib
from typing import Any

from memory.ledger.erasing import Kind
from memory.ledger.purges import Receipt
from memory.purge.proof import Proof
from memory.residue import Fingerprints
from memory.residue.fingerprints import FORMS
from memory.times import to_datetime


def subject_hash(tenant: str, kind: Kind, name: str) -> str:
    """Return the hash by which receipts and the audit name what was erased.

    Whoever knows the name can check that a receipt is about it; nobody can read the name from it.
    """
    return hashlib.sha256(f"{tenant}\0{kind}\0{name}".encode()).hexdigest()


def document(
    purge: Receipt,
    rows: dict[str, int],
    proof: Proof,
    place: int,
    sought: Fingerprints,
    *,
    at: int,
    backups: dict[str, Any],
) -> dict[str, Any]:
    """Return what is signed: what was erased, when, from where, how that was checked.

    `place` is the purge's among the sets that were looked for; `at` when it was done, microseconds.
    """
    counts = {form: int((sought.rows["form"] == number).sum()) for number, form in enumerate(FORMS)}
    return {
        "version": 1,
        "receipt_id": purge.id,
        "tenant": purge.tenant,
        "kind": purge.kind,
        "subject": purge.subject,
        "requested_at": _time(purge.requested_at),
        "finished_at": _time(at),
        "erased": {"turns": purge.turns} | {name: count for name, count in rows.items() if name != "turns"},
        "cleared": proof.cleared,
        "scan": {
            "files": proof.scan.files,
            "bytes": proof.scan.bytes,
            "seconds": proof.scan.seconds,
            "pieces": len(sought),
            "one_in": 2**sought.level,
            "forms": {form: count for form, count in counts.items() if count},
            "hits": 0,
            "said_by_others_too": proof.shared[place],
        },
        "backups": backups,
    }


def _time(micros: int) -> str:
    return to_datetime(micros).isoformat()
