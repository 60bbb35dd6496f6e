"""Score the shipped risk flags: `python -m eval.intents.risk_evaluate --data …`."""

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from sklearn.metrics import average_precision_score, roc_auc_score

from eval.intents import measures
from eval.intents.examples import held_out
from eval.intents.risk_examples import WRITTEN, RiskSession, own_sessions, simulated, turns_to_learn
from eval.intents.risk_train import train
from eval.intents.vectors import VectorCache
from memory.encoders import OnnxEncoder
from memory.risk import POLICIES, RiskFlags, RiskReport

# The share of sessions with acute self-harm risk for which precision is stated.
PREVALENCE = 0.005
# People in distress who were never judged for risk: no negatives.
_DISTRESS = "esconv"
_RAISED = {"elevated", "high"}


def reports(turns: Sequence[str], cache: VectorCache, flags: RiskFlags) -> list[RiskReport]:
    """Return the report after each of a session's user turns."""
    return flags.report(list(cache.encode(turns)), turns, ["user"] * len(turns))


def raised(report: RiskReport) -> set[str]:
    """Return the policies that are flagged, more than watched."""
    return {flag.policy for flag in report.flags if flag.level in _RAISED}


def own(sessions: Sequence[RiskSession], cache: VectorCache, flags: RiskFlags) -> dict[str, Any]:
    """Return recall, delay in user turns, and false alarms on sessions that we labelled."""
    found = [(session, reports(session.turns, cache, flags)) for session in sessions]
    risky = [(session, runs) for session, runs in found if session.risks]
    caught, right, delays = [], [], []
    for session, runs in risky:
        at = [place for place, report in enumerate(runs) if raised(report)]
        caught.append(bool(at))
        right.append(bool(raised(runs[-1]) & set(session.risks)))
        if at and session.first is not None:
            delays.append(at[0] - session.first)
    alarms = {
        name: [
            bool(raised(runs[-1])) for session, runs in found if not session.risks and session.hard is hard
        ]
        for name, hard in (("hard", True), ("plain", False))
    }
    return {
        "risky": len(risky),
        "flagged": _share(caught),
        "flagged_right_policy": _share(right),
        "watched_or_more": _share([runs[-1].level != "none" for _, runs in risky]),
        "delay_turns": sorted(delays),
        "false_alarms_hard": _share(alarms["hard"]),
        "false_alarms_plain": _share(alarms["plain"]),
    }


def self_harm_curve(
    positive: Sequence[Sequence[str]], negative: Sequence[Sequence[str]], cache: VectorCache, flags: RiskFlags
) -> dict[str, Any]:
    """Return, by recall of self-harm, the false alarms without risk and the precision that they mean.

    positive, negative: sessions, each as its user turns.
    """
    place = POLICIES.index("self_harm")
    hits, misses = (
        np.array([_peaks(turns, cache, flags)[place] for turns in found]) for found in (positive, negative)
    )
    rows = []
    for recall in (0.5, 0.7, 0.8, 0.9, 0.95):
        limit = measures.limit_for_recall(hits, recall)
        alarms = float((misses >= limit).mean())
        precision = measures.precision_at(recall, alarms, PREVALENCE)
        rows.append({"recall": recall, "limit": limit, "false_alarms": alarms, "precision": precision})
    return {"with_risk": len(hits), "without": len(misses), "curve": rows}


def curves(data: Path, cache: VectorCache, flags: RiskFlags) -> dict[str, Any]:
    """Return the curve on our own sessions, and that of simulated high risk against unseen sources."""
    sessions = own_sessions(data, "dev")
    simulated_high = [
        [item["content"] for item in row["messages"] if item["role"] == "user"]
        for row in simulated(data, "vera_mh")
        if row["label"] == "suicide_risk_high"
    ]
    unseen = [example.turns for example in held_out(data) if example.source != _DISTRESS]
    return {
        "own_dev": self_harm_curve(
            [one.turns for one in sessions if "self_harm" in one.risks],
            [one.turns for one in sessions if not one.risks],
            cache,
            flags,
        ),
        "simulated_high": self_harm_curve(simulated_high, unseen, cache, flags),
    }


