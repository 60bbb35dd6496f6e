"""What is judged: anything that remembers turns and hands some of them back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from eval.datasets.model import Query, Span, Unit
from memory.encoders.port import Encoder
from memory.errors import UnavailableError
from memory.tokens import TokenCounter


class SystemFailedError(UnavailableError):
    """The system under test broke; its figures are missing, not zero."""


@dataclass(frozen=True, slots=True)
class Item:
    """A turn, or a part of one, that a context holds.

    spans: characters of the unit's text, None = all of it. relevance: what the system thinks of it.
    """

    unit: str
    spans: tuple[Span, ...] | None = None
    relevance: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Quality:
    """What the system says about its own answer; probabilities and shares in 0 to 1."""

    expected_recall: float
    expected_precision: float
    sufficient: float
    abstained: bool = False
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class Delivered:
    """A context as it would go into a prompt. text: the whole payload, fences and dates included."""

    text: str
    items: tuple[Item, ...]
    quality: Quality | None = None


class System(Protocol):
    """A memory system. One conversation at a time; a query sees what was remembered before it."""

    @property
    def name(self) -> str:
        """What it is called in tables."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Everything that makes its results what they are, as JSON."""

    @property
    def budgeted(self) -> bool:
        """Whether it can keep to a budget; False = only its own context is judged."""

    def start(self, conversation: str) -> None:
        """Forget everything and begin a conversation."""

    def remember(self, units: Sequence[Unit]) -> None:
        """Take the next units of the conversation; on return they can be recalled."""

    def context(self, query: Query, max_tokens: int) -> Delivered:
        """Return what to put into the prompt, of at most `max_tokens` tokens."""

    def own_context(self, query: Query) -> Delivered | None:
        """Return what the system hands out by its own defaults; None if it has none but `context`."""

    def ranking(self, query: Query, k: int) -> list[str]:
        """Return the `k` best units, best first, each once."""

    def close(self) -> None:
        """Let go of files, memory and processes."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a system is made with: the same encoder and the same counter for all."""

    encoder: Encoder
    counter: TokenCounter
    seed: int = 0
    options: Mapping[str, str] = field(default_factory=dict)
