"""Runs side by side."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eval.cli import app
from eval.report.differences import best_other, budgets, difference
from eval.report.load import load_runs
from eval.report.page import page
from eval.report.svg import Axis, Plot, shares
from memory.errors import InvalidInputError
from tests.unit.eval.runs import sample_runs


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return runs of three systems on a sample of four conversations."""
    return sample_runs(tmp_path, monkeypatch)


class Links(HTMLParser):
    """Collects what a page would load, and checks that tags are closed."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.loaded: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.loaded += [v for k, v in attrs if k in {"src", "href"} and v and not v.startswith("#")]
        if tag not in {"meta", "input", "br", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close a tag."""
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Ignore what closes itself."""


def test_the_page_needs_nothing_else(folders: list[Path]) -> None:
    """No address is loaded, all tags are closed, every system and question type is there."""
    html = page(load_runs(folders), "bm25")
    links = Links()
    links.feed(html)

    assert links.loaded == []
    assert links.open == []
    assert all(name in html for name in ("bm25", "newest", "full", "fact"))
    assert "Is the quality report true?" not in html


def test_failures_show_what_was_missed(folders: list[Path]) -> None:
    """Question, missing evidence and packed turns stand in the page of the system that failed."""
    html = page(load_runs(folders), "newest")

    assert "When is the launch and what do posters cost?" in html
    assert "missing: <code>s1:0</code> <b>user</b> The launch is on 14 May, in Lisbon." in html
    assert "Complete in: bm25. " in html


def test_differences_are_paired(folders: list[Path]) -> None:
    """Question by question; the best other is the strongest that answered everything."""
    bm25, newest, _ = load_runs(folders)
    found = difference(bm25, newest, "70")

    assert budgets([bm25, newest]) == ["60", "70", "110"]
    assert best_other(bm25, [bm25, newest], "70") is newest
    assert found is not None
    ours, theirs = (run.metrics["budgets"]["70"]["recall"] for run in (bm25, newest))
    assert found.difference == pytest.approx(ours - theirs, abs=1e-4)
    assert found.p_conversations == pytest.approx(2 / 16)


def test_a_configuration_is_no_rival_of_its_own_system(folders: list[Path]) -> None:
    """Satchel is held against others, however well another configuration of it does."""
    bm25, newest, full = load_runs(folders)
    ours, other = replace(newest, system="satchel"), replace(bm25, system="satchel-sum")

    assert best_other(ours, [ours, other, full, newest], "70") is newest
    assert best_other(newest, [ours, other, newest], "70") is other
    assert best_other(ours, [ours, other], "70") is other


def test_other_questions_are_refused(folders: list[Path], tmp_path: Path) -> None:
    """Figures on different questions don't stand in one table."""
    path = folders[0] / "run.json"
    content = json.loads(path.read_text())
    content["dataset"]["queries"] = 1
    path.write_text(json.dumps(content))

    with pytest.raises(InvalidInputError, match="different questions"):
        load_runs(folders)
    with pytest.raises(InvalidInputError, match="no finished run"):
        load_runs([tmp_path / "nowhere"])


def test_the_command_writes_page_and_plots(folders: list[Path], tmp_path: Path) -> None:
    """And prints every comparison for a script."""
    arguments = ["compare", *map(str, folders), "--out", str(tmp_path / "r.html"), "--main", "bm25"]
    done = CliRunner().invoke(app, [*arguments, "--plots", str(tmp_path / "plots"), "--json"])

    assert done.exit_code == 0, done.stderr
    assert {row["other"] for row in json.loads(done.stdout)} == {"newest"}
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    assert (tmp_path / "plots" / "sample-frontier.svg").read_text().startswith("<svg")


def test_labels_are_moved_apart() -> None:
    """Two lines that end at one height have two readable names."""
    plot = Plot(Axis(0, 1, [], ""), shares(), "test")
    plot.label(0.5, "one", "c0")
    plot.label(0.5, "two", "c1")
    heights = re.findall(r'class="label c." x="[\d.]+" y="([\d.]+)"', plot.render())

    assert abs(float(heights[0]) - float(heights[1])) >= 12


def test_an_axis_of_factors() -> None:
    """Doubling is the same way everywhere."""
    axis = Axis(256, 1024, [], "", log=True)

    assert axis.share(512) == pytest.approx(0.5)


def test_latency_against_size_is_drawn(folders: list[Path], tmp_path: Path) -> None:
    """A file of `eval latency` adds a section; anything else is refused."""
    times = {"p50": 12.0, "p95": 20.0, "p99": 31.0}
    one = {"context_ms": times, "bare_encoder_ms": {"p50": 4.0}, "context_ratio": 3.0}
    path = tmp_path / "latency.json"
    path.write_text(json.dumps({"sizes": {"1000": one, "10000": one}}))
    arguments = ["compare", str(folders[0]), "--out", str(tmp_path / "r.html"), "--latency"]

    assert CliRunner().invoke(app, [*arguments, str(path)]).exit_code == 0
    assert "Latency against memory size" in (tmp_path / "r.html").read_text()
    path.write_text("{}")
    assert CliRunner().invoke(app, [*arguments, str(path)]).exit_code == 2
