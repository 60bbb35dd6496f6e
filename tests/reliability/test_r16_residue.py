"""R16: after a purge no byte of what was erased is in any file, and the receipt proves it."""

import base64
import json
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from api.services import Services
from api.settings import Settings
from memory.errors import InvalidInputError
from memory.purge import Receipt, Subject, verify
from memory.residue import Fingerprints, pieces_of_text, pieces_of_vectors, scan
from memory.scope import Scope
from retrieval.finder import Wanted
from tests.helpers import said
from tests.reliability.conftest import Reached
from tests.reliability.faults import opened
from tests.searching import WordsEncoder

EVE = Scope("default", "eve-of-the-canaries", "canary-session-77")
BOB = Scope("default", "bob", "s2")
CANARY = "My Heliotrope word is zephyr-canary-55172, filed under “quondam” by Æthelwyn."


def remember(services: Services, scope: Scope, texts: list[str]) -> None:
    """Remember turns and index them."""
    for start in range(0, len(texts), 500):
        services.remember(scope, [said(text) for text in texts[start : start + 500]])
    while services.indexer.step():
        pass


def purged(services: Services, subject: Subject) -> Receipt:
    """Purge and wait."""
    receipt = services.purge.begin(subject, "test")
    while receipt.status == "running":
        time.sleep(0.005)
        receipt = services.purge.receipt(receipt.tenant, receipt.id)
    assert receipt.status == "done", receipt.error
    return receipt


def every_form(text: str) -> dict[str, bytes]:
    """Return the bytes of a text by plain means, apart from the scan's own code."""
    return {
        "utf-8": text.encode(),
        "utf-16-le": text.encode("utf-16-le"),
        "utf-16-be": text.encode("utf-16-be"),
        "json": json.dumps(text)[1:-1].encode(),
        "lowercase": text.lower().encode(),
        "term": b"zephyr-canary-55172",
        "base64": base64.b64encode(text.encode())[:-4],
        "user": EVE.user.encode(),
        "session": str(EVE.session).encode(),
    }


def every_vector(text: str) -> dict[str, bytes]:
    """Return the bytes of a text's vector and codes as stores keep them."""
    (made,) = WordsEncoder().encode([text])
    return {
        "float32 le": made.pooled.astype("<f4").tobytes(),
        "float32 be": made.pooled.astype(">f4").tobytes(),
        "float16": made.pooled.astype("<f2").tobytes(),
        "a few numbers": made.pooled.astype("<f2").tobytes()[64:96],
    }


def copies(folder: Path, wanted: dict[str, bytes]) -> dict[str, int]:
    """Return how often each is in the folder's files; to be called with the stores closed."""
    files = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    counted = {name: sum(data.count(needle) for data in files) for name, needle in wanted.items()}
    return {name: times for name, times in counted.items() if times}


def top_ten(services: Services, scope: Scope, query: str) -> list[tuple[str, float]]:
    """Return what a search finds."""
    found = services.search(scope, Wanted(query), 10)
    return [(hit.turn.name, hit.score) for hit in found.hits]


def test_nothing_is_left(tmp_path: Path, reached: Reached) -> None:
    """By plain counting, in files that were closed: name, text and vectors were there, and are gone."""
    folder = tmp_path / "data"
    neighbours = [f"Bob notes item {number}: buy {number} pears." for number in range(60)]
    with opened(folder) as services:
        remember(services, EVE, [CANARY, *(f"{CANARY} Again, {n}." for n in range(40))])
        remember(services, BOB, neighbours)
        services.ledger.compact()
    wanted = every_form(CANARY) | every_vector(CANARY)
    before = copies(folder, wanted)
    assert {"user", "session", "float16", "a few numbers"} <= before.keys()

    with opened(folder) as services:
        recalled = [top_ten(services, BOB, f"pears of item {n}") for n in range(10)]
        receipt = purged(services, Subject("default", "user", EVE.user))
        after = [top_ten(services, BOB, f"pears of item {n}") for n in range(10)]

    assert copies(folder, wanted) == {}
    assert after == recalled
    signed: dict[str, Any] = receipt.receipt or {}
    assert signed["scan"]["hits"] == 0
    assert signed["scan"]["files"] >= 4
    assert {"utf-8", "utf-16 le", "base64", "float16 le", "int8 codes", "ciphertext"} <= signed["scan"][
        "forms"
    ].keys()
    reached(
        f"{sum(before.values())} copies before, 0 after, in {signed['scan']['files']} files and "
        f"{len(wanted)} forms; others' best ten equal"
    )