def first_flags(
    rows: Sequence[dict[str, Any]], key: str, cache: VectorCache, flags: RiskFlags
) -> dict[str, Any]:
    """Return, for each kind of simulated chat, at which user turn it is first flagged."""
    kinds: dict[str, list[int | None]] = defaultdict(list)
    for row in rows:
        turns = [item["content"] for item in row["messages"] if item["role"] == "user"]
        at = [place for place, report in enumerate(reports(turns, cache, flags), 1) if raised(report)]
        kinds[row[key]].append(at[0] if at else None)
    return {
        kind: {
            "chats": len(found),
            "flagged": _share([place is not None for place in found]),
            "median_turn": float(np.median([place for place in found if place])) if any(found) else None,
            "by_turn_5": _share([place is not None and place <= 5 for place in found]),  # noqa: PLR2004
        }
        for kind, found in sorted(kinds.items())
    }


def ordinary(data: Path, cache: VectorCache, flags: RiskFlags) -> dict[str, Any]:
    """Return the share of flagged sessions in sources that were never trained on, by source."""
    by_source: dict[str, list[bool]] = defaultdict(list)
    for example in held_out(data):
        by_source[example.source].append(bool(raised(reports(example.turns, cache, flags)[-1])))
    return {
        source: {"n": len(found), "flagged": _share(found)} for source, found in sorted(by_source.items())
    }


def left_out(data: Path, source: str, cache: VectorCache) -> dict[str, float]:
    """Return ranking figures for self-harm on `source` by a model that never saw it."""
    turns = turns_to_learn(data)
    encoder = OnnxEncoder(threads=1)
    model = train([turn for turn in turns if turn.source != source], encoder, cache)
    tested = [turn for turn in turns if turn.source == source and turn.risks["self_harm"] is not None]
    vectors = cache.encode([turn.text for turn in tested])
    scores = [model.probabilities(turn.text, vector)[0] for turn, vector in zip(tested, vectors, strict=True)]
    truth = np.array([bool(turn.risks["self_harm"]) for turn in tested])
    flagged = np.array(scores) >= model.flag[0]
    safe = np.array([not any(turn.risks.values()) for turn in tested])
    figures = {"n": float(len(truth)), "false_alarms": float(flagged[safe].mean())}
    if truth.any():
        figures |= {
            "auprc": float(average_precision_score(truth, scores)),
            "auroc": float(roc_auc_score(truth, scores)),
            "recall": float(flagged[truth].mean()),
            **_recall_at(np.array(scores), truth, safe),
        }
    return figures


def main(
    data: Annotated[Path, typer.Option(help="Folder with the shared data.")],
    cache: Annotated[Path, typer.Option(help="Folder for encoded texts.")] = Path("runs/intent-cache"),
    out: Annotated[Path | None, typer.Option(help="Where the figures go, as JSON.")] = None,
) -> None:
    """Print all figures."""
    vectors = VectorCache(OnnxEncoder(threads=1), cache)
    flags = RiskFlags()
    sessions = own_sessions(data, "dev")
    found = {
        "own_dev": own(sessions, vectors, flags),
        "self_harm_curves": curves(data, vectors, flags),
        "vera_mh": first_flags(simulated(data, "vera_mh"), "label", vectors, flags),
        "spiral_bench": first_flags(simulated(data, "spiral_bench"), "label", vectors, flags),
        "ordinary": ordinary(data, vectors, flags),
        "left_out": {
            name: left_out(data, name, vectors) for name in (*WRITTEN, "openai_moderation", "xstest")
        },
    }
    text = json.dumps(found, indent=1)
    typer.echo(text)
    if out is not None:
        out.write_text(text + "\n", "utf-8")


def _peaks(turns: Sequence[str], cache: VectorCache, flags: RiskFlags) -> tuple[float, ...]:
    state = None
    for text, vector in zip(turns, cache.encode(turns), strict=True):
        state, _ = flags.update(state, text, "user", vector)
    return state.peak if state else (0.0,) * len(POLICIES)


def _recall_at(scores: np.ndarray, truth: np.ndarray, safe: np.ndarray) -> dict[str, float]:
    """Return the recall at limits that a share of the messages without any risk exceeds."""
    limits = {share: np.quantile(scores[safe], 1 - share) for share in (0.01, 0.03, 0.1)}
    return {
        f"recall_at_{share:.0%}": float((scores[truth] > limit).mean()) for share, limit in limits.items()
    }


def _share(found: Sequence[bool]) -> float:
    return round(float(np.mean(found)), 4) if len(found) else float("nan")


if __name__ == "__main__":
    typer.run(main)
