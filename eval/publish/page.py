"""`docs/benchmarks.md`, made from kept results alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.publish.keep import kept_json, kept_runs
from eval.report.differences import best_other, budgets, difference, reference
from eval.report.load import Run, datasets
from eval.run.quality import headline
from eval.run.rows import OWN

# What the shipped relevance model was fitted on (docs/models/relevance.md).
LEARNED_FROM = frozenset({"own", "realmem"})

_INTRO = """# Benchmarks

<!-- Made by `satchel eval publish`; CI checks that it is what the kept results say. Don't edit. -->

Evidence recall: the share of a question's labelled evidence that is in the context, averaged over the
questions that have evidence. **Retrieval only**: nothing here says how well a model answers. The budget is
the whole payload as delivered, fences and dates included, in `cl100k_base` tokens. All systems got the same
turns, the same encoder (all-MiniLM-L6-v2, int8) and the same budget; those that only rank were packed
greedily and rendered as Satchel renders. Intervals are 95% bootstraps over conversations. `p` is a two-sided
sign-flip test over questions; "p, conversations" flips whole conversations, assumes less, and can't fall
below 2/2ⁿ for n of them. How to read and make all of this: [evaluate.md](evaluate.md).
"""


def page(results: Path, main: str = "satchel") -> str:
    """Return the page."""
    runs = kept_runs(results)
    usual = [run for run in runs if not run.run["identity"]["trap_as_gold"]]
    parts = [_INTRO]
    parts += [_dataset(name, part, main) for name, part in datasets(usual).items()]
    parts.append(_published([run for run in runs if run.run["identity"]["trap_as_gold"]]))
    parts.append(_latency(kept_json(results, "latency.json")))
    parts.append(_residue(kept_json(results, "residue.json")))
    return "\n".join(part for part in parts if part)


def _dataset(name: str, runs: Sequence[Run], main: str) -> str:
    ours = reference(runs, main)
    ordered = [ours, *(run for run in runs if run is not ours)]
    shown = budgets(ordered)
    budget = headline(shown)
    lines = [
        f"## {name}",
        "",
        _about(ours),
        "",
        _in_sample(ours) if main in {ours.system, ours.label} else "",
        _table(
            [
                "system",
                *(f"{int(b):,}" for b in shown),
                f"all at {int(budget):,}",
                "recall@10",
                "nDCG@10",
                "own default",
            ],
            [_row(run, shown, budget) for run in ordered],
        ),
        "",
        # A lead of one baseline over another is nobody's question.
        _leads(ours, ordered, shown) if main in {ours.system, ours.label} else "",
        _light(ordered),
        _quality(ours),
        _made(ordered),
    ]
    return "\n".join(line for place, line in enumerate(lines) if line or lines[place - 1])


def _in_sample(ours: Run) -> str:
    """Return a warning where the reference learned from the data set."""
    if ours.dataset not in LEARNED_FROM or "models" in ours.run["identity"]["options"]:
        return ""
    return (
        f"**In sample:** {ours.label}'s shipped model learned from this set, so its figures here say how "
        "well it fits, not how well it does elsewhere.\n"
    )


def _about(ours: Run) -> str:
    about, pool = ours.run["dataset"], ours.metrics["pool"]
    return (
        f"{about['conversations']} conversations, {about['units']:,} turns, {ours.metrics['n']:,} questions, "
        f"{ours.metrics['answerable']:,} with evidence; a question may see {pool['min']:,} to "
        f"{pool['max']:,} turns. `{about['file']}`, sha256 `{about['sha256'][:12]}…`."
    )


def _row(run: Run, shown: Sequence[str], budget: str) -> list[str]:
    found = run.metrics["budgets"]
    if run.failed:
        return [run.label, f"failed: {run.failed.strip().splitlines()[-1][:100]}", *[""] * (len(shown) + 3)]
    own = found.get(OWN)
    at_k = run.metrics["k"].get("10", {})
    name = run.label if run.metrics["valid"] else f"{run.label} ({_flaw(run)})"
    return [
        name,
        *(_number(found.get(b, {}).get("recall")) for b in shown),
        _number(found.get(budget, {}).get("complete")),
        _number(at_k.get("recall")),
        _number(at_k.get("ndcg")),
        f"{_number(own['recall'])} in {own['tokens_mean']:,.0f} tokens" if own else "–",
    ]


def _flaw(run: Run) -> str:
    over = sum(figures["over_budget"] for figures in run.metrics["budgets"].values())
    flaws = {
        "failed": run.metrics["failed"],
        "over budget": over,
        "claimed but not delivered": run.metrics["unverified"],
    }
    return ", ".join(f"{count} {name}" for name, count in flaws.items() if count)


def _leads(ours: Run, runs: Sequence[Run], shown: Sequence[str]) -> str:
    rows = []
    for budget in shown:
        other = best_other(ours, runs, budget)
        found = difference(ours, other, budget) if other else None
        if other is None or found is None:
            continue
        between = "" if found.low is None else f"{found.low * 100:+.1f} to {(found.high or 0) * 100:+.1f}"
        many = "" if found.p_conversations is None else _p(found.p_conversations)
        rows.append(
            [f"{int(budget):,}", other.label, f"{found.difference * 100:+.1f}", between, _p(found.p), many]
        )
    head = ["budget", "best other", f"{ours.label} is ahead by, points", "95%", "p", "p, conversations"]
    return _table(head, rows) + "\n" if rows else ""


def _light(runs: Sequence[Run]) -> str:
    """Return recall under the count that papers use: whole turns in rank order, their text plus 4."""
    shown = [run for run in runs if run.metrics["light"]]
    if not shown:
        return ""
    labels = list(shown[0].metrics["light"])
    rows = [[run.label, *(_number(run.metrics["light"][b]["recall"]) for b in labels)] for run in shown]
    head = ["light count", *(f"{int(label):,}" for label in labels)]
    return (
        "<details><summary>the same under the light count: whole turns in rank order, their text plus 4 "
        f"tokens each</summary>\n\n{_table(head, rows)}\n\n</details>\n"
    )


def _quality(ours: Run) -> str:
    rows = [
        [
            label,
            *(
                _number(found.get(name))
                for name in ("base_rate", "ece", "brier", "auroc", "unanswerable_auroc")
            ),
        ]
        for label, found in ours.metrics["calibration"].get("budgets", {}).items()
    ]
    if not rows:
        return ""
    head = ["budget", "all there", "ECE", "Brier", "AUROC", "AUROC, unanswerable"]
    return f"The quality report of {ours.label}, over all questions:\n\n{_table(head, rows)}\n"


def _made(runs: Sequence[Run]) -> str:
    lines = [
        f"- `{run.run['command']}` (commit `{str(run.run['commit'])[:10]}`, "
        f"{run.run['machine']['cores']} cores)"
        for run in runs
    ]
    return "<details><summary>made by</summary>\n\n" + "\n".join(lines) + "\n\n</details>\n"


def _published(runs: Sequence[Run]) -> str:
    """Return our baselines beside published figures, which count traps as evidence."""
    if not runs:
        return ""
    published = {
        "bm25": "MTEB LMEB, recall@10 / nDCG@10: .540 / .422",
        "dense": "MTEB LMEB, MiniLM-L6, recall@10 / nDCG@10: .394 / .259",
    }
    rows = []
    for run in runs:
        found = run.metrics["k"]
        ours = [_number(found[k]["recall"]) for k in ("5", "10")] + [_number(found["10"]["ndcg"])]
        rows.append([run.system, *ours, published.get(run.system, "")])
    head = ["system", "recall@5", "recall@10", "nDCG@10", "published"]
    return (
        "## Against published figures\n\nLoCoMo with the adversarial questions' traps counted as "
        "evidence, as published figures do (`--trap-as-gold`). MTEB averages over categories, we over "
        "questions; our copy has 95 corrected evidence lists, and a turn is encoded with its speaker's "
        "name.\n\n"
        f"{_table(head, rows)}\n"
    )


def _residue(found: list[dict[str, Any]] | None) -> str:
    if not found:
        return ""
    rows = [
        [
            one["system"],
            *(
                ["failed: " + one["error"].strip().splitlines()[-1][:80], "", ""]
                if one["error"]
                else _left(one)
            ),
        ]
        for one in found
    ]
    head = ["system", "bytes in its files before", "after deletion", "where"]
    return (
        "## What deletion leaves behind\n\nOne turn with a planted word, the user deleted by the system's "
        "own means, every file searched right after for pieces of the turn's text and of its vector, by the "
        "scan that Satchel's receipts rest on (`satchel eval residue`). Vectors are found where a system "
        "keeps them as float16 or float32. LangGraph's store is in memory and has no files; a database's "
        "journal may be overwritten later.\n\n"
        f"{_table(head, rows)}\n"
    )


def _latency(found: dict[str, Any] | None) -> str:
    if not found:
        return ""
    rows = [
        [
            f"{int(size):,}",
            *(f"{one['context_ms'][name]:.1f}" for name in ("p50", "p95", "p99")),
            f"{one['bare_encoder_ms']['p50']:.1f}",
            f"{one['context_ratio']:.1f} ×",
        ]
        for size, one in found["sizes"].items()
    ]
    head = ["turns remembered", "p50 ms", "p95 ms", "p99 ms", "bare encoder, p50", "over encoder"]
    return (
        "## Latency\n\nOne context of 1,024 tokens over HTTP, one request at a time, warm, encoder included "
        f"(`satchel eval latency`, {found['machine']['machine']['cores']} cores, commit "
        f"`{str(found['machine']['commit'])[:10]}`).\n\n{_table(head, rows)}\n"
    )


def _left(one: dict[str, Any]) -> list[str]:
    where = ", ".join(f"`{name.split('/', 1)[-1]}`" for name in one["files"])
    return [_bytes(one["before"]), _bytes(one["after"]), where]


def _bytes(by_form: dict[str, int]) -> str:
    return ", ".join(f"{count} ({form})" for form, count in sorted(by_form.items())) or "0"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [list(head), ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("0.", ".", 1) if value < 1 else f"{value:.3f}"


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else f"{value:.3f}".lstrip("0")  # noqa: PLR2004 - as papers print it
