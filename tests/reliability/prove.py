"""Break each property on purpose and see its test fail: `python -m tests.reliability.prove [R1 …]`.

Each break of `demanded.toml` is made in a copy of the sources, where the fast tests of its requirement are
run. They must pass without the break and fail with it; anything else is told as not noticed.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.reliability.results import KEPT, ROOT, Break, Demand, Proof, demands, write_proofs

# What pytest answers when tests ran and some failed; an error of its own is no proof.
_FAILED = 1
_TIMEOUT = 900
# A test that waits for ever for what a break took away has not noticed it in a way that anybody would see.
_HUNG = -1


def main(names: list[str]) -> int:
    """Try the breaks of the named requirements, or of all; return how many went unnoticed."""
    unnoticed = 0
    for demand in demands():
        if not demand.breaks or (names and demand.id not in names):
            continue
        found = [_proof(demand, one) for one in demand.breaks]
        write_proofs(KEPT, demand.id, found)
        unnoticed += sum(not proof.noticed for proof in found)
        for proof in found:
            print(f"{demand.id} when {proof.when}: {'' if proof.noticed else 'NOT '}noticed")  # noqa: T201 - a command
    return unnoticed


def _proof(demand: Demand, one: Break) -> Proof:
    with _copy() as tree:
        passed_before = _run(tree, demand, one) == 0
        path = tree / one.file
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(one.old, one.new, 1), encoding="utf-8")
        noticed = passed_before and _run(tree, demand, one) == _FAILED
    return Proof(demand.id, one.when, noticed, datetime.now(UTC).date().isoformat())


@contextmanager
def _copy() -> Iterator[Path]:
    """Yield a copy of what git tracks or would; the real tree is never touched."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - whichever git there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    with tempfile.TemporaryDirectory(prefix="satchel-prove-") as folder:
        for name in listed.stdout.splitlines():
            if (ROOT / name).is_file() and not name.startswith("benchmarks/"):
                (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, Path(folder) / name)
        yield Path(folder)


def _run(tree: Path, demand: Demand, one: Break) -> int:
    tests = (
        [f"tests/reliability/{one.test}"] if one.test else [str(p.relative_to(ROOT)) for p in demand.tests]
    )
    # `python -m` puts the copy before the installed sources, for the tests and for what they start.
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        return subprocess.run(
            command, cwd=tree, capture_output=True, check=False, timeout=_TIMEOUT
        ).returncode
    except subprocess.TimeoutExpired:
        return _HUNG


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
