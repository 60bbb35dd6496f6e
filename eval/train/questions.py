"""What is learned from: questions of histories that allow it, and questions that nothing answers."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from eval.train.encoded import EncodedTexts
from eval.train.evidence import History, Question, read
from eval.train.prepared import Prepared, of_few_sessions, prepared, without_evidence
from eval.train.searched import asked, continued
from memory.tokens import TokenCounter
from retrieval.index.port import Limits
from retrieval.passages.codec import default_codec


@dataclass(frozen=True, slots=True)
class Source:
    """A file to learn from. weight: of its questions in the ranker's fit. complete: its labels name all
    that is needed and no more, so it teaches when a context suffices. limit: histories, all where None.
    """

    file: str
    weight: float
    complete: bool
    limit: int | None = None


# LifeBench's labels name every trace of an event, QMSum's are spans of many turns: they teach what memory
# knows of, not when a context suffices. QMSum's questions gave the ranker nothing.
SOURCES = (
    Source("own/histories.jsonl", 1.0, complete=True),
    Source("evidence/realmem_dev.jsonl.gz", 1.0, complete=True),
    Source("evidence/lifebench_train.jsonl.gz", 0.5, complete=False),
    Source("evidence/qmsum_train.jsonl.gz", 0.0, complete=False, limit=30),
)
# Greetings, thanks and new matters, written for this: nobody's memory has an answer to them.
NOTHING = Path(__file__).parent / "data" / "nothing.jsonl"

# Of questions that nothing answers: how many of other histories, and of greetings and the like, are put
# to the histories of a file together, and the fewest to each; and the share of a history's own that is
# asked once more without the evidence.
_STRANGE = 360
_FEWEST = 8
_ROBBED = 0.3
# The share that is asked once more of a young memory, and the most sessions that it has.
_YOUNG = 0.4
_SESSIONS = 4
_SEED = 7


def questions_of(
    source: Source,
    histories: Sequence[History],
    strangers: Sequence[History],
    encoded: EncodedTexts,
    counter: TokenCounter,
    *,
    recents: bool = False,
) -> Iterator[Prepared]:
    """Yield the questions of a file's histories, and questions that nothing there answers.

    strangers: histories whose questions are put to these, each to those that aren't it. recents: ask once
    more with the turns just before, where they are known.
    """
    codec = default_codec(384)
    draw = np.random.default_rng(_SEED)
    sayings = _sayings()
    each = max(_STRANGE // len(histories), _FEWEST)
    for history in histories:
        foreign = [q for other in strangers if other.name != history.name for q in other.questions if q.gold]
        guests = [
            *(replace(question, at=None, recent=()) for question in _some(foreign, each, draw)),
            *_some(sayings, each, draw),
        ]
        both = {question.id for question in continued(history)} if recents else set()
        for entry in asked(
            history, encoded, counter, codec, Limits(), guests=guests, swaps=True, recents=recents
        ):
            # Asked twice, it counts as one.
            weight = source.weight / 2 if entry.question.id in both else source.weight
            if entry.query.recent:
                yield prepared(entry, weight, history.dataset)
                continue
            if entry.question.kind == "nothing":
                entry = replace(entry, origin="nothing")  # noqa: PLW2901 - the same, by its right name
            yield prepared(entry, weight, history.dataset)
            if entry.origin == "own" and entry.question.gold and draw.random() < _ROBBED:
                yield prepared(without_evidence(entry), source.weight, history.dataset)
            if source.complete and entry.origin != "swapped" and draw.random() < _YOUNG:
                # Weightless: the ranker learns from whole memories.
                young = of_few_sessions(entry, int(draw.integers(1, _SESSIONS, endpoint=True)), draw)
                yield prepared(young, 0, history.dataset)


def _some(questions: Sequence[Question], count: int, draw: np.random.Generator) -> list[Question]:
    chosen = draw.choice(len(questions), min(count, len(questions)), replace=False)
    return [questions[place] for place in sorted(chosen.tolist())]


def _sayings() -> list[Question]:
    lines = [json.loads(line) for line in NOTHING.read_text(encoding="utf-8").splitlines()]
    return [
        Question(f"nothing-{place}", "nothing", line["text"], None, (), frozenset(), 0)
        for place, line in enumerate(lines)
    ]


def histories_of(
    data: Path, counter: TokenCounter, without: str | None = None
) -> dict[Source, list[History]]:
    """Return the histories of the sources below a folder, but for one file."""
    kept = [source for source in SOURCES if source.file != without]
    return {source: read(data / source.file, counter, source.limit) for source in kept}
