"""Measure masking on marked texts: `python -m eval.intents.masking`."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import typer

from memory.intent.masking import mask

_MARK = re.compile(r"\{\{(\w+):(.*?)\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Marked:
    """A text and what must not be in it after masking, as (kind, value)."""

    text: str
    wanted: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class KindResult:
    """A kind's figures. found: of `wanted`, those gone from the text. said: masks of this kind; right: of
    those, how many stand where something was to be masked.
    """

    kind: str
    wanted: int
    found: int
    said: int
    right: int

    @property
    def recall(self) -> float:
        return self.found / self.wanted if self.wanted else float("nan")

    @property
    def precision(self) -> float:
        return self.right / self.said if self.said else float("nan")


def marked() -> list[Marked]:
    """Return the test set that is kept in the repository."""
    lines = (files("eval.intents") / "data" / "masking.txt").read_text("utf-8").splitlines()
    return [parse(line) for line in lines if line and not line.startswith("#")]


def parse(line: str) -> Marked:
    """Return the text and the marks of a line."""
    line = line.replace("\\n", "\n")
    wanted = tuple((found[1], found[2]) for found in _MARK.finditer(line))
    return Marked(_MARK.sub(lambda found: found[2], line), wanted)


def measure(texts: Sequence[Marked]) -> list[KindResult]:
    """Return each kind's recall and precision."""
    wanted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    said: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for item in texts:
        result = mask(item.text)
        here = Counter(kind for kind, _ in item.wanted)
        wanted.update(here)
        found.update(kind for kind, value in item.wanted if value not in result.text)
        said.update(result.counts)
        # A mask counts as right when it covers something that had to go, under whatever name.
        spare = sum(here.values())
        for kind, count in result.counts.items():
            right[kind] += min(count, spare)
            spare -= min(count, spare)
    return [KindResult(kind, wanted[kind], found[kind], said[kind], right[kind]) for kind in sorted(wanted)]


def main() -> None:
    """Print recall and precision of each kind."""
    for result in measure(marked()):
        typer.echo(
            f"{result.kind:8s} recall {result.recall:.3f} ({result.found}/{result.wanted})"
            f"  precision {result.precision:.3f} ({result.right}/{result.said})"
        )


if __name__ == "__main__":
    typer.run(main)