@pytest.mark.parametrize("form", [*every_form(CANARY), "float32 le", "float32 be", "float16"])
def test_what_is_left_in_any_form_is_found(tmp_path: Path, form: str) -> None:
    """A scan that could not find it would prove nothing: here it lies in the middle of a file."""
    sought = Fingerprints()
    for text in (CANARY, EVE.user, str(EVE.session)):
        sought.add(pieces_of_text(text))
    sought.add(pieces_of_vectors(np.stack([one.pooled for one in WordsEncoder().encode([CANARY])])))
    noise = random.Random(1).randbytes(5 * 1024 * 1024)
    wanted = every_form(CANARY) | every_vector(CANARY)
    (tmp_path / "clean").write_bytes(noise)
    assert scan(tmp_path, [sought]).hits == ()

    # Across the boundary of two chunks, and at an odd place.
    place = 4 * 1024 * 1024 - 13
    (tmp_path / "left").write_bytes(noise[:place] + wanted[form] + noise[place:])
    assert {hit.file for hit in scan(tmp_path, [sought]).hits} == {"left"}


def test_a_purge_is_not_done_while_a_file_holds_it(tmp_path: Path) -> None:
    """A copy that somebody left in the data folder: the receipt waits, and names the file."""
    folder = tmp_path / "data"
    with opened(folder) as services:
        remember(services, EVE, [CANARY])
        copy = folder / "notes.txt"
        copy.write_text(CANARY)
        begun = services.purge.begin(Subject("default", "user", EVE.user), "test")
        while (receipt := services.purge.receipt("default", begun.id)).status != "done" and not receipt.error:
            time.sleep(0.01)

        assert receipt.status != "done"
        assert "notes.txt" in str(receipt.error)
        copy.unlink()
        while (receipt := services.purge.receipt("default", begun.id)).status != "done":
            time.sleep(0.01)
        assert receipt.attempts >= 1


def test_what_another_said_too_is_theirs(tmp_path: Path) -> None:
    """The same words in somebody's living memory keep no purge from being done."""
    folder = tmp_path / "data"
    with opened(folder) as services:
        remember(services, EVE, [CANARY])
        remember(services, BOB, [CANARY])
        receipt = purged(services, Subject("default", "user", EVE.user))

        assert (receipt.receipt or {})["scan"]["said_by_others_too"] > 0
        assert top_ten(services, BOB, "What is the heliotrope word of zephyr-canary-55172?")


def test_a_receipt_holds_offline(tmp_path: Path) -> None:
    """Its signature fits; a changed receipt and another key are refused."""
    with opened(tmp_path / "data") as services:
        remember(services, EVE, [CANARY])
        signed = purged(services, Subject("default", "user", EVE.user)).receipt or {}
        key = services.purge.signer.public_key

    assert verify(signed, key) == verify(signed)
    assert (tmp_path / "data" / "receipts.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(InvalidInputError, match="signature"):
        verify(signed | {"finished_at": "2020-01-01T00:00:00+00:00"}, key)
    with pytest.raises(InvalidInputError, match="signature"):
        verify(signed, base64.b64encode(bytes(31) + b"1").decode())


def large(stored: Settings, turns: int) -> str:
    """Purge a user of many turns beside as many of another's; return the figure."""
    drawn = random.Random(5)
    words = [f"{drawn.randrange(16**5):05x}" for _ in range(4000)]
    texts = [" ".join(drawn.choices(words, k=30)) for _ in range(2 * turns)]
    with opened(stored) as services:
        remember(services, EVE, texts[:turns])
        remember(services, BOB, texts[turns:])
        begun = time.monotonic()
        receipt = purged(services, Subject("default", "user", EVE.user))
        seconds = time.monotonic() - begun
    found = (receipt.receipt or {})["scan"]
    return (
        f"{turns:,} turns: receipt after {seconds:.1f} s, of which the scan {found['seconds']:.1f} s "
        f"for {found['pieces']:,} pieces in {found['bytes'] / 1e6:.0f} MB"
    )


def test_a_purge_of_some_size(tmp_path: Path, reached: Reached) -> None:
    """Three hundred turns."""
    reached(large(Settings(data=tmp_path / "data"), 300))


@pytest.mark.drill
def test_a_purge_of_ten_thousand_turns(tmp_path: Path, reached: Reached) -> None:
    """Ten thousand."""
    reached(large(Settings(data=tmp_path / "data"), 10_000))
