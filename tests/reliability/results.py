"""What is demanded, what was reached: the files that the table is made of."""

import json
import re
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "benchmarks" / "reliability"
DEMANDED = Path(__file__).parent / "demanded.toml"


@dataclass(frozen=True, slots=True)
class Break:
    """One way to break a property on purpose. `old` is in `file` once and becomes `new`."""

    when: str
    file: str
    old: str
    new: str
    test: str = ""


@dataclass(frozen=True, slots=True)
class Demand:
    """One of R1 to R27. full: which suite holds the test of the demanded size; whole: fast tests that
    have no larger variant, by file and name, without parameters.
    """

    id: str
    title: str
    demanded: str
    full: Literal["fast", "drill"] = "drill"
    whole: tuple[str, ...] = ()
    breaks: tuple[Break, ...] = ()

    @property
    def tests(self) -> list[Path]:
        """The test files that show it, found by name."""
        return sorted(Path(__file__).parent.glob(f"test_r{int(self.id[1:]):02}_*.py"))


@dataclass(frozen=True, slots=True)
class Result:
    """What one run of one test reached. commit: with a `+` where the tree differed from it."""

    requirement: str
    test: str
    figure: str
    passed: bool
    long: bool
    date: str
    commit: str
    machine: str

    @property
    def command(self) -> str:
        """What measures it again."""
        return f"pytest {'-m drill ' if self.long else ''}tests/reliability/{self.test}"


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether the tests noticed a break."""

    requirement: str
    when: str
    noticed: bool
    date: str


def demands() -> list[Demand]:
    """Return R1 to R27 in order."""
    table = tomllib.loads(DEMANDED.read_text(encoding="utf-8"))
    return [Demand(id=name, **entry | _tuples(entry)) for name, entry in table.items()]


def _tuples(entry: dict[str, Any]) -> dict[str, Any]:
    breaks = tuple(Break(**one) for one in entry.get("breaks", ()))
    return {"whole": tuple(entry.get("whole", ())), "breaks": breaks}


def write(folder: Path, result: Result) -> None:
    """Keep a result in a file of its own, named after its test."""
    name = re.sub("[^a-z0-9]+", "-", result.test.lower().replace(".py", "").removeprefix("test_"))
    _dump(folder / f"{name.strip('-')}.json", asdict(result))


def results(folder: Path) -> list[Result]:
    """Return the kept results by file name."""
    return [
        Result(**json.loads(path.read_text("utf-8"))) for path in sorted(folder.glob("r[0-9][0-9]-*.json"))
    ]


def write_proofs(folder: Path, requirement: str, proofs: list[Proof]) -> None:
    """Keep what became of a requirement's breaks."""
    _dump(folder / f"breaks-{requirement.lower()}.json", [asdict(proof) for proof in proofs])


def proofs(folder: Path) -> list[Proof]:
    """Return what became of all breaks that were tried."""
    paths = sorted(folder.glob("breaks-*.json"))
    return [Proof(**row) for path in paths for row in json.loads(path.read_text("utf-8"))]


def _dump(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
