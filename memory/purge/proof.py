"""Proof that nothing is left: compact, scan, and tell residue from what others said too."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from memory.errors import UnavailableError
from memory.ledger import Ledger
from memory.purge.derived import Derived
from memory.residue import Fingerprints, Hit, Scan, scan
from memory.residue.matcher import Matcher


@dataclass(frozen=True, slots=True)
class Proof:
    """A scan that found nothing of what was erased.

    shared: for each set, how many of its pieces are in the files because somebody still has the same
    words. cleared: how each store got rid of the bytes. compacted: seconds that took; others may have
    had to wait for as long.
    """

    scan: Scan
    shared: tuple[int, ...]
    cleared: dict[str, str]
    compacted: float = 0.0


def prove(ledger: Ledger, derived: Derived, folder: Path, sought: Sequence[Fingerprints]) -> Proof:
    """Return the proof for all sets; raise `UnavailableError` where bytes are left for now.

    The stores are compacted the quick way; only where that left something, the thorough one.
    """
    left: list[Hit] = []
    compacted = 0.0
    for thorough in (False, True):
        begun = time.monotonic()
        cleared = {
            "ledger": ledger.compact(thorough=thorough),
            "index": derived.compact(thorough=thorough),
        }
        compacted += time.monotonic() - begun
        found = scan(folder, sought)
        shared = _still_said(sought, found.hits, ledger, derived)
        left = [hit for hit in found.hits if (hit.sought, hit.strong) not in shared]
        if not left:
            counts = tuple(sum(number == place for number, _ in shared) for place in range(len(sought)))
            return Proof(found, counts, cleared, compacted)
    files = ", ".join(sorted({hit.file for hit in left}))
    raise UnavailableError(f"{len(left)} pieces of what was erased are still in {files}")


def _still_said(
    sought: Sequence[Fingerprints], hits: Iterable[Hit], ledger: Ledger, derived: Derived
) -> set[tuple[int, int]]:
    """Return those of the pieces found that belong to what is still remembered.

    People say the same things: a piece that somebody's living memory holds is theirs, and proves nothing.
    """
    wanted = {(hit.sought, hit.strong) for hit in hits}
    if not wanted:
        return set()
    only = [
        one.only({strong for number, strong in wanted if number == place}) for place, one in enumerate(sought)
    ]
    matcher = Matcher(only)
    return set(matcher.find_in(ledger.held())) | set(matcher.find_in(derived.held()))
