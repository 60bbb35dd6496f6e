"""Figures of a run, from rows made by hand."""

import pytest

from eval.run.quality import headline
from eval.run.rows import Report, Row, Shot
from eval.run.summary import summary


def shot(*hits: int, tokens: int = 50, sufficient: float | None = None, units: str = "ab") -> Shot:
    """Return a context with these hits."""
    said = None
    if sufficient is not None:
        said = Report(
            expected_recall=sufficient,
            expected_precision=0.5,
            sufficient=sufficient,
            abstained=sufficient < 0.1,
            degraded=False,
        )
    items = tuple((unit, None, None, "") for unit in units)
    found = tuple(map(bool, hits))
    return Shot(tokens=tokens, items=items, hits=found, strict=found, quality=said)


def row(name: str, *, conversation: str = "c", **more: object) -> Row:
    """Return a row of a pool of ten units."""
    base = {"level": "turn", "pool": 10, "available": 200, "groups": (), "ages": ()}
    return Row.model_validate({"conversation": conversation, "query": name, "type": "fact", **base, **more})


ROWS = [
    row("one", groups=(("a",),), ages=(5,), ranking=("a", "b"), contexts={"64": shot(1, sufficient=0.9)}),
    row(
        "two",
        groups=(("a",), ("z",)),
        ages=(5, 150),
        ranking=("b", "a"),
        contexts={"64": shot(1, 0, sufficient=0.6)},
        conversation="d",
        type="multi",
    ),
    row("none", contexts={"64": shot(sufficient=0.05, units="")}),
    row("torn", groups=(("z",),), ages=(0,), incomplete=True, contexts={"64": shot(1, tokens=65)}),
    row("lost", groups=(("z",),), ages=(0,), error="it broke"),
]
FIGURES = summary(ROWS, (64,), (1, 5, 10), 0)


def test_counts() -> None:
    """Failures are counted, not scored; a context over its budget makes the run invalid."""
    assert (FIGURES["n"], FIGURES["answerable"], FIGURES["failed"]) == (5, 4, 1)
    assert not FIGURES["valid"]
    assert FIGURES["budgets"]["64"]["over_budget"] == 1


def test_at_a_budget() -> None:
    """Recall over questions with evidence, completeness without those whose label is incomplete."""
    found = FIGURES["budgets"]["64"]

    assert found["recall"] == pytest.approx((1 + 0.5 + 1) / 3, abs=1e-5)
    assert found["complete"] == 0.5
    assert found["precision"] == pytest.approx((0.5 + 0.5 + 0) / 3, abs=1e-5)
    assert found["tokens_mean"] == 53.8
    assert found["saved"] == pytest.approx(1 - 53.75 / 200)


def test_at_k() -> None:
    """Only rows with a ranking, and only where k is below the pool."""
    assert FIGURES["k"]["1"]["recall"] == 0.5
    assert FIGURES["k"]["5"]["recall"] == 0.75
    assert FIGURES["k"]["10"] == {"recall": None, "ndcg": None, "n": 0, "refused": 2}


def test_by_type_and_age() -> None:
    """Pieces of evidence fall into the bin of their own age."""
    assert FIGURES["by_type"]["multi"]["budgets"]["64"] == {"recall": 0.5, "complete": 0.0}
    assert FIGURES["by_age"]["0-19"] == {"n": 3, "budgets": {"64": 1.0}}
    assert FIGURES["by_age"]["100-299"] == {"n": 1, "budgets": {"64": 0.0}}


def test_calibration_takes_in_questions_without_evidence() -> None:
    """For them nothing can be sufficient."""
    found = FIGURES["calibration"]

    assert (found["budget"], found["n"]) == ("64", 3)
    assert found["brier"] == pytest.approx((0.01 + 0.36 + 0.0025) / 3, abs=1e-5)
    assert found["auroc"] == 1.0
    assert found["unanswerable_auroc"] == 1.0
    assert found["abstained"] == {"answerable": 0, "unanswerable": 1}
    assert found["expected_recall_mae"] == pytest.approx((0.1 + 0.1) / 2)


def test_intervals_need_two_conversations() -> None:
    """The rows have two."""
    assert FIGURES["ci95"]["budgets"]["64"]["recall"] == [0.5, 1.0]
    assert summary(ROWS[:1], (64,), (1,), 0)["ci95"]["budgets"]["64"] == {}


def test_nothing_asked_is_not_valid() -> None:
    """An empty run has no figures, and says so."""
    empty = summary([], (64,), (1,), 0)

    assert not empty["valid"]
    assert empty["budgets"] == {}


@pytest.mark.parametrize(
    ("labels", "first"), [(["256", "1024", "2048"], "1024"), (["64", "128", "256"], "128"), (["64"], "64")]
)
def test_headline(labels: list[str], first: str) -> None:
    """1024 where it was asked, else the middle."""
    assert headline(labels) == first
