"""The pipe to a peer, with a worker that needs no peer."""

import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from eval.systems import Means, System, make
from eval.systems.peers import system as peer_system
from eval.systems.peers.known import PEERS, worker_of
from eval.systems.port import SystemFailedError
from memory.tokens import TokenCounter
from tests.unit.eval.fakes import HashEncoder
from tests.unit.eval.samples import QUERIES, UNITS

COUNTER = TokenCounter()
WORKERS = worker_of("mem0").parent

WORKER = f"""
import sys
sys.path.insert(0, {str(WORKERS)!r})
from harness import encode, quiet, said, serve
HOME = quiet()

class Plain:
    def start(self, folder):
        self.folder, self.turns = folder, []
        print("peers may print")
    def remember(self, turns):
        self.turns += zip(turns, encode([said(turn) for turn in turns]))
        (self.folder / "log").write_text("".join(turn["text"] for turn, _ in self.turns))
    def search(self, query, k):
        if "launch" in query:
            raise RuntimeError("no launches")
        asked = encode([query])[0]
        order = sorted(self.turns, key=lambda pair: -sum(a * b for a, b in zip(asked, pair[1])))
        return [turn["id"] for turn, _ in order[:k]]
    def own(self, query):
        best = self.search(query, 1)
        if query.startswith("pieces"):
            # All of the first turn, in parts that don't follow each other, and one with its end hidden.
            chunks = ["14 May, in Lisbon.", "The launch is on"]
            hidden = "Ann Lee: The budget for posters is [HIDDEN]"
            pieces = {{"s1:0": chunks, "s3:4": hidden.split("[HIDDEN]"), "s2:3": ["Hens need a dry coop."]}}
            if "wrong" in query:
                pieces = {{"s2:2": ["four red hens"]}}
            return "\\n".join([*chunks, hidden, "Hens need a dry coop."]), pieces
        return "".join(turn["text"] for turn, _ in self.turns if turn["id"] in best), best
    def forget(self):
        self.turns = []
        import socket
        socket.create_connection(("198.51.100.1", 80), timeout=1)

serve(Plain(), HOME)
"""


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    """Return a peer whose worker runs in this interpreter, with the sample remembered."""
    script = tmp_path / "worker.py"
    script.write_text(dedent(WORKER))
    monkeypatch.setattr(peer_system, "python_of", lambda _: Path(sys.executable))
    monkeypatch.setattr(peer_system, "worker_of", lambda _: script)
    made = make("mem0", Means(HashEncoder(), COUNTER))
    made.start("c1")
    made.remember(UNITS)
    return made


def test_a_peer_ranks_and_we_pack(peer: System) -> None:
    """The order is the peer's, the budget and the rendering are ours; its own context is its own."""
    delivered = peer.context(QUERIES[1], 80)
    own = peer.own_context(QUERIES[1])
    peer.close()

    assert delivered.items[0].unit == "s2:2"
    assert COUNTER.count(delivered.text) <= 80
    assert own is not None
    assert own.text == UNITS[2].text


def test_a_part_of_a_turn_is_claimed_as_a_part(peer: System) -> None:
    """A peer that cuts or alters turns is credited for what it gave, and never for more."""
    own = peer.own_context(replace(QUERIES[0], text="pieces"))
    wrong = peer.own_context(replace(QUERIES[0], text="pieces, wrong ones"))
    peer.close()

    assert own is not None
    assert [(item.unit, item.spans) for item in own.items] == [
        ("s1:0", ((0, 16), (17, 35))),
        ("s3:4", ((0, 25),)),
        ("s2:3", None),
    ]
    # Words that aren't the turn's: it is claimed whole, and the payload shows that it isn't there.
    assert wrong is not None
    assert [(item.unit, item.spans) for item in wrong.items] == [("s2:2", None)]


def test_a_failure_keeps_its_words(peer: System) -> None:
    """What the peer raised is told; the worker lives on."""
    with pytest.raises(SystemFailedError, match="no launches"):
        peer.context(QUERIES[2], 80)
    assert peer.ranking(QUERIES[1], 1) == ["s2:2"]
    peer.close()


def test_nothing_leaves_the_machine_and_residue_is_found(peer: System) -> None:
    """A connection elsewhere is refused; the folder that it keeps its files in can be searched."""
    assert isinstance(peer, peer_system.PeerSystem)
    with pytest.raises(SystemFailedError, match="no connections off this machine"):
        peer.forget()
    assert "three red hens" in (peer.folder() / "data1" / "log").read_text()
    peer.close()


def test_a_dead_worker_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it wrote last is in the message."""
    script = tmp_path / "worker.py"
    script.write_text("raise SystemExit('no such module')")
    monkeypatch.setattr(peer_system, "python_of", lambda _: Path(sys.executable))
    monkeypatch.setattr(peer_system, "worker_of", lambda _: script)
    made = make("mem0", Means(HashEncoder(), COUNTER))

    with pytest.raises(SystemFailedError, match="no such module"):
        made.start("c1")
    made.close()


def test_an_absent_peer_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not installed is a failure with its remedy."""
    monkeypatch.setenv("SATCHEL_EVAL_PEERS", str(tmp_path))

    with pytest.raises(SystemFailedError, match="satchel eval peers install mem0"):
        make("mem0", Means(HashEncoder(), COUNTER)).start("c1")


@pytest.mark.parametrize("name", PEERS)
def test_every_peer_has_a_worker(name: str) -> None:
    """A name without a script would fail only when asked."""
    assert worker_of(name).exists()
