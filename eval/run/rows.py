"""One question's outcome: everything needed to recompute every figure."""

import gzip
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

OWN = "own"

# unit, characters (None = the whole unit), relevance, reason.
PackedItem = tuple[str, tuple[tuple[int, int], ...] | None, float | None, str]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Report(_Model):
    """What the system said about its own answer."""

    expected_recall: float
    expected_precision: float
    sufficient: float
    abstained: bool
    degraded: bool


class Shot(_Model):
    """One context. hits: for each group of the gold, whether it earned credit; strict: by whole turns.

    tokens: of the payload as delivered. unverified: items whose words were not in the payload; they
    earn nothing.
    """

    tokens: int
    items: tuple[PackedItem, ...]
    hits: tuple[bool, ...]
    strict: tuple[bool, ...]
    unverified: int = 0
    quality: Report | None = None


class Row(_Model):
    """A question and what the system did with it.

    pool: units it could see, `available` tokens in all. groups: the gold. ages: for each group, how many
    units came after its newest one. contexts: by budget, and `own` for the system's own default. light:
    hits by budget under the light count (turn text plus 4 tokens). ms: the first context, end to end;
    encoder_ms: of it, the encoder. error: why there is no answer.
    """

    conversation: str
    query: str
    type: str
    level: str
    pool: int
    available: int
    groups: tuple[tuple[str, ...], ...]
    ages: tuple[int, ...]
    also: tuple[str, ...] = ()
    trap: tuple[str, ...] = ()
    incomplete: bool = False
    ranking: tuple[str, ...] = ()
    contexts: dict[str, Shot] = {}
    light: dict[str, tuple[bool, ...]] = {}
    ms: float | None = None
    encoder_ms: float | None = None
    error: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What names the question in its data set."""
        return self.conversation, self.query

    @property
    def answerable(self) -> bool:
        """Whether there is evidence."""
        return bool(self.groups)


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a file, or of its gzipped copy; a last line cut off midway is left out."""
    packed = path.with_name(f"{path.name}.gz")
    if packed.exists():
        lines = gzip.decompress(packed.read_bytes()).decode().split("\n")
    elif path.exists():
        lines = path.read_text(encoding="utf-8").split("\n")
    else:
        return []
    whole, last = lines[:-1], lines[-1]
    rows = [Row.model_validate_json(line) for line in whole if line]
    if last:
        try:
            rows.append(Row.model_validate_json(last))
        except ValidationError:
            return rows
    return rows


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Replace the file by these rows, at once; gzipped if it is called so."""
    partial = path.with_suffix(".partial")
    text = "".join(row.model_dump_json(exclude_defaults=True) + "\n" for row in rows).encode()
    # Without a time of day, so that equal rows give equal files.
    partial.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
    partial.replace(path)
