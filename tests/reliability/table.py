"""`docs/reliability.md`, made of what is demanded and what was reached.

Written by `python -m tests.reliability.table`.
"""

from pathlib import Path

from tests.reliability.results import KEPT, ROOT, Demand, Proof, Result, demands, proofs, results

PAGE = ROOT / "docs" / "reliability.md"

_INTRO = """# Reliability

<!-- Made by `python -m tests.reliability.table`; CI holds it to the kept results. Don't edit. -->

What must never happen to a memory, the figure at which it counts as held, and the figure that was reached.
Every figure comes from a test: `make test` runs each at a size of seconds, `make drill` at the size that is
demanded, and writes what it reached to `benchmarks/reliability`. `make prove` breaks each property on purpose
and looks whether the tests notice. What was not measured is said to be so; it is not taken as held.

- **full**: passed in the variant meant for the demanded size; where the figure says less, less was measured.
  **short**: passed in the small variant only.
- A commit with a `+` had changes on top.
"""


def page(folder: Path) -> str:
    """Return the page for the results kept in `folder`."""
    found, broken, asked = results(folder), proofs(folder), demands()
    lines = ["| | | demanded | reached | |", "|---|---|---|---|---|"]
    lines += [_row(demand, _of(demand, found)) for demand in asked]
    parts = [_INTRO, "\n".join(lines), "", "## How each figure was measured", ""]
    parts += [_section(demand, _of(demand, found), broken) for demand in asked]
    return "\n".join(parts).rstrip() + "\n"


def state(demand: Demand, found: list[Result]) -> str:
    """Return `full`, `short`, `failed` or `not measured`."""
    if not found:
        return "not measured"
    if not all(result.passed for result in found):
        return "failed"
    return "full" if any(_is_full(demand, result) for result in found) else "short"


def _of(demand: Demand, found: list[Result]) -> list[Result]:
    return [result for result in found if result.requirement == demand.id]


def _is_full(demand: Demand, result: Result) -> bool:
    return result.long or demand.full == "fast"


def _is_whole(demand: Demand, result: Result) -> bool:
    return _is_full(demand, result) or result.test.partition("[")[0] in demand.whole


def _row(demand: Demand, found: list[Result]) -> str:
    whole = [result for result in found if _is_whole(demand, result)]
    figures = "; ".join(_figure(result) for result in whole or found)
    cells = [demand.id, f"[{demand.title}](#{demand.id.lower()})", demand.demanded, figures or "–"]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in [*cells, state(demand, found)]) + " |"


def _figure(result: Result) -> str:
    return result.figure if result.passed else f"**failed**: {result.figure}"


def _section(demand: Demand, found: list[Result], broken: list[Proof]) -> str:
    lines = [f"### {demand.id}", "", f"{demand.title}: {state(demand, found)}.", ""]
    for result in found:
        size = "full" if _is_whole(demand, result) else "short"
        lines.append(
            f"- {_figure(result)} ({size}). `{result.command}`, {result.date}, commit `{result.commit}`, "
            f"{result.machine}"
        )
    for one in demand.breaks:
        seen = [proof.noticed for proof in broken if (proof.requirement, proof.when) == (demand.id, one.when)]
        word = {(): "not tried", (True,): "noticed", (False,): "**not noticed**"}[tuple(seen)]
        lines.append(f"- Breaks when {one.when}: {word}")
    return "\n".join([*lines, ""] if found or demand.breaks else lines)


if __name__ == "__main__":
    PAGE.write_text(page(KEPT), encoding="utf-8")
