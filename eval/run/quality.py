"""Is the quality report true? Judged on all questions, those without evidence included."""

from collections.abc import Sequence
from statistics import mean
from typing import Any

from eval.metrics.auroc import auroc
from eval.metrics.brier import brier
from eval.metrics.ece import calibration_curve, ece
from eval.metrics.risk_coverage import area_under_risk, risk_coverage
from eval.run.rows import Report, Row, Shot

HEADLINE = "1024"
_POINTS = 100


def headline(labels: Sequence[str]) -> str:
    """Return the budget whose figures stand first: 1024 where it was asked, else the middle one."""
    return HEADLINE if HEADLINE in labels else labels[(len(labels) - 1) // 2]


def sufficient(row: Row, shot: Shot) -> bool:
    """Say whether what is needed was there: there is evidence, and all of it was delivered."""
    return row.answerable and all(shot.hits)


def calibration(rows: Sequence[Row], labels: Sequence[str]) -> dict[str, Any]:
    """Return the headline budget's figures with those of each budget below `budgets`; {} without reports.

    ece, brier, auroc, aurc and the two curves judge `sufficient` against "there is evidence, and all of
    it is here"; questions whose label is known to be incomplete are left out. unanswerable_auroc: how well
    1 - sufficient finds questions without evidence. expected_recall_*: against true recall, answerable
    questions only. abstained: share of questions, by whether there was evidence.
    """
    found = {label: _at(rows, label) for label in labels}
    kept = {label: figures for label, figures in found.items() if figures}
    if not kept:
        return {}
    first = headline(list(kept))
    return {"budget": first, **kept[first], "budgets": kept}


def _at(rows: Sequence[Row], label: str) -> dict[str, Any]:
    said = [(row, shot, shot.quality) for row in rows if (shot := row.contexts.get(label)) and shot.quality]
    judged = [(row, shot, report) for row, shot, report in said if not (row.answerable and row.incomplete)]
    if not judged:
        return {}
    p = [report.sufficient for _, _, report in judged]
    y = [sufficient(row, shot) for row, shot, _ in judged]
    empty = [not row.answerable for row, _, _ in judged]
    curve = risk_coverage(p, y)
    return {
        "n": len(judged),
        "base_rate": round(mean(y), 5),
        "ece": round(ece(p, y), 5),
        "brier": round(brier(p, y), 5),
        "auroc": _rounded(auroc(p, y)),
        "aurc": round(area_under_risk(p, y), 5),
        "unanswerable_auroc": _rounded(auroc([1 - value for value in p], empty)),
        **_recall_error(said),
        "abstained": {
            "answerable": _abstained(said, empty=False),
            "unanswerable": _abstained(said, empty=True),
        },
        "curve": [[round(b.predicted, 4), round(b.observed, 4), b.count] for b in calibration_curve(p, y)],
        "risk_coverage": [[round(a, 4), round(b, 4)] for a, b in curve[:: max(1, len(curve) // _POINTS)]],
    }


def _recall_error(said: Sequence[tuple[Row, Shot, Report]]) -> dict[str, Any]:
    pairs = [(r.expected_recall, mean(shot.hits)) for row, shot, r in said if row.answerable]
    if not pairs:
        return {}
    expected, found = [a for a, _ in pairs], [float(b) for _, b in pairs]
    return {
        "expected_recall_ece": round(ece(expected, found), 5),
        "expected_recall_mae": round(mean(abs(a - b) for a, b in zip(expected, found, strict=True)), 5),
    }


def _abstained(said: Sequence[tuple[Row, Shot, Report]], *, empty: bool) -> float | None:
    some = [report.abstained for row, _, report in said if row.answerable != empty]
    return round(mean(some), 5) if some else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)
