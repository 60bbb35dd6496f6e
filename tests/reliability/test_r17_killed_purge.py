"""R17: killed at any step of a purge, it is finished after the next start and never says done early."""

import time
from pathlib import Path

import pytest

from api.services import Services
from memory.purge import Subject
from memory.scope import Scope
from retrieval.finder import Wanted
from tests.helpers import said
from tests.reliability.conftest import Reached
from tests.reliability.faults import Told, opened, played
from tests.reliability.test_r16_residue import CANARY, EVE, copies, every_form, every_vector, remember

BOB = Scope("default", "bob", "s2")
FAST_POINTS = 20


def purging(folder: Path, told: Told) -> None:
    """A user is erased: what is told is the receipt's id and then, once it says so, that it is done."""
    with opened(folder) as services:
        receipt = services.purge.begin(Subject("default", "user", EVE.user), "test")
        told(receipt.id)
        finished(services, receipt.id)
        told("done")


def finished(services: Services, receipt: str) -> None:
    """Wait until a purge is done."""
    while services.purge.receipt("default", receipt).status != "done":
        time.sleep(0.002)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two users, indexed, closed as it should be."""
    folder = tmp_path_factory.mktemp("prepared") / "data"
    with opened(folder) as services:
        remember(services, EVE, [CANARY, *(f"{CANARY} {n}" for n in range(12))])
        services.remember(BOB, [said("We ship on Friday.")])
        while services.indexer.step():
            pass
    return folder


def killed(prepared: Path, into: Path, most: int | None) -> str:
    """Kill a purge at each of its steps, or at `most` of them; return the figure."""
    wanted = every_form(CANARY) | every_vector(CANARY)
    whole = played(purging, prepared, into / "whole")
    assert whole.told[-1] == "done"
    assert not copies(whole.folder, wanted)
    points = range(len(whole.steps))
    chosen = points if most is None else points[:: max(len(points) // most, 1)]
    answered = 0
    for number in chosen:
        cut = played(purging, prepared, into / str(number), stop_at=number)
        assert cut.killed
        if "done" in cut.told:
            assert not copies(cut.folder, wanted), cut.steps[-1]
        if not cut.told:
            continue  # nobody was given a receipt: it may have happened or not, as R2 tells
        answered += 1
        with opened(cut.folder) as services:
            assert not services.search(Scope("default", EVE.user), Wanted(CANARY), 10).hits
            finished(services, cut.told[0])
            assert services.search(Scope("default", "bob"), Wanted("When do we ship?"), 3).hits
        assert not copies(cut.folder, wanted), cut.steps[-1]
    assert answered
    return f"{len(chosen)} of {len(points)} steps, {answered} after the answer: all finished, none early"


def test_killed_at_twenty_points(prepared: Path, tmp_path: Path, reached: Reached) -> None:
    """Evenly spread over the steps."""
    reached(killed(prepared, tmp_path, FAST_POINTS))


@pytest.mark.drill
def test_killed_at_every_point(prepared: Path, tmp_path: Path, reached: Reached) -> None:
    """All of them."""
    reached(killed(prepared, tmp_path, None))
