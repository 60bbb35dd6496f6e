"""The labels and their groups, read from the taxonomy file."""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal, get_args

from memory.errors import CorruptFileError

Group = Literal["productivity", "affective", "other"]


@dataclass(frozen=True, slots=True)
class Label:
    """A label, its group and the rule for giving it."""

    name: str
    group: Group
    means: str
    yes: tuple[str, ...]
    no: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """A text at which careful readers hesitate, and how it was decided."""

    text: str
    label: str
    why: str


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All labels, in the order that models use."""

    version: int
    labels: tuple[Label, ...]
    edges: tuple[Edge, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)

    def group(self, name: str) -> Group:
        """Return the group of the label `name`."""
        return next(label.group for label in self.labels if label.name == name)


@lru_cache(maxsize=1)
def taxonomy() -> Taxonomy:
    """Return the shipped taxonomy; raise `CorruptFileError` where the file breaks its own rules."""
    return parse((files("memory.intent") / "taxonomy.toml").read_text("utf-8"))


def parse(text: str) -> Taxonomy:
    """Return the taxonomy that a file describes."""
    raw = tomllib.loads(text)
    labels = tuple(
        Label(name, item["group"], item["means"], tuple(item["yes"]), tuple(item["no"]))
        for name, item in raw["labels"].items()
    )
    wrong = sorted({label.group for label in labels} - set(get_args(Group)))
    edges = tuple(Edge(item["text"], item["label"], item["why"]) for item in raw.get("edges", ()))
    unknown = sorted({edge.label for edge in edges} - {label.name for label in labels})
    if wrong or unknown:
        raise CorruptFileError(f"the taxonomy names what it doesn't define: {', '.join(wrong + unknown)}")
    return Taxonomy(int(raw["version"]), labels, edges)
